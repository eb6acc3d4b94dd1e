/** Face of `agent`: simulated nodes; the agent for real machines comes here too. */
export { type Timings } from "./runtime/simulated/behaviour.ts";
export { createFleet, type Fleet, type FleetDependencies, type FleetOptions } from "./fleet.ts";
export { type NodeWish, nodeObject } from "./node/node-status.ts";
export type { LogQuery } from "./runtime/pod-runtime.ts";
export { simulatedLog } from "./runtime/simulated/log.ts";

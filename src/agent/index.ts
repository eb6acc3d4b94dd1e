/** Face of `agent`: simulated nodes; the agent for real machines comes here too. */
export { createFleet, type Fleet, type FleetDependencies, type FleetOptions } from "./fleet.ts";
export { nodeObject, type NodeWish } from "./node-object.ts";
export type { LogQuery } from "./runtime/pod-runtime.ts";
export type { Timings } from "./runtime/simulated/behaviour.ts";
export { simulatedLog } from "./runtime/simulated/log.ts";

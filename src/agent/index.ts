/** Face of `agent`: simulated nodes; the agent for real machines comes here too. */
export { type Timings } from "./simulated/behaviour.ts";
export { createFleet, type Fleet, type FleetDependencies, type FleetOptions } from "./simulated/fleet.ts";
export { type NodeWish, nodeObject } from "./simulated/node-status.ts";
export { type LogQuery, simulatedLog } from "./simulated/simulated-log.ts";

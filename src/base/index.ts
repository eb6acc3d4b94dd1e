/** Face of `base`: clock, random, logging and metric interfaces, assertions. Pure. */
export { assert, unreachable } from "./assert.ts";
export { type Clock, type Timer, sleep } from "./clock.ts";
export { Fifo } from "./fifo.ts";
export { Heap } from "./heap.ts";
export {
  type Counter,
  type Gauge,
  type Histogram,
  type Labels,
  type Log,
  type LogFields,
  type Metrics,
  silentLog,
  silentMetrics,
} from "./log.ts";
export { withMembers } from "./members.ts";
export { nameSuffix, type Random } from "./random.ts";
/** @public */
export { seededRandom } from "./random.ts";
export { createLimiter, type Limiter } from "./limiter.ts";
/** @public */
export { settleMicrotasks, SimulatedClock } from "./simulated-clock.ts";

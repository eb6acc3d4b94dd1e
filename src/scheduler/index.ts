/** Face of `scheduler`: gives pods their nodes. */
export { createScheduler, type SchedulerOptions } from "./scheduler.ts";

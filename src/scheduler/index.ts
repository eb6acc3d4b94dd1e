/** Face of `scheduler`: gives pods their nodes. */
export { createScheduler, type SchedulerDependencies, type SchedulerOptions } from "./scheduler.ts";

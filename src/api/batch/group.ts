/** The table of the group batch: one line for each kind, with the constant of its resource. */
export { cronJobKind, cronjobs } from "./cronjob.ts";
export { jobKind, jobs } from "./job.ts";

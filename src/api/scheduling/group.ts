/** The table of the group scheduling.k8s.io: one line for each kind, with the constant of its resource. */
export { priorityClassKind, priorityclasses } from "./priorityclass.ts";

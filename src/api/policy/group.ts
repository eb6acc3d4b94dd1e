/** The table of the group policy: one line for each kind, with the constant of its resource. */
export { podDisruptionBudgetKind, poddisruptionbudgets } from "./poddisruptionbudget.ts";

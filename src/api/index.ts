/** Face of `api`: generated types, resource constants, kinds with their rules and tables, placement, pod helpers. */
export type * from "./types.gen.ts";
export * from "./resources.ts";
export type { Kind, KindRules, Subresource, TableColumn, TableLayout, WriteContext } from "./kinds.ts";
export { schemas } from "./schemas.ts";

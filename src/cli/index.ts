/** Face of `cli`: manifests, apply, the roll-call table, remarks on a running cluster, errors for people. */
export { type Applied, apply, kindOf, type Outcome } from "./apply.ts";
export { Commentary, isObserved } from "./commentary.ts";
export { type Manifest, readManifests } from "./manifests.ts";
export { rollCall, type RollCallFacts } from "./roll-call.ts";
export { isUsageError, UsageError } from "./usage-error.ts";

/** Face of `cli`: manifests, apply, the roll-call table, errors for people. */
export { type Applied, apply, kindOf, type Outcome } from "./apply.ts";
export { type Manifest, readManifests } from "./manifests.ts";
export { isSettled, rollCall, type RollCallFacts } from "./roll-call.ts";
export { isUsageError, UsageError } from "./usage-error.ts";

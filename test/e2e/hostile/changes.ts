/** Patches that are no patches, bombs or against the rules, and deletions under conditions that do not hold. */
import {
  canaryPath,
  daemonsetsPath,
  invalid,
  jsonPatch,
  merge,
  ok,
  patch,
  row,
  strategic,
  type Row,
  unprocessable,
  victimPath,
} from "./rows.ts";

const copyBomb = [
  { op: "add", path: "/metadata/annotations/a", value: "x".repeat(1000) },
  ...Array.from({ length: 40 }, (_, index) => ({
    op: "copy",
    from: "/metadata",
    path: `/metadata/copy${index}`,
  })),
];

export const patches: readonly Row[] = [
  row(
    "10,001 operations",
    `PATCH ${canaryPath}`,
    patch(
      jsonPatch,
      Array.from({ length: 10_001 }, () => ({ op: "test", path: "/kind", value: "DaemonSet" })),
    ),
    {
      code: 413,
      reason: "RequestEntityTooLarge",
      message: "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
    },
  ),
  row(
    "10,000 operations",
    `PATCH ${canaryPath}`,
    patch(
      jsonPatch,
      Array.from({ length: 10_000 }, () => ({ op: "test", path: "/kind", value: "DaemonSet" })),
    ),
    ok,
  ),
  row("copies of copies", `PATCH ${canaryPath}`, patch(jsonPatch, copyBomb), {
    code: 413,
    reason: "RequestEntityTooLarge",
  }),
  row(
    "a failing test",
    `PATCH ${canaryPath}`,
    patch(jsonPatch, [{ op: "test", path: "/kind", value: "Pod" }]),
    invalid(unprocessable),
  ),
  row(
    "a missing path",
    `PATCH ${canaryPath}`,
    patch(jsonPatch, [{ op: "remove", path: "/spec/nothing" }]),
    invalid(unprocessable),
  ),
  row(
    "a move into itself",
    `PATCH ${canaryPath}`,
    patch(jsonPatch, [{ op: "move", from: "/spec", path: "/spec/template/x" }]),
    invalid(unprocessable),
  ),
  row(
    "an index far beyond",
    `PATCH ${canaryPath}`,
    patch(jsonPatch, [{ op: "add", path: "/spec/template/spec/containers/4294967295", value: {} }]),
    invalid(unprocessable),
  ),
  row("an unknown operation", `PATCH ${canaryPath}`, patch(jsonPatch, [{ op: "explode", path: "/spec" }]), {
    code: 400,
    reason: "BadRequest",
  }),
  row("no list of operations", `PATCH ${canaryPath}`, patch(jsonPatch, { op: "remove" }), {
    code: 400,
    reason: "BadRequest",
  }),
  row(
    "the whole object removed",
    `PATCH ${canaryPath}`,
    patch(jsonPatch, [{ op: "remove", path: "" }]),
    invalid(unprocessable),
  ),
  row(
    "the whole object replaced",
    `PATCH ${canaryPath}`,
    patch(jsonPatch, [{ op: "replace", path: "", value: 5 }]),
    { code: 422 },
  ),
  row("no object as merge patch", `PATCH ${canaryPath}`, patch(merge, "5"), {
    code: 400,
    reason: "BadRequest",
  }),
  row("no object as strategic patch", `PATCH ${canaryPath}`, patch(strategic, "[1]"), {
    code: 400,
    reason: "BadRequest",
  }),
  row("no JSON as merge patch", `PATCH ${canaryPath}`, patch(merge, "{"), {
    code: 400,
    reason: "BadRequest",
  }),
  row("an empty patch", `PATCH ${canaryPath}`, patch(merge, {}), ok),
  row("an unknown directive", `PATCH ${canaryPath}`, patch(strategic, { spec: { $patch: "explode" } }), {
    code: 500,
  }),
  row("a directive that is no text", `PATCH ${canaryPath}`, patch(strategic, { spec: { $patch: 5 } }), {
    code: 500,
  }),
  row(
    "an element without its key",
    `PATCH ${canaryPath}`,
    patch(strategic, { spec: { template: { spec: { containers: [{ image: "a" }] } } } }),
    { code: 500 },
  ),
  row(
    "an order that lacks an element",
    `PATCH ${canaryPath}`,
    patch(strategic, {
      spec: {
        template: {
          spec: {
            "$setElementOrder/containers": [{ name: "other" }],
            containers: [{ name: "main", image: "a" }],
          },
        },
      },
    }),
    { code: 500 },
  ),
  row(
    "an order that is no list",
    `PATCH ${canaryPath}`,
    patch(strategic, { spec: { template: { spec: { "$setElementOrder/containers": 5 } } } }),
    { code: 500 },
  ),
  row(
    "$retainKeys without a key",
    `PATCH ${canaryPath}`,
    patch(strategic, {
      spec: { updateStrategy: { $retainKeys: ["type"], rollingUpdate: { maxUnavailable: 2 } } },
    }),
    { code: 400, reason: "BadRequest" },
  ),
  row(
    "$deleteFromPrimitiveList is no list",
    `PATCH ${canaryPath}`,
    patch(strategic, { metadata: { "$deleteFromPrimitiveList/finalizers": 5 } }),
    { code: 200 },
  ),
  row(
    "another selector",
    `PATCH ${canaryPath}`,
    patch(merge, {
      spec: { selector: { matchLabels: { app: "x" } }, template: { metadata: { labels: { app: "x" } } } },
    }),
    invalid(/spec\.selector: Invalid value: .*field is immutable/),
  ),
  row(
    "another kind",
    `PATCH ${canaryPath}`,
    patch(merge, { kind: "Deployment" }),
    invalid(/patch: Invalid value: .*Kind=Deployment/),
  ),
  row(
    "another version",
    `PATCH ${canaryPath}`,
    patch(jsonPatch, [{ op: "replace", path: "/apiVersion", value: "apps/v9" }]),
    invalid(/patch: Invalid value: .*apps\/v9/),
  ),
  row("another name", `PATCH ${canaryPath}`, patch(merge, { metadata: { name: "other" } }), {
    code: 400,
    reason: "BadRequest",
  }),
  row("a patch of nothing", `PATCH ${daemonsetsPath}/absent`, patch(merge, {}), {
    code: 404,
    reason: "NotFound",
    message: 'daemonsets.apps "absent" not found',
  }),
  row(
    "101 finalizers",
    `PATCH ${canaryPath}`,
    patch(merge, {
      metadata: { finalizers: Array.from({ length: 101 }, (_, index) => `example.com/f${index}`) },
    }),
    invalid(/metadata\.finalizers: Too many: 101: must have at most 100 items/),
  ),
  row(
    "annotations over 256 KiB",
    `PATCH ${canaryPath}`,
    patch(merge, { metadata: { annotations: { a: "x".repeat(262_145) } } }),
    invalid(/metadata\.annotations: Too long: may not be more than 262144 bytes/),
  ),
];

export const deletions: readonly Row[] = [
  row(
    "another uid",
    `DELETE ${canaryPath}`,
    { body: { preconditions: { uid: "x" } } },
    {
      code: 409,
      reason: "Conflict",
      message: /the UID in the precondition \(x\) does not match the UID in record/,
    },
  ),
  row(
    "an old version",
    `DELETE ${canaryPath}`,
    { body: { preconditions: { resourceVersion: "1" } } },
    { code: 409, reason: "Conflict" },
  ),
  row(
    "a malformed version",
    `DELETE ${canaryPath}`,
    { body: { preconditions: { resourceVersion: "abc" } } },
    { code: 409, reason: "Conflict" },
  ),
  row(
    "an unknown policy",
    `DELETE ${canaryPath}`,
    { body: { propagationPolicy: "Sideways" } },
    invalid(/propagationPolicy: Unsupported value: "Sideways"|propagationPolicy: Invalid value/),
  ),
  row(
    "two policies",
    `DELETE ${canaryPath}`,
    { body: { propagationPolicy: "Orphan", orphanDependents: true } },
    { code: 422, reason: "Invalid" },
  ),
  row("an unknown policy as parameter", `DELETE ${canaryPath}?propagationPolicy=Sideways`, undefined, {
    code: 422,
    reason: "Invalid",
  }),
  row("grace is no number", `DELETE ${canaryPath}?gracePeriodSeconds=soon`, undefined, {
    code: 400,
    reason: "BadRequest",
  }),
  row(
    "grace is endless",
    `DELETE ${victimPath}?gracePeriodSeconds=9223372036854775807&dryRun=All`,
    undefined,
    ok,
  ),
  row(
    "grace is endless in the body",
    `DELETE ${victimPath}?dryRun=All`,
    { body: { gracePeriodSeconds: 9_007_199_254_740_991, dryRun: ["All"] } },
    ok,
  ),
  row(
    "grace is half a second",
    `DELETE ${victimPath}`,
    { body: { gracePeriodSeconds: 0.5, dryRun: ["All"] } },
    { code: 400, reason: "BadRequest" },
  ),
  row(
    "a uid that is no text",
    `DELETE ${victimPath}`,
    { body: { preconditions: { uid: 5 }, dryRun: ["All"] } },
    { code: 400, reason: "BadRequest" },
  ),
  row(
    "a version that is no text",
    `DELETE ${victimPath}`,
    { body: { preconditions: { resourceVersion: 5 }, dryRun: ["All"] } },
    { code: 400, reason: "BadRequest" },
  ),
  row(
    "preconditions that are text",
    `DELETE ${victimPath}`,
    { body: { preconditions: "none", dryRun: ["All"] } },
    { code: 400, reason: "BadRequest" },
  ),
  row(
    "dryRun that is no list",
    `DELETE ${canaryPath}`,
    { body: { dryRun: "All", preconditions: { uid: "x" } } },
    { code: 400, reason: "BadRequest" },
  ),
  row(
    "orphanDependents that is text",
    `DELETE ${victimPath}`,
    { body: { orphanDependents: "yes", dryRun: ["All"] } },
    { code: 400, reason: "BadRequest" },
  ),
  row(
    "grace is text",
    `DELETE ${canaryPath}`,
    { body: { gracePeriodSeconds: "5" } },
    { code: 400, reason: "BadRequest" },
  ),
  row(
    "dryRun is unknown",
    `DELETE ${canaryPath}`,
    { body: { dryRun: ["Some"] } },
    { code: 422, reason: "Invalid" },
  ),
  row(
    "options of another kind",
    `DELETE ${canaryPath}`,
    { body: { apiVersion: "v1", kind: "Pod" } },
    { code: 400, reason: "BadRequest" },
  ),
  row(
    "options that are no JSON",
    `DELETE ${canaryPath}`,
    { body: "now" },
    { code: 400, reason: "BadRequest" },
  ),
  row("options that are a list", `DELETE ${canaryPath}`, { body: [] }, { code: 400, reason: "BadRequest" }),
  row("what is not there", `DELETE ${daemonsetsPath}/absent`, undefined, {
    code: 404,
    reason: "NotFound",
    message: 'daemonsets.apps "absent" not found',
  }),
  row("all with a bad selector", `DELETE ${daemonsetsPath}?labelSelector=a%20in`, undefined, {
    code: 400,
    reason: "BadRequest",
  }),
  row("all with an unknown field", `DELETE ${daemonsetsPath}?fieldSelector=a%3Db`, undefined, {
    code: 400,
    reason: "BadRequest",
  }),
  row("all that match nothing", `DELETE ${daemonsetsPath}?labelSelector=app%3Dnone`, undefined, ok),
  row("all, for a try", `DELETE ${daemonsetsPath}?dryRun=All`, undefined, ok),
  row("the default namespace", "DELETE /api/v1/namespaces/default", undefined, {
    code: 403,
    reason: "Forbidden",
    message: 'namespaces "default" is forbidden: this namespace may not be deleted',
  }),
];

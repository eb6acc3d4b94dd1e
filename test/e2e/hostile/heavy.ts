/**
 * Bodies within all bounds whose processing or answer would explode if it grew faster than their size. hostile-input.test.ts
 * sends them one after the other and bounds the time and the size of each answer.
 */
import {
  bad,
  configmapsPath,
  canaryPath,
  daemonSet,
  daemonsetsPath,
  invalid,
  jsonPatch,
  merge,
  patch,
  podsPath,
  row,
  type Row,
  strategic,
  tooLarge,
} from "./rows.ts";

function list<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index));
}

function members(length: number, value: unknown, prefix = "k"): Record<string, unknown> {
  return Object.fromEntries(list(length, (index) => [`${prefix}${index}`, value]));
}

function configMap(metadata: object, more: object = {}): { readonly body: object } {
  return { body: { metadata: { name: "heavy", ...metadata }, ...more } };
}

function pod(spec: object): { readonly body: object } {
  return {
    body: { metadata: { name: "heavy" }, spec: { containers: [{ name: "main", image: "a" }], ...spec } },
  };
}

function withSpec(spec: object): { readonly body: object } {
  const set = daemonSet("heavy") as { readonly spec: { readonly template: { readonly spec: object } } };
  Object.assign(set.spec.template.spec, spec);
  return { body: set };
}

const objectTooLarge = { ...tooLarge, message: "Request entity too large: limit is 1572864" };
const create = `POST ${configmapsPath}`;
const change = `PATCH ${canaryPath}?dryRun=All`;
const terms = list(15_000, (index) => ({
  matchExpressions: [{ key: "a", operator: "In", values: [`b${index}`] }],
}));
const manyKeys = configMap({}, { data: members(150_000, "v") });

export const heavy: readonly Row[] = [
  row("150,000 keys", create, manyKeys, objectTooLarge),
  row(
    "100,000 wrong labels",
    create,
    configMap({ labels: members(100_000, "!v", "_k") }),
    invalid(/ and \d+ more errors$/),
  ),
  row(
    "150,000 unknown fields",
    `${create}?fieldValidation=Strict`,
    configMap({}, members(150_000, 1)),
    bad(/unknown field "k99"$/),
  ),
  row(
    "a name of 2 MB",
    create,
    configMap({ name: "a.".repeat(1_000_000) }),
    invalid(/metadata\.name: Invalid value/),
  ),
  row(
    "a label of 2 MB",
    create,
    configMap({ labels: { a: `${"a.-".repeat(700_000)}!` } }),
    invalid(/metadata\.labels: Invalid value/),
  ),
  row(
    "150,000 finalizers",
    create,
    configMap({ finalizers: list(150_000, (index) => `a/f${index}`) }),
    invalid(/Too many: 150000/),
  ),
  row(
    "40,000 containers of one name",
    `POST ${podsPath}`,
    pod({ containers: list(40_000, () => ({ name: "c", image: "a" })) }),
    invalid(/spec\.containers\[1\]\.name: Duplicate value: "c"/),
  ),
  row(
    "40,000 containers",
    `POST ${daemonsetsPath}`,
    withSpec({ containers: list(40_000, (index) => ({ name: `c${index}`, image: "a" })) }),
    objectTooLarge,
  ),
  row(
    "15,000 terms of affinity",
    `POST ${daemonsetsPath}?dryRun=All`,
    withSpec({
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
      },
    }),
    { code: 201 },
  ),
  row(
    "a quantity of a million digits",
    `POST ${podsPath}`,
    pod({ overhead: { cpu: "1".repeat(1_000_000) } }),
    bad(/quantit/),
  ),
  row(
    "a quantity beyond all numbers",
    `POST ${podsPath}`,
    pod({ overhead: { cpu: "1e999999999" } }),
    bad(/quantit/),
  ),
  row(
    "10,000 insertions",
    change,
    patch(
      jsonPatch,
      list(10_000, () => ({ op: "add", path: "/spec/template/spec/containers/0", value: { name: "x" } })),
    ),
    { code: 422, reason: "Invalid" },
  ),
  row(
    "a path of 100,000 parts",
    change,
    patch(jsonPatch, [{ op: "add", path: "/a".repeat(100_000), value: 1 }]),
    { code: 422, reason: "Invalid" },
  ),
  row(
    "150,000 keys taken away",
    change,
    patch(merge, { metadata: { annotations: members(150_000, null) } }),
    { code: 200 },
  ),
  row(
    "40,000 elements merged",
    change,
    patch(strategic, {
      spec: {
        template: { spec: { containers: list(40_000, (index) => ({ name: `c${index}`, image: "a" })) } },
      },
    }),
    objectTooLarge,
  ),
  row(
    "80,000 elements in order",
    change,
    patch(strategic, {
      spec: {
        template: {
          spec: {
            "$setElementOrder/containers": list(80_000, (index) => ({ name: `c${index}` })),
            containers: [{ name: "main", image: "a" }],
          },
        },
      },
    }),
    { code: 500 },
  ),
  row(
    "3 MB of spaces",
    create,
    { body: `${" ".repeat(3_000_000)}{}` },
    invalid(/metadata\.name: Required value/),
  ),
];

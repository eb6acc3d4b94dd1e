/**
 * For any object that can be decoded: defaults once are defaults twice, and no rule or table throws.
 * Objects are made from the schema table itself, with values that are likely to matter.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalJson,
  copyJson,
  decodeObject,
  type Draft,
  encodeJson,
  type KubeObject,
  resolveSchema,
  type Schema,
  StatusError,
} from "../machinery/index.ts";
import { kinds } from "./kind-table.ts";
import type { Kind, WriteContext } from "./kinds.ts";
import { nodeShouldRunDaemonPod } from "./placement.ts";
import { podLimits, podRequests, qosClass } from "./pod-helpers.ts";
import { schemas } from "./schemas.ts";
import type { Node, Pod } from "./types.gen.ts";

/** Settable to repeat a failure: LARES_SEED and, as printed by the failing run, its path. */
const seed = Number(process.env["LARES_SEED"] ?? 20_261_121);
const runs = 60;
/** Objects deeper than this are left empty. */
const depthMax = 7;

const context: WriteContext = { nowMs: 0, user: { username: "u", groups: [] } };

const words = [
  "",
  "a",
  "A b",
  "Always",
  "Never",
  "None",
  "In",
  "Exists",
  "Equal",
  "NoExecute",
  "metadata.name",
  "RollingUpdate",
  "10%",
  "constructor",
  "__proto__",
  "10.0.0.1",
  "/a",
  "..",
  "é",
];
const text = fc.constantFrom(...words);

function arbitraryOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const plain = resolveSchema(schemas, schema);
  switch (plain.type) {
    case "string":
      return text;
    case "integer":
      return fc.constantFrom(-1, 0, 1, 2, 80, 70_000, 2_147_483_647);
    case "number":
      return fc.constantFrom(0, 1.5);
    case "boolean":
      return fc.boolean();
    case "bytes":
      return fc.constantFrom("", "YQ==");
    case "quantity":
      return fc.constantFrom("0", "1", "-1", "100m", "1Gi", "1.5");
    case "intOrString":
      return fc.constantFrom<unknown>(0, 1, -1, "10%", "http", "0%", "200%");
    case "time":
    case "microTime":
      return fc.constantFrom("2026-01-01T00:00:00Z", null);
    case "raw":
    case "rawText":
      return fc.constantFrom<unknown>({}, { a: 1 });
    case "array":
      return depth >= depthMax
        ? fc.constant([])
        : fc.array(arbitraryOf(plain.of, depth + 1), { maxLength: 2 });
    case "map":
      return fc.dictionary(text, arbitraryOf(plain.of, depth + 1), { maxKeys: 2 });
    case "object":
      return depth >= depthMax ? fc.constant({}) : objectOf(plain.fields, depth);
  }
}

/** Each field is there with a chance that gets smaller with depth; wide types would grow without end. */
function objectOf(
  fields: Readonly<Record<string, { readonly schema: Schema }>>,
  depth: number,
): fc.Arbitrary<object> {
  const weight = depth < 3 ? 3 : 1;
  const entries = Object.entries(fields).map(([name, field]) => [
    name,
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      { weight, arbitrary: fc.constant(null).chain(() => arbitraryOf(field.schema, depth + 1)) },
    ),
  ]);
  return fc.record(Object.fromEntries(entries) as Record<string, fc.Arbitrary<unknown>>);
}

function objectsOf(kind: Kind): fc.Arbitrary<object> {
  return arbitraryOf({ type: "ref", name: kind.schema }, 0) as fc.Arbitrary<object>;
}

function defaulted(kind: Kind, input: object): Draft<KubeObject> {
  const { object } = decodeObject<Draft<KubeObject>>(
    { table: schemas, name: kind.schema },
    copyJson({ metadata: {}, ...input }),
  );
  object.metadata ??= {};
  kind.rules.setDefaults?.(object);
  return object;
}

/** Client errors are answers; anything else is a defect. */
function tolerant(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
  }
}

const acted = kinds.filter((kind) => kind.schema !== "core.v1.Binding");

describe.each(acted.map((kind) => [kind.schema, kind] as const))("%s", (_schema, kind) => {
  const objects = objectsOf(kind);

  test("defaults are idempotent, also over the decoder", () => {
    fc.assert(
      fc.property(objects, (input) => {
        const once = defaulted(kind, input);
        const text = encodeJson(once);
        kind.rules.setDefaults?.(once);
        expect(encodeJson(once)).toBe(text);
        expect(canonicalJson(defaulted(kind, JSON.parse(text) as object))).toBe(canonicalJson(once));
      }),
      { seed, numRuns: runs },
    );
  });

  test("rules, warnings and tables answer for every object", () => {
    fc.assert(
      fc.property(objects, objects, (input, other) => {
        const object = defaulted(kind, input);
        const before = defaulted(kind, other) as KubeObject;
        const { rules, table } = kind;
        tolerant(() => rules.prepareForCreate?.(object, context));
        const isList = (errors: unknown): void =>
          expect(errors === undefined || Array.isArray(errors)).toBe(true);
        isList(rules.validate?.(object as KubeObject));
        isList(rules.warnings?.(object as KubeObject));
        tolerant(() => rules.prepareForUpdate?.(object, before, context));
        isList(rules.validateUpdate?.(object as KubeObject, before));
        tolerant(() => rules.prepareForStatusUpdate?.(object, before));
        isList(rules.validateStatusUpdate?.(object as KubeObject, before));
        for (const read of Object.values(rules.selectableFields ?? {}))
          expect(typeof read(object as KubeObject)).toBe("string");
        const cells = table?.cells(object as KubeObject, 0);
        expect(cells?.length).toBe(table?.columns.length);
        expect(cells?.includes(undefined as never) ?? false).toBe(false);
      }),
      { seed, numRuns: runs },
    );
  });
});

test("placement and sums answer for every pod and node; who should run may continue", () => {
  const kindOf = (schema: string): Kind => kinds.find((kind) => kind.schema === schema)!;
  const pods = objectsOf(kindOf("core.v1.Pod"));
  const nodes = objectsOf(kindOf("core.v1.Node"));
  fc.assert(
    fc.property(pods, nodes, (podInput, nodeInput) => {
      const pod = defaulted(kindOf("core.v1.Pod"), podInput) as unknown as Pod;
      const node = defaulted(kindOf("core.v1.Node"), nodeInput) as unknown as Node;
      const { shouldRun, shouldContinue } = nodeShouldRunDaemonPod(pod.spec, node);
      expect(shouldRun && !shouldContinue).toBe(false);
      podRequests(pod.spec);
      podLimits(pod.spec);
      expect(["BestEffort", "Burstable", "Guaranteed"]).toContain(qosClass(pod.spec));
    }),
    { seed, numRuns: 200 },
  );
});

/** Properties of patches and decoding. The order of strategic merges is compared with upstream's algorithm. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { replay } from "../testing/replay.ts";
import { sampleTable } from "../testing/sample-schema.ts";
import { decodeObject } from "./decode.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { jsonMergePatch } from "./merge-patch.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

type Tree = string | number | boolean | null | Tree[] | { [key: string]: Tree };

const key = fc.constantFrom("a", "b", "c", "__proto", "constructor");
/** `withNull` false gives documents, true gives patches. */
const tree = (withNull: boolean): fc.Arbitrary<Tree> =>
  fc.letrec<{ value: Tree }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.oneof(fc.nat(3), fc.boolean(), fc.constantFrom("x", "y"), ...(withNull ? [fc.constant(null)] : [])),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 3 }),
    ),
  })).value;
const objectTree = (withNull: boolean): fc.Arbitrary<{ [key: string]: Tree }> =>
  fc.dictionary(key, tree(withNull));

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

const isPlain = (value: Tree | undefined): value is { [key: string]: Tree } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The merge patch that leads from `from` to `to`, both without nulls. */
function difference(from: { [key: string]: Tree }, to: { [key: string]: Tree }): { [key: string]: Tree } {
  const patch: { [key: string]: Tree } = {};
  for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) patch[name] = null;
  for (const [name, wanted] of Object.entries(to)) {
    const had = Object.hasOwn(from, name) ? from[name] : undefined;
    if (JSON.stringify(had) !== JSON.stringify(wanted)) {
      patch[name] = isPlain(had) && isPlain(wanted) ? difference(had, wanted) : wanted;
    }
  }
  return patch;
}

it("a merge patch of the difference leads to the other document, also when it is applied twice", () => {
  fc.assert(
    fc.property(objectTree(false).map(freeze), objectTree(false).map(freeze), (from, to) => {
      const patch = freeze(difference(from, to));
      const merged = jsonMergePatch(from, patch);
      expect(merged).toEqual(to);
      expect(jsonMergePatch(merged, patch)).toEqual(merged);
    }),
    { numRuns: 300, ...replay() },
  );
});

it("any merge patch may be applied twice, and changes neither input", () => {
  fc.assert(
    fc.property(tree(false).map(freeze), tree(true).map(freeze), (document, patch) => {
      const once = jsonMergePatch(document, patch);
      expect(jsonMergePatch(once, patch)).toEqual(once);
    }),
    { numRuns: 300, ...replay() },
  );
});

it("without a schema a strategic merge is a JSON merge", () => {
  fc.assert(
    fc.property(objectTree(false).map(freeze), objectTree(false).map(freeze), (document, patch) => {
      const live = freeze({ free: document });
      const body = freeze({ free: patch });
      expect(strategicMergePatch({ table: sampleTable, name: "v1.PodSpec" }, live, body)).toEqual(
        jsonMergePatch(live, body),
      );
    }),
    { numRuns: 200, ...replay() },
  );
});

it("JSON patch: adding and removing again restores, moving is copying and removing, inputs stay", () => {
  fc.assert(
    fc.property(objectTree(false).map(freeze), tree(false).map(freeze), (document, value) => {
      const add = { op: "add", path: "/new", value };
      const test = { op: "test", path: "/new", value };
      expect(applyJsonPatch(document, freeze([add, test, { op: "remove", path: "/new" }]))).toEqual(document);
      const moved = applyJsonPatch(document, [add, { op: "move", from: "/new", path: "/x~1y" }]);
      const copied = applyJsonPatch(document, [
        add,
        { op: "copy", from: "/new", path: "/x~1y" },
        { op: "remove", path: "/new" },
      ]);
      expect(moved).toEqual(copied);
      expect(moved).toEqual({ ...document, "x/y": value });
    }),
    { numRuns: 200, ...replay() },
  );
});

interface Element {
  readonly name: string;
  readonly image?: string;
  readonly $patch?: string;
}

const name: fc.Arbitrary<string> = fc.constantFrom("a", "b", "c", "d", "e", "f");
const names = fc.uniqueArray(name, { maxLength: 6 });
const elements = (image: string): fc.Arbitrary<Element[]> =>
  names.map((list) => list.map((each) => ({ name: each, image })));

/** mergeSortedSlice of upstream, step by step. */
function naiveOrder(merged: readonly string[], order: readonly string[], live: readonly string[]): string[] {
  const right = order.filter((each) => merged.includes(each));
  const left = live.filter((each) => merged.includes(each) && !order.includes(each));
  const result: string[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const l = left[i];
    const r = right[j];
    if (l === undefined && r !== undefined) result.push(right[j++] ?? "");
    else if (r === undefined && l !== undefined) result.push(left[i++] ?? "");
    else if (l !== undefined && r !== undefined) {
      const isBefore = live.includes(l) && live.includes(r) && live.indexOf(l) < live.indexOf(r);
      result.push(isBefore ? l : r);
      if (isBefore) i++;
      else j++;
    }
  }
  return result;
}

const patched = (live: readonly Element[], patch: object): Element[] => {
  const spec = strategicMergePatch(
    { table: sampleTable, name: "v1.PodSpec" },
    freeze({ containers: live }),
    freeze(patch),
  );
  return (spec as { containers: Element[] }).containers;
};

it("merged lists hold the right elements in upstream's order, with and without $setElementOrder", () => {
  fc.assert(
    fc.property(elements("old"), elements("new"), names, names, (live, changes, gone, extra) => {
      const change = changes.filter((each) => !gone.includes(each.name));
      const deletions = gone.map((each) => ({ name: each, $patch: "delete" }));
      const liveNames = live.map((each) => each.name);
      const changeNames = change.map((each) => each.name);
      const kept = liveNames.filter((each) => !gone.includes(each));
      const merged = [...kept, ...changeNames.filter((each) => !kept.includes(each))];
      const image = (each: string): Element => ({
        name: each,
        image: changeNames.includes(each) ? "new" : "old",
      });

      const plain = patched(live, { containers: [...deletions, ...change] });
      expect(plain).toEqual(naiveOrder(merged, changeNames, kept).map(image));

      const order = [...changeNames, ...extra.filter((each) => !changeNames.includes(each))];
      const ordered = patched(live, {
        "$setElementOrder/containers": order.map((each) => ({ name: each })),
        containers: [...change, ...deletions],
      });
      expect(ordered).toEqual(naiveOrder(merged, order, liveNames).map(image));
    }),
    { numRuns: 1000, ...replay() },
  );
});

it("a strategic merge with $setElementOrder may be applied twice", () => {
  fc.assert(
    fc.property(elements("old"), elements("new"), names, (live, changes, extra) => {
      const changeNames = changes.map((each) => each.name);
      const order = [...changeNames, ...extra.filter((each) => !changeNames.includes(each))];
      const patch = {
        "$setElementOrder/containers": order.map((each) => ({ name: each })),
        containers: changes,
      };
      const once = patched(live, patch);
      expect(patched(once, patch)).toEqual(once);
    }),
    { numRuns: 300, ...replay() },
  );
});

it("decoding is idempotent, leaves its input alone and lets nothing unknown through", () => {
  const junk = tree(true);
  const spec = fc.record(
    {
      containers: fc.array(
        fc.record(
          {
            name: fc.constantFrom("", "a"),
            args: fc.array(fc.string()),
            junk,
            ports: fc.array(fc.record({ containerPort: fc.nat(9) })),
          },
          { requiredKeys: [] },
        ),
      ),
      nodeSelector: fc.oneof({ arbitrary: fc.dictionary(key, fc.string()), weight: 9 }, junk),
      priority: fc.oneof({ arbitrary: fc.integer({ min: -2, max: 2 }), weight: 9 }, junk),
      hostNetwork: fc.oneof(fc.boolean(), fc.constant(null)),
      securityContext: fc.oneof(fc.record({ runAsNonRoot: fc.boolean() }, { requiredKeys: [] }), junk),
      overhead: fc.record({
        limits: fc.dictionary(key, fc.constantFrom("1000m", "0.5", "1Gi", "1024Mi", "0")),
      }),
      junk,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(spec.map(freeze), (value) => {
      const first = decodeObject({ table: sampleTable, name: "v1.PodSpec" }, value);
      expect(JSON.stringify(first.object)).not.toContain("junk");
      if (first.errors.length > 0) return;
      const second = decodeObject({ table: sampleTable, name: "v1.PodSpec" }, freeze(first.object));
      expect(second).toEqual({ object: first.object, unknown: [], errors: [] });
    }),
    { numRuns: 500, ...replay() },
  );
});

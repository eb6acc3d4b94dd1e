/** Strategic merge patch: every directive, and the order of merged lists. */
import { describe, expect, it } from "vitest";
import { sampleTable } from "../testing/sample-schema.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

const patchSpec = (live: unknown, patch: unknown): unknown =>
  strategicMergePatch({ table: sampleTable, name: "v1.PodSpec" }, live, patch);
const names = (spec: unknown, list = "containers"): string[] =>
  ((spec as Record<string, { name: string }[]>)[list] ?? []).map((element) => element.name);
const containers = (...wanted: string[]): { containers: { name: string }[] } => ({
  containers: wanted.map((name) => ({ name })),
});

describe("objects", () => {
  it("merges, deletes with null, replaces scalars", () => {
    const live = {
      nodeSelector: { a: "1", b: "2" },
      hostNetwork: true,
      securityContext: { runAsNonRoot: true },
    };
    expect(patchSpec(live, { nodeSelector: { a: null, c: "3" }, hostNetwork: null })).toEqual({
      nodeSelector: { b: "2", c: "3" },
      securityContext: { runAsNonRoot: true },
    });
    expect(patchSpec({}, { nodeSelector: { a: "1", b: null } })).toEqual({ nodeSelector: { a: "1" } });
    expect(patchSpec({ nodeSelector: "x" }, { nodeSelector: { a: "1" } })).toEqual({
      nodeSelector: { a: "1" },
    });
  });

  it("obeys $patch", () => {
    const live = { nodeSelector: { a: "1" }, hostNetwork: true };
    expect(patchSpec(live, { nodeSelector: { $patch: "replace", b: "2" } })).toEqual({
      nodeSelector: { b: "2" },
      hostNetwork: true,
    });
    expect(patchSpec(live, { nodeSelector: { $patch: "delete" } })).toEqual({
      nodeSelector: {},
      hostNetwork: true,
    });
    expect(() => patchSpec(live, { nodeSelector: { $patch: "merge", b: "2" } })).toThrow(
      "unknown patch type: merge in map: map[$patch:merge b:2]",
    );
    expect(patchSpec({}, { nodeSelector: { $patch: "replace", b: "2" } })).toEqual({
      nodeSelector: { b: "2" },
    });
    expect(() => patchSpec(live, { nodeSelector: { $patch: "twist" } })).toThrow(
      /^unknown patch type: twist in map: /,
    );
  });

  it("replaces as a whole where the strategy says so", () => {
    expect(patchSpec({ overhead: { limits: { a: "1" } } }, { overhead: { limits: { b: "2" } } })).toEqual({
      overhead: { limits: { b: "2" } },
    });
  });

  it("merges unknown and raw fields as JSON merge patch does", () => {
    const live = { unknown: { a: [1], b: 1 }, free: { a: [1], b: 1 } };
    const patch = { unknown: { a: [2], b: null }, free: { a: [2], b: null } };
    expect(patchSpec(live, patch)).toEqual({ unknown: { a: [2] }, free: { a: [2] } });
  });
});

describe("lists of objects", () => {
  it("merges by key, and puts new elements before those that only the server has, as upstream", () => {
    const live = { containers: [{ name: "a", image: "1", args: ["x", "y"] }, { name: "b" }] };
    const patch = {
      containers: [
        { name: "a", image: "2", args: ["z"] },
        { name: "c", image: "3" },
      ],
    };
    expect(patchSpec(live, patch)).toEqual({
      containers: [{ name: "a", image: "2", args: ["z"] }, { name: "c", image: "3" }, { name: "b" }],
    });
  });

  it("replaces lists without strategy", () => {
    expect(patchSpec({ tolerations: [{ key: "a" }] }, { tolerations: [{ key: "b" }] })).toEqual({
      tolerations: [{ key: "b" }],
    });
    expect(patchSpec({ tolerations: [{ key: "a" }] }, { tolerations: null })).toEqual({});
  });

  it("knows no directives in lists without strategy", () => {
    const deleting = { tolerations: [{ key: "a", $patch: "delete" }] };
    expect(patchSpec({ tolerations: [{ key: "a" }] }, deleting)).toEqual(deleting);
    const replacing = { tolerations: [{ $patch: "replace" }, { key: "b" }] };
    expect(patchSpec({ tolerations: [{ key: "a" }] }, replacing)).toEqual(replacing);
    // A list that is not there yet is taken without them.
    expect(patchSpec({}, replacing)).toEqual({ tolerations: [{ key: "b" }] });
  });

  it("keeps elements of one key when the list is replaced, as a kubelet replaces addresses", () => {
    const two = [
      { name: "a", image: "1" },
      { name: "a", image: "2" },
    ];
    const patch = { containers: [...two, { $patch: "replace" }] };
    for (const live of [{}, containers("a", "b")])
      expect(patchSpec(live, patch)).toEqual({ containers: two });
  });

  it("deletes elements, replaces the list, refuses the rest", () => {
    const live = containers("a", "b", "a");
    expect(patchSpec(live, { containers: [{ name: "a", $patch: "delete" }] })).toEqual(containers("b"));
    expect(patchSpec(live, { containers: [{ name: "z", $patch: "delete" }, { name: "c" }] })).toEqual(
      containers("c", "a", "a", "b"),
    );
    expect(patchSpec(live, { containers: [{ $patch: "replace" }, { name: "c" }] })).toEqual(containers("c"));
    expect(patchSpec({}, { containers: [{ name: "a", $patch: "delete" }, { name: "c" }] })).toEqual(
      containers("c"),
    );
    expect(() => patchSpec(live, { containers: [{ name: "a", $patch: "merge" }] })).toThrow(/merging lists/);
    expect(() => patchSpec(live, { containers: [{ name: "a", $patch: "x" }] })).toThrow(
      /unknown patch type: x/,
    );
    expect(() => patchSpec(live, { containers: [{ image: "x" }] })).toThrow(
      "map: map[image:x] does not contain declared merge key: name",
    );
    expect(() => patchSpec(live, { containers: [{ $patch: "delete" }] })).toThrow(/declared merge key: name/);
    expect(() => patchSpec(live, { containers: ["a"] })).toThrow(/not identical/);
    expect(() => patchSpec({}, { matrix: [["a"]] })).toThrow(/lists of lists/);
  });

  it("nests", () => {
    const live = {
      containers: [
        {
          name: "a",
          env: [
            { name: "x", value: "1" },
            { name: "y", value: "2" },
          ],
        },
      ],
    };
    const patch = {
      "$setElementOrder/containers": [{ name: "a" }],
      containers: [
        {
          name: "a",
          "$setElementOrder/env": [{ name: "y" }, { name: "x" }],
          env: [{ name: "y", value: null }],
        },
      ],
    };
    expect(patchSpec(live, patch)).toEqual({
      containers: [{ name: "a", env: [{ name: "y" }, { name: "x", value: "1" }] }],
    });
  });

  it("compares number keys", () => {
    const live = { containers: [{ name: "a", ports: [{ containerPort: 80 }, { containerPort: 81 }] }] };
    const patch = { containers: [{ name: "a", ports: [{ containerPort: 81, protocol: "UDP" }] }] };
    expect(patchSpec(live, patch)).toEqual({
      containers: [{ name: "a", ports: [{ containerPort: 80 }, { containerPort: 81, protocol: "UDP" }] }],
    });
  });
});

describe("lists of scalars", () => {
  const patchMeta = (live: unknown, patch: unknown): unknown =>
    strategicMergePatch({ table: sampleTable, name: "v1.ObjectMeta" }, live, patch);

  it("unites without duplicates", () => {
    expect(patchMeta({ finalizers: ["a", "b"] }, { finalizers: ["b", "c"] })).toEqual({
      finalizers: ["a", "b", "c"],
    });
    expect(patchMeta({}, { finalizers: ["b", "b"] })).toEqual({ finalizers: ["b"] });
  });

  it("deletes from lists of any strategy", () => {
    expect(patchMeta({ finalizers: ["a", "b"] }, { "$deleteFromPrimitiveList/finalizers": ["a"] })).toEqual({
      finalizers: ["b"],
    });
    expect(patchMeta({}, { "$deleteFromPrimitiveList/finalizers": ["a"] })).toEqual({});
    for (const live of [{}, { finalizers: ["a"] }])
      expect(patchMeta(live, { "$deleteFromPrimitiveList/finalizers": "a" })).toEqual(live);
    const container = strategicMergePatch(
      { table: sampleTable, name: "v1.Container" },
      { args: ["a", "b"] },
      {
        "$deleteFromPrimitiveList/args": ["b"],
      },
    );
    expect(container).toEqual({ args: ["a"] });
  });

  it("does what kubectl sends to exchange a finalizer", () => {
    const patch = {
      "$deleteFromPrimitiveList/finalizers": ["a"],
      "$setElementOrder/finalizers": ["c", "b"],
      finalizers: ["c"],
    };
    expect(patchMeta({ finalizers: ["a", "b"] }, patch)).toEqual({ finalizers: ["c", "b"] });
  });
});

describe("order", () => {
  it.each([
    [["a", "b", "c"], [], ["c", "a"], ["b", "c", "a"]],
    [["a", "b", "c"], ["x"], ["c", "x", "a"], ["b", "c", "x", "a"]],
    [["s", "a"], ["b"], ["b", "a"], ["b", "s", "a"]],
    [["a", "s"], ["b"], ["a", "b"], ["a", "b", "s"]],
    [["s", "t"], ["b"], ["b"], ["b", "s", "t"]],
    [[], ["b", "a"], ["b", "a"], ["b", "a"]],
    [["a", "b"], [], ["b", "z", "a"], ["b", "a"]],
  ])("live %j, patch %j, order %j: %j", (live, patch, order, result) => {
    const body = {
      "$setElementOrder/containers": order.map((name) => ({ name })),
      ...(patch.length === 0 ? {} : containers(...patch)),
    };
    expect(names(patchSpec(containers(...live), body))).toEqual(result);
  });

  it("follows the patch list when there is no $setElementOrder", () => {
    expect(names(patchSpec(containers("a", "s", "b"), containers("b", "a")))).toEqual(["s", "b", "a"]);
  });

  it("refuses a $setElementOrder that contradicts the patch list", () => {
    const patch = { "$setElementOrder/containers": [{ name: "a" }], ...containers("b") };
    expect(() => patchSpec({}, patch)).toThrow(/^The order in patch list:/);
    const swapped = {
      "$setElementOrder/containers": [{ name: "a" }, { name: "b" }],
      ...containers("b", "a"),
    };
    expect(() => patchSpec({}, swapped)).toThrow(/^The order in patch list:/);
    const deleting = {
      "$setElementOrder/containers": [{ name: "b" }],
      containers: [{ name: "a", $patch: "delete" }],
    };
    expect(names(patchSpec(containers("a", "b"), deleting))).toEqual(["b"]);
    expect(() => patchSpec({}, { "$setElementOrder/containers": "a" })).toThrow(
      "expected a []interface {}, but received a string",
    );
    expect(() => patchSpec(containers("a"), { "$setElementOrder/containers": [{ image: "a" }] })).toThrow(
      /merge key/,
    );
  });

  it("does nothing for a list that neither side has", () => {
    expect(patchSpec({}, { "$setElementOrder/containers": [{ name: "a" }] })).toEqual({});
    expect(
      patchSpec(containers("a"), { "$setElementOrder/containers": [{ name: "a" }], containers: null }),
    ).toEqual({});
  });
});

describe("$retainKeys", () => {
  it("changes the source of a volume", () => {
    const live = {
      volumes: [
        { name: "v", emptyDir: { medium: "Memory" } },
        { name: "w", emptyDir: {} },
      ],
    };
    const patch = {
      volumes: [{ $retainKeys: ["name", "hostPath"], name: "v", hostPath: { path: "/x" } }],
    };
    expect(patchSpec(live, patch)).toEqual({
      volumes: [
        { name: "v", hostPath: { path: "/x" } },
        { name: "w", emptyDir: {} },
      ],
    });
  });

  it("refuses keys that it does not name", () => {
    const patch = { volumes: [{ $retainKeys: ["name"], name: "v", hostPath: { path: "/x" } }] };
    expect(() => patchSpec({}, patch)).toThrow("invalid patch format of retainKeys");
    expect(() => patchSpec({}, { $retainKeys: "name" })).toThrow("invalid patch format of retainKeys");
  });
});

describe("whole patches", () => {
  it("rolls a template back as rollout undo does", () => {
    const live = { metadata: { name: "x" }, spec: { containers: [{ name: "old" }], hostNetwork: true } };
    const patch = { spec: { $patch: "replace", containers: [{ name: "new", env: null }] } };
    expect(strategicMergePatch({ table: sampleTable, name: "v1.Pod" }, live, patch)).toEqual({
      metadata: { name: "x" },
      spec: { containers: [{ name: "new" }] },
    });
  });

  it("changes neither input", () => {
    const live = { ...containers("a", "b"), nodeSelector: { a: "1" } };
    const patch = {
      "$setElementOrder/containers": [{ name: "b" }, { name: "a" }],
      containers: [{ name: "b", $retainKeys: ["name", "image"], image: "1" }],
      nodeSelector: { a: null, b: "2" },
    };
    const before = structuredClone({ live, patch });
    patchSpec(live, patch);
    expect({ live, patch }).toEqual(before);
  });

  it("must be an object", () => {
    expect(() => patchSpec({}, [])).toThrow("a strategic merge patch must be an object");
  });
});

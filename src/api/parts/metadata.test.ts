/** Metadata of objects. */
import { describe, expect, test } from "vitest";
import type { ObjectMeta } from "../../machinery/index.ts";
import { textsOf } from "../../testing/kind-fixtures.ts";
import { validateObjectMeta, validateObjectMetaUpdate, type NameRule } from "./metadata.ts";

const valid: ObjectMeta = { name: "a", namespace: "default" };
const errorsOf = (meta: ObjectMeta, nameRule: NameRule = "subdomain", namespaced = true): string[] =>
  textsOf(validateObjectMeta(meta, { namespaced, nameRule }));

describe("a new object", () => {
  const owner = { apiVersion: "v1", kind: "K", name: "n", uid: "u" };
  test.each<[ObjectMeta, RegExp[]]>([
    [valid, []],
    [{ namespace: "default" }, [/^metadata\.name: Required value: name or generateName is required$/]],
    [{ ...valid, name: "A" }, [/^metadata\.name: Invalid value: "A": a lowercase RFC 1123 subdomain must/]],
    [
      { ...valid, generateName: "A-" },
      [/^metadata\.generateName: Invalid value: "A-": a lowercase RFC 1123/],
    ],
    [{ ...valid, generateName: "a-" }, []],
    [{ name: "a" }, [/^metadata\.namespace: Required value$/]],
    [{ ...valid, namespace: "a.b" }, [/^metadata\.namespace: Invalid value: "a\.b": must not contain dots$/]],
    [
      { ...valid, generation: -1 },
      [/^metadata\.generation: Invalid value: -1: must be greater than or equal to 0$/],
    ],
    [
      { ...valid, labels: { "a/b/c": "x y" } },
      [
        /^metadata\.labels: Invalid value: "a\/b\/c": a qualified name/,
        /^metadata\.labels: Invalid value: "x y": a valid label/,
      ],
    ],
    [
      { ...valid, annotations: { "A.B/c": "x", "": "y" } },
      [
        /^metadata\.annotations: Invalid value: "": name part must be non-empty$/,
        /^metadata\.annotations: Invalid value: "": name part must consist/,
      ],
    ],
    [
      { ...valid, annotations: { a: "x".repeat(262_144) } },
      [/^metadata\.annotations: Too long: may not be more than 262144 bytes$/],
    ],
    [{ ...valid, annotations: { a: "x".repeat(262_143) } }, []],
    [
      { ...valid, finalizers: ["orphan", "x", "a.b/c"] },
      [
        /^metadata\.finalizers\[1\]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified$/,
      ],
    ],
    [{ ...valid, finalizers: ["orphan", "foregroundDeletion"] }, [/cannot be both set$/]],
    [
      { ...valid, ownerReferences: [{ ...owner, apiVersion: "", uid: "" }] },
      [
        /^metadata\.ownerReferences\.apiVersion: Invalid value: "": version must not be empty$/,
        /^metadata\.ownerReferences\.uid: Invalid value: "": must not be empty$/,
      ],
    ],
    [
      { ...valid, ownerReferences: [{ ...owner, kind: "Event" }] },
      [/Kind=Event is disallowed from being an owner$/],
    ],
    [
      {
        ...valid,
        ownerReferences: [
          { ...owner, controller: true },
          { ...owner, name: "m", controller: true },
        ],
      },
      [/Only one reference can have Controller set to true\. Found "true" in references for K\/n and K\/m$/],
    ],
  ])("%j", (meta, texts) => {
    expect(errorsOf(meta)).toEqual(texts.map((text) => expect.stringMatching(text) as unknown));
  });

  test.each<[NameRule, string, number]>([
    ["label", "a.b", 1],
    ["label", "a-b", 0],
    ["label1035", "1a", 1],
    ["pathSegment", "system:a", 0],
    ["pathSegment", "..", 1],
    ["pathSegment", "a/b%", 2],
  ])("%s name %j", (rule, name, count) => {
    expect(errorsOf({ name }, rule, false)).toHaveLength(count);
  });

  test("cluster-wide objects have no namespace", () => {
    expect(errorsOf(valid, "subdomain", false)).toEqual([
      "metadata.namespace: Forbidden: not allowed on this type",
    ]);
  });
});

test.each<[ObjectMeta, string[]]>([
  [{ ...valid, labels: { a: "b" } }, []],
  [{ ...valid, name: "b" }, ['metadata.name: Invalid value: "b": field is immutable']],
  [{ ...valid, uid: "u" }, ['metadata.uid: Invalid value: "u": field is immutable']],
])("update to %j", (meta, errors) => {
  expect(textsOf(validateObjectMetaUpdate(meta, valid))).toEqual(errors);
});

test("an object that is being deleted gets no new finalizers and no smaller generation", () => {
  const before = { ...valid, generation: 2, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a/b"] };
  expect(textsOf(validateObjectMetaUpdate({ ...before, finalizers: [] }, before))).toEqual([]);
  expect(
    textsOf(
      validateObjectMetaUpdate({ ...before, generation: 1, finalizers: ["a/b", "a/d", "a/c"] }, before),
    ),
  ).toEqual([
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/c", "a/d"}',
    "metadata.generation: Invalid value: 1: must not be decremented",
  ]);
});

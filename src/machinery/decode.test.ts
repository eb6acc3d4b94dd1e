/** Decoding: what Go would read and write again. */
import { describe, expect, it } from "vitest";
import { sampleTable } from "../testing/sample-schema.ts";
import { decodeObject, rawTextPaths } from "./decode.ts";
import { RawJson } from "./go-json.ts";
import { parseJson } from "./json.ts";
import type { Field, Schema, SchemaTable } from "./schema.ts";

const decodeSpec = (value: unknown): ReturnType<typeof decodeObject> =>
  decodeObject({ table: sampleTable, name: "v1.PodSpec" }, value, { path: "spec" });

describe("decodeObject", () => {
  it("drops unknown fields and reports their paths", () => {
    const decoded = decodeSpec({
      containers: [
        { name: "a", foo: 1 },
        { name: "b", resources: { bar: {} } },
      ],
      baz: null,
      constructor: 1,
    });
    expect(decoded.unknown).toEqual([
      "spec.containers[0].foo",
      "spec.containers[1].resources.bar",
      "spec.baz",
      "spec.constructor",
    ]);
    expect(decoded.object).toEqual({
      containers: [
        { name: "a", resources: {} },
        { name: "b", resources: {} },
      ],
    });
    expect(decoded.errors).toEqual([]);
  });

  it("treats null as absent, and fills what Go always writes", () => {
    const { object } = decodeObject(
      { table: sampleTable, name: "v1.Pod" },
      {
        metadata: null,
        spec: { volumes: null, reference: {} },
      },
    );
    expect(object).toEqual({
      metadata: {},
      spec: { reference: { apiGroup: null, target: 0 }, containers: null },
    });
    expect(decodeSpec({ containers: [null, {}], finalizers: [] }).object).toEqual({
      containers: [
        { name: "", resources: {} },
        { name: "", resources: {} },
      ],
    });
  });

  it("drops zero values where Go's omitempty does, and keeps those behind pointers", () => {
    const { object } = decodeSpec({
      containers: [],
      hostNetwork: false,
      weight: 0,
      nodeSelector: {},
      tolerations: [],
      securityContext: { runAsNonRoot: false },
      priority: 0,
      volumes: [
        { name: "", emptyDir: {} },
        { name: "v", hostPath: { path: "", type: "" } },
      ],
      free: {},
    });
    expect(object).toEqual({
      containers: [],
      securityContext: { runAsNonRoot: false },
      priority: 0,
      volumes: [
        { name: "", emptyDir: {} },
        { name: "v", hostPath: { path: "", type: "" } },
      ],
      free: {},
    });
    expect(decodeSpec({ nodeSelector: { a: "", b: null } }).object).toEqual({
      nodeSelector: { a: "", b: "" },
      containers: null,
    });
  });

  it("writes null for a list, map or time that is not there, where Go always writes the field", () => {
    const field = (schema: Schema): Field => ({ schema, required: true });
    const string = { type: "string" } as const;
    const table: SchemaTable = {
      Made: {
        type: "object",
        fields: {
          list: field({ type: "array", of: string }),
          map: field({ type: "map", of: string }),
          time: field({ type: "time" }),
          microTime: field({ type: "microTime" }),
          elsewhere: { schema: { type: "time" } },
        },
      },
    };
    const nothing = { list: null, map: null, time: null, microTime: null };
    const type = { table, name: "Made" };
    for (const value of [{}, nothing, { ...nothing, elsewhere: null }, { time: "0001-01-01T00:00:00Z" }])
      expect(decodeObject(type, value).object).toEqual(nothing);
    const full = {
      list: [],
      map: {},
      time: "2026-01-01T00:00:00Z",
      microTime: "2026-01-01T00:00:00.000000Z",
    };
    expect(decodeObject(type, full).object).toEqual(full);
  });

  it("makes quantities and times canonical", () => {
    const { object } = decodeSpec({
      overhead: { limits: { cpu: "1000m", memory: "1024Mi", gpu: 2, disk: "0.5" } },
      renewTime: "2026-11-20T16:00:00.123Z",
    });
    expect(object).toEqual({
      overhead: { limits: { cpu: "1", memory: "1Gi", gpu: "2", disk: "500m" } },
      renewTime: "2026-11-20T16:00:00.123000Z",
      containers: null,
    });
    const meta = (creationTimestamp: string): unknown =>
      decodeObject({ table: sampleTable, name: "v1.ObjectMeta" }, { creationTimestamp }).object;
    expect(meta("2026-11-20T18:00:00.9+02:00")).toEqual({ creationTimestamp: "2026-11-20T16:00:00Z" });
    expect(meta("2026-11-20T16:00:00Z")).toEqual({ creationTimestamp: "2026-11-20T16:00:00Z" });
    expect(meta("2026-10-31T16:00:00Z")).toEqual({ creationTimestamp: "2026-10-31T16:00:00Z" });
    expect(meta("0001-01-01T00:00:00Z")).toEqual({});
  });

  it.each([
    [
      { containers: {} },
      "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
    ],
    [
      { containers: [{ ports: [{ containerPort: "80" }] }] },
      "json: cannot unmarshal string into Go struct field Port.spec.containers.ports.containerPort of type int32",
    ],
    [
      { priority: 1.5 },
      "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32",
    ],
    [
      { priority: 2 ** 31 },
      "json: cannot unmarshal number 2147483648 into Go struct field PodSpec.spec.priority of type int32",
    ],
    [
      { hostNetwork: "yes" },
      "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
    ],
    [{ weight: [] }, "json: cannot unmarshal array into Go struct field PodSpec.spec.weight of type float64"],
    [
      { nodeSelector: { a: 1 } },
      "json: cannot unmarshal number into Go struct field PodSpec.spec.nodeSelector of type string",
    ],
    [
      { nodeSelector: [] },
      "json: cannot unmarshal array into Go struct field PodSpec.spec.nodeSelector of type map[string]string",
    ],
    [
      { reference: "x" },
      "json: cannot unmarshal string into Go struct field PodSpec.spec.reference of type v1.Reference",
    ],
    [
      { containers: ["x"] },
      "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container",
    ],
    [
      { reference: { target: true } },
      "json: cannot unmarshal bool into Go struct field Reference.spec.reference.target of type int32",
    ],
    [{ reference: { token: "a" } }, "illegal base64 data at input byte 1"],
    [
      { overhead: { limits: { cpu: "x" } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      { renewTime: "now" },
      'parsing time "now" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "now" as "2006"',
    ],
  ])("refuses %j", (value, error) => {
    expect(decodeSpec(value).errors).toEqual([error]);
  });

  it.each([
    [{ containers: {} }, "cannot restore slice from map"],
    [{ nodeSelector: [] }, "cannot restore map from slice"],
    [{ reference: "x" }, "cannot restore struct from: string"],
    [{ nodeSelector: { a: 1 } }, "cannot convert int64 to string"],
    [{ nodeSelector: { a: true } }, "unrecognized type: string"],
    [{ priority: "1" }, "unrecognized type: int32"],
    [{ hostNetwork: "yes" }, "unrecognized type: bool"],
  ])("refuses %j in the converter's words", (value, error) => {
    const type = { table: sampleTable, name: "v1.PodSpec" };
    expect(decodeObject(type, value, { path: "spec", words: "converter" }).errors).toEqual([error]);
  });

  it("refuses a value that is no object", () => {
    expect(decodeObject({ table: sampleTable, name: "v1.Pod" }, [1]).errors).toEqual([
      "json: cannot unmarshal array into Go value of type v1.Pod",
    ]);
  });

  it("makes a fresh graph and changes nothing", () => {
    const free = { deep: [{ x: 1 }] };
    const value = { containers: [{ name: "a", args: ["x"] }], nodeSelector: { a: "b" }, free };
    const before = structuredClone(value);
    const object = decodeSpec(value).object as typeof value;
    expect(value).toEqual(before);
    expect(object.free).toEqual(free);
    for (const [fresh, old] of [
      [object.containers, value.containers],
      [object.containers[0], value.containers[0]],
      [object.containers[0]?.args, value.containers[0]?.args],
      [object.nodeSelector, value.nodeSelector],
      [object.free.deep[0], free.deep[0]],
    ]) {
      expect(fresh).not.toBe(old);
    }
  });

  it("reuses members that are identical to those of the known object, and decodes all others", () => {
    const known = { metadata: { name: "a", labels: { a: "b" } }, spec: { containers: [] } };
    const value = { metadata: known.metadata, spec: { containers: [], nodeSelector: { x: 1 } } };
    const { object, errors } = decodeObject({ table: sampleTable, name: "v1.Pod" }, value, { known });
    expect(object.metadata).toBe(known.metadata);
    expect(object.spec).not.toBe(value.spec);
    expect(errors).toHaveLength(1);
    const copied = decodeObject(
      { table: sampleTable, name: "v1.Pod" },
      { metadata: { ...known.metadata } },
      { known },
    );
    expect(copied.object.metadata).toEqual(known.metadata);
    expect((copied.object.metadata as typeof known.metadata).labels).not.toBe(known.metadata.labels);
  });

  it("keeps raw text, and turns trees into it", () => {
    const raw = new RawJson('{"10":1,"9":2}');
    expect(rawTextPaths(sampleTable, "v1.Pod")).toEqual(["data"]);
    expect(decodeObject({ table: sampleTable, name: "v1.Pod" }, { data: raw }).object.data).toBe(raw);
    expect(decodeObject({ table: sampleTable, name: "v1.Pod" }, { data: { a: 1 } }).object.data).toEqual(
      new RawJson('{"a":1}'),
    );
  });

  it("lets no key reach a prototype", () => {
    const value = parseJson('{"spec":{"nodeSelector":{"__proto__":"x"},"__proto__":{"y":1}}}');
    const { object, unknown } = decodeObject({ table: sampleTable, name: "v1.Pod" }, value);
    expect(unknown).toEqual(["spec.__proto__"]);
    expect(JSON.stringify((object.spec as Record<string, unknown>).nodeSelector)).toBe('{"__proto__":"x"}');
    expect(({} as Record<string, unknown>).y).toBeUndefined();
  });
});

/**
 * Any object of any kind comes out of protobuf as it comes out of JSON, and bytes of any sort are read or refused.
 * Not here: what real clients send (kubectl-bodies.test.ts), each rule of the decoder (machinery/protobuf.test.ts).
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeObject,
  decodeProtobuf,
  encodeJson,
  JsonError,
  ProtobufError,
  readEnvelope,
  resolveSchema,
  type Schema,
} from "../machinery/index.ts";
import { arbitraryObject } from "../testing/arbitrary-object.ts";
import { type Arrange, encodeEnvelope, encodeProtobuf, type WireField } from "../testing/protobuf-encoder.ts";
import { replay } from "../testing/replay.ts";
import { kinds } from "./kind-table.ts";
import { schemas } from "./schemas.ts";

const names = [
  ...new Set([...kinds.map((kind) => kind.schema), "policy.v1.Eviction", "meta.v1.DeleteOptions"]),
];

type Members = Readonly<Record<string, unknown>>;

/** What is left of a decoded object on the wire: no empty lists and maps, no fields that only JSON has. */
function onWire(schema: Schema, value: unknown): unknown {
  const plain = resolveSchema(schemas, schema);
  if (value === null || value === undefined) return value;
  if (plain.type === "array")
    return (value as readonly unknown[]).map((element) => onWire(plain.of, element));
  if (plain.type === "map") {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, onWire(plain.of, member)]));
  }
  if (plain.type !== "object") return value;
  const kept = Object.entries(value as Members).filter(([name, member]) => {
    const field = plain.fields[name]!;
    const { type } = resolveSchema(schemas, field.schema);
    const isEmpty =
      (type === "array" || type === "map") && member !== null && Object.keys(member as object).length === 0;
    return field.number !== undefined && !isEmpty;
  });
  return Object.fromEntries(kept.map(([name, member]) => [name, onWire(plain.fields[name]!.schema, member)]));
}

/** Last number first, and between them fields that nobody knows, of every wire type. */
const disturbed: Arrange = (fields) => {
  const strange: WireField[] = [
    [0xc0, 0xbb, 0x01, 0x07],
    [0xc1, 0xbb, 0x01, 1, 2, 3, 4, 5, 6, 7, 8],
    [0xc2, 0xbb, 0x01, 2, 9, 9],
    [0xc3, 0xbb, 0x01, 0x0b, 0x08, 0x01, 0x0c, 0xc4, 0xbb, 0x01],
    [0xc5, 0xbb, 0x01, 1, 2, 3, 4],
  ].map((bytes) => ({ number: 3000, bytes: Uint8Array.from(bytes) }));
  const backwards = fields.toSorted((a, b) => b.number - a.number);
  return backwards.flatMap((field, index) => [strange[index % strange.length]!, field]);
};

describe.each(names)("%s", (name) => {
  const type = { table: schemas, name };
  const meaning = (value: object): string => encodeJson(sorted(decodeObject(type, value).object));

  test("means in protobuf what it means in JSON, in any order and with strangers in between", () => {
    fc.assert(
      fc.property(arbitraryObject(name), (any) => {
        const object = onWire({ type: "ref", name }, decodeObject(type, any).object) as object;
        expect(meaning(decodeProtobuf(type, encodeProtobuf(type, object)))).toBe(meaning(object));
        expect(meaning(decodeProtobuf(type, encodeProtobuf(type, object, disturbed)))).toBe(meaning(object));
      }),
      { numRuns: 40, ...replay() },
    );
  });
});

/** Members in the order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || value.constructor !== Object) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted((value as Members)[key])]),
  );
}

test("bytes of any sort are read, or refused with a word", () => {
  const said = { apiVersion: "v1", kind: "Pod" };
  const type = { table: schemas, name: "core.v1.Pod" };
  const outcomes = { read: 0, refused: 0 };
  const damaged = fc
    .tuple(
      arbitraryObject("core.v1.Pod"),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }),
      fc.nat(),
    )
    .map(([any, changes, cut]) => {
      const { object } = decodeObject(type, any);
      const whole = encodeEnvelope(
        said,
        encodeProtobuf(type, onWire({ type: "ref", name: type.name }, object) as object),
      );
      const bytes = Uint8Array.from(whole.subarray(0, cut % 3 === 0 ? cut % whole.length : whole.length));
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      for (const raw of [() => readEnvelope(bytes).raw, () => bytes]) {
        try {
          decodeObject(type, decodeProtobuf(type, raw()));
          outcomes.read++;
        } catch (error) {
          if (!(error instanceof ProtobufError) && !(error instanceof JsonError)) throw error;
          outcomes.refused++;
        }
      }
    }),
    { numRuns: 1000, ...replay() },
  );
  expect(outcomes.refused).toBeGreaterThan(100);
  expect(outcomes.read).toBeGreaterThan(100);
});

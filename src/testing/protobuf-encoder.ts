/**
 * Encodes objects in protobuf as Go's generated code does: fields by number, with zero values of scalars that are no
 * pointers. For tests only, which compare with bytes that kubectl sent (api/kubectl-bodies.json).
 */
import {
  encodeJson,
  type Field,
  parseTimeMs,
  resolveSchema,
  type Schema,
  type SchemaType,
} from "../machinery/index.ts";

/** Fields of one message, each with its tag; a test may reorder them. */
export type Arrange = (fields: readonly WireField[]) => readonly WireField[];

export interface WireField {
  readonly number: number;
  readonly bytes: Uint8Array;
}

type Members = Readonly<Record<string, unknown>>;

export function varint(value: bigint | number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.of(...bytes, Number(rest));
}

export function lengthDelimited(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** The body of a request. */
export function encodeEnvelope(
  said: { readonly apiVersion: string; readonly kind: string },
  raw: Uint8Array,
): Uint8Array {
  const typeMeta = Buffer.concat([textField(1, said.apiVersion), textField(2, said.kind)]);
  const rest = [lengthDelimited(2, raw), textField(3, ""), textField(4, "")];
  return Buffer.concat([Uint8Array.of(0x6b, 0x38, 0x73, 0), lengthDelimited(1, typeMeta), ...rest]);
}

/** The message of `object`; apiVersion and kind are no part of it. */
export function encodeProtobuf(
  type: SchemaType,
  object: object,
  arrange: Arrange = (fields) => fields,
): Uint8Array {
  return new Encoder(type, arrange).message({ type: "ref", name: type.name }, object as Members);
}

class Encoder {
  readonly #type: SchemaType;
  readonly #arrange: Arrange;

  constructor(type: SchemaType, arrange: Arrange) {
    this.#type = type;
    this.#arrange = arrange;
  }

  message(schema: Schema, object: Members): Uint8Array {
    const plain = resolveSchema(this.#type.table, schema);
    if (plain.type !== "object") throw new Error("defect: no message");
    const fields: WireField[] = [];
    const embedded = new Map<number, WireField[]>();
    for (const [name, field] of Object.entries(plain.fields)) {
      const { number, within } = field;
      if (number === undefined) continue;
      const into = within === undefined ? fields : (embedded.get(within) ?? []);
      if (within !== undefined) embedded.set(within, into);
      const value = Object.hasOwn(object, name) ? object[name] : undefined;
      for (const bytes of this.#field(number, field, value)) into.push({ number, bytes });
    }
    for (const [number, inner] of embedded) {
      fields.push({ number, bytes: lengthDelimited(number, this.#joined(inner)) });
    }
    return this.#joined(fields);
  }

  #joined(fields: readonly WireField[]): Uint8Array {
    const sorted = fields.toSorted((a, b) => a.number - b.number);
    return Buffer.concat(this.#arrange(sorted).map(({ bytes }) => bytes));
  }

  #field(number: number, field: Field, value: unknown): Uint8Array[] {
    const plain = resolveSchema(this.#type.table, field.schema);
    if (plain.type === "array") {
      return ((value ?? []) as readonly unknown[]).map((element) => this.#value(number, plain.of, element));
    }
    if (plain.type === "map") {
      return Object.entries((value ?? {}) as Members).map(([key, member]) =>
        lengthDelimited(number, Buffer.concat([textField(1, key), this.#value(2, plain.of, member)])),
      );
    }
    const zero = field.pointer === true ? undefined : zeros[plain.type];
    const written = value ?? zero;
    return written === undefined ? [] : [this.#value(number, plain, written)];
  }

  #value(number: number, schema: Schema, value: unknown): Uint8Array {
    const plain = resolveSchema(this.#type.table, schema);
    switch (plain.type) {
      case "string":
        return textField(number, value as string);
      case "integer":
      case "boolean":
        return numberField(number, Number(value));
      case "array": {
        const items = (value as readonly unknown[]).map((item) => this.#value(1, plain.of, item));
        return lengthDelimited(number, Buffer.concat(items));
      }
      case "object":
        return lengthDelimited(number, this.message(plain, value as Members));
      case "bytes":
        return lengthDelimited(number, Buffer.from(value as string, "base64"));
      case "quantity":
        return lengthDelimited(number, textField(1, value as string));
      case "intOrString":
        return lengthDelimited(number, intOrString(value as number | string));
      case "time":
      case "microTime":
        return lengthDelimited(number, value === null ? new Uint8Array(0) : time(value as string));
      case "raw":
      case "rawText":
        return lengthDelimited(number, textField(1, encodeJson(value)));
      default:
        throw new Error(`defect: ${plain.type} is not on the wire`);
    }
  }
}

const zeros: Readonly<Record<string, unknown>> = { string: "", integer: 0, boolean: false };

function textField(number: number, text: string): Uint8Array {
  return lengthDelimited(number, new TextEncoder().encode(text));
}

function numberField(number: number, value: number): Uint8Array {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

function intOrString(value: number | string): Uint8Array {
  const isText = typeof value === "string";
  return Buffer.concat([
    numberField(1, isText ? 1 : 0),
    numberField(2, isText ? 0 : value),
    textField(3, isText ? value : ""),
  ]);
}

function time(text: string): Uint8Array {
  const ms = parseTimeMs(text)!;
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1000) * 1000;
  return Buffer.concat([numberField(1, seconds), numberField(2, nanos)]);
}

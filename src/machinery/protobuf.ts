/**
 * Objects in Kubernetes' protobuf, read by the field numbers of a schema table into the tree that their JSON would give.
 * decode.ts then checks types, makes quantities canonical and drops what Go omits, as for JSON.
 * Not here: the wire format (wire-reader.ts), encoding (the server never answers in protobuf).
 * Upstream: kubernetes v1.34, apimachinery/pkg/runtime/serializer/protobuf/protobuf.go.
 * Differs: when an IntOrString occurs twice, the last one counts. Upstream merges the two.
 */
import { RawJson } from "./go-json.ts";
import { type IntOrString } from "./int-or-string.ts";
import { jsonDepthMax, parseJson } from "./json.ts";
import { getOwn, type JsonObject, setOwn } from "./objects.ts";
import {
  type ArraySchema,
  type Field,
  type MapSchema,
  type ObjectSchema,
  resolveSchema,
  type ScalarSchema,
  type Schema,
  type SchemaTable,
  type SchemaType,
} from "./schema.ts";
import { formatTime } from "./time.ts";
import { ProtobufError, WireReader } from "./wire-reader.ts";

export interface Envelope {
  /** Empty when the sender does not name it. */
  readonly apiVersion: string;
  readonly kind: string;
  /** The object's message: a view into the given bytes. */
  readonly raw: Uint8Array;
}

/** `k8s` and a zero: what upstream puts before every object. */
const magic = [0x6b, 0x38, 0x73, 0x00];

const string: Schema = { type: "string" };
const int32: Schema = { type: "integer", bits: 32 };
const int64: Schema = { type: "integer", bits: 64 };

function message(...fields: (readonly [string, Schema])[]): ObjectSchema {
  const numbered = fields.map(([name, schema], index) => [name, { schema, number: index + 1 }] as const);
  return { type: "object", fields: Object.fromEntries(numbered) };
}

/** Messages of the envelope, and types that are one value in JSON and a message on the wire. */
const typeMeta: ObjectSchema = message(["apiVersion", string], ["kind", string]);
const quantity: ObjectSchema = message(["string", string]);
const intOrString: ObjectSchema = message(["type", int64], ["intVal", int32], ["strVal", string]);
const time: ObjectSchema = message(["seconds", int64], ["nanos", int32]);

/** The type that the body names, and its message, not decoded. @throws ProtobufError. */
export function readEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length === 0) throw new ProtobufError("empty data");
  if (magic.some((byte, index) => bytes[index] !== byte)) {
    throw new ProtobufError(
      `provided data does not appear to be a protobuf message, expected prefix [${magic.join(" ")}]`,
    );
  }
  if (bytes.length === magic.length) throw new ProtobufError("empty body");
  const decoder = new MessageDecoder({});
  const reader = new WireReader(bytes, magic.length);
  const said: JsonObject = {};
  let raw: Uint8Array = bytes.subarray(bytes.length);
  while (reader.next("Unknown")) {
    if (reader.number === 1) {
      reader.expect(2, "typeMeta");
      decoder.fill(typeMeta, reader.message(), { into: said, name: "TypeMeta", depth: 1 });
    } else if (reader.number === 2) {
      reader.expect(2, "raw");
      raw = reader.bytes();
    } else reader.skip();
  }
  const { apiVersion = "", kind = "" } = said as Partial<Envelope>;
  return { apiVersion, kind, raw };
}

/**
 * The message as the named type: a fresh tree, without apiVersion and kind. Unknown fields are skipped. Zero values of
 * scalars that are no pointers are absent. When a field occurs twice the last value counts, and messages are merged.
 * @throws ProtobufError, JsonError for JSON inside the message.
 */
export function decodeProtobuf(type: SchemaType, raw: Uint8Array): JsonObject {
  const schema = resolveSchema(type.table, { type: "ref", name: type.name });
  if (schema.type !== "object") throw new Error(`defect: ${type.name} is no message`);
  const name = type.name.slice(type.name.lastIndexOf(".") + 1);
  const object: JsonObject = {};
  new MessageDecoder(type.table).fill(schema, new WireReader(raw), { into: object, name, depth: 1 });
  return object;
}

interface Member {
  readonly name: string;
  readonly field: Field;
}

/** By field number: members, and the members of embedded structs. */
type Members = Map<number, Member | Members>;

/** Where a value goes: its name in JSON (of a message as a whole: its type), for errors, and its depth. */
interface Place {
  readonly name: string;
  readonly depth: number;
}

interface Target extends Place {
  readonly into: JsonObject;
}

class MessageDecoder {
  readonly #table: SchemaTable;
  /** For the types met so far. Few bodies hold many. */
  readonly #members = new Map<ObjectSchema, Members>();

  constructor(table: SchemaTable) {
    this.#table = table;
  }

  fill(schema: ObjectSchema, reader: WireReader, target: Target): void {
    let members = this.#members.get(schema);
    if (members === undefined) this.#members.set(schema, (members = membersOf(schema)));
    this.#fill(members, reader, target);
  }

  #fill(members: Members, reader: WireReader, target: Target): void {
    const { into, name, depth } = target;
    if (depth > jsonDepthMax)
      throw new ProtobufError(`exceeded max depth: nested deeper than ${jsonDepthMax} levels`);
    while (reader.next(name)) {
      const member = members.get(reader.number);
      if (member === undefined) reader.skip();
      else if (member instanceof Map) {
        reader.expect(2, name);
        this.#fill(member, reader.message(), { into, name, depth: depth + 1 });
      } else this.#member(member, reader, target);
    }
  }

  #member({ name, field }: Member, reader: WireReader, { into, depth }: Target): void {
    const schema = resolveSchema(this.#table, field.schema);
    const before = getOwn(into, name);
    const place = { name, depth };
    switch (schema.type) {
      case "array":
        into[name] = this.#listed((before ?? []) as unknown[], schema, { reader, place });
        return;
      case "map":
        into[name] = this.#mapped((before ?? {}) as JsonObject, schema, { reader, place });
        return;
      case "object":
        into[name] = this.#message(schema, reader, { into: (before ?? {}) as JsonObject, name, depth });
        return;
      default: {
        const value = this.#scalar(schema, reader, place);
        if (value !== undefined && (field.pointer === true || !isZero(schema, value))) into[name] = value;
        else if (before !== undefined) delete into[name];
      }
    }
  }

  #message(schema: ObjectSchema, reader: WireReader, { into, name, depth }: Target): JsonObject {
    reader.expect(2, name);
    this.fill(schema, reader.message(), { into, name, depth: depth + 1 });
    return into;
  }

  /** Adds the element at this place, or all elements of packed numbers. */
  #listed(list: unknown[], { of }: ArraySchema, { reader, place }: Source): unknown[] {
    const isPackable = of.type === "integer" || of.type === "boolean";
    if (!isPackable || reader.wireType !== 2) {
      list.push(this.#value(of, reader, place));
      return list;
    }
    const packed = reader.packed();
    while (!packed.isAtEnd) list.push(this.#value(of, packed, place));
    return list;
  }

  #mapped(map: JsonObject, { of }: MapSchema, { reader, place }: Source): JsonObject {
    reader.expect(2, place.name);
    const entry = reader.message();
    let key = "";
    let value: unknown;
    while (entry.next(`${place.name}Entry`)) {
      if (entry.number === 1) {
        entry.expect(2, place.name);
        key = entry.string(place.name);
      } else if (entry.number === 2) value = this.#value(of, entry, place);
      else entry.skip();
    }
    setOwn(map, key, value ?? null);
    return map;
  }

  /** A value on its own: an element of a list or of a map. */
  #value(of: Schema, reader: WireReader, place: Place): unknown {
    const schema = resolveSchema(this.#table, of);
    switch (schema.type) {
      case "object":
        return this.#message(schema, reader, { into: {}, name: place.name, depth: place.depth });
      case "array":
        return this.#items(schema, reader, place);
      case "map":
        throw new Error(`defect: ${place.name} has maps as elements`);
      default:
        return this.#scalar(schema, reader, place);
    }
  }

  /** A list as the value of a map (ExtraValue) is a message whose first field holds the elements. */
  #items({ of }: ArraySchema, reader: WireReader, place: Place): unknown[] {
    reader.expect(2, place.name);
    const items: unknown[] = [];
    const holder = reader.message();
    while (holder.next(place.name)) {
      if (holder.number === 1) items.push(this.#value(of, holder, place));
      else holder.skip();
    }
    return items;
  }

  /** undefined where JSON would say null. */
  #scalar(schema: ScalarSchema, reader: WireReader, place: Place): unknown {
    const { type } = schema;
    const isVarint = type === "integer" || type === "boolean";
    reader.expect(isVarint ? 0 : 2, place.name);
    switch (type) {
      case "string":
        return reader.string(place.name);
      case "integer":
        return schema.bits === 32 ? reader.int32() : reader.int64();
      case "boolean":
        return reader.bool();
      case "bytes":
        return base64(reader.bytes());
      case "quantity":
        return this.#parts(quantity, reader.message(), place)["string"] ?? "0";
      case "intOrString":
        return intOrStringOf(this.#parts(intOrString, reader.message(), place));
      case "time":
      case "microTime":
        return this.#time(type, reader.message(), place);
      case "raw":
      case "rawText":
        return jsonOf(type, reader.message());
      case "number":
        throw new Error(`defect: ${place.name} is a fraction, which no message has`);
    }
  }

  #parts(schema: ObjectSchema, reader: WireReader, { name, depth }: Place): JsonObject {
    const into: JsonObject = {};
    this.fill(schema, reader, { into, name, depth: depth + 1 });
    return into;
  }

  /** An empty message means no time. */
  #time(type: "time" | "microTime", reader: WireReader, place: Place): string | undefined {
    if (reader.isAtEnd) return undefined;
    const parts = this.#parts(time, reader, place);
    return type === "time" ? timeOf(parts) : microTimeOf(parts);
  }
}

interface Source {
  readonly reader: WireReader;
  readonly place: Place;
}

function membersOf({ fields }: ObjectSchema): Members {
  const members: Members = new Map();
  for (const name of Object.keys(fields)) {
    const field = fields[name]!;
    const { number, within } = field;
    if (number === undefined) continue;
    if (within === undefined) members.set(number, { name, field });
    else {
      const embedded = members.get(within) ?? new Map();
      (embedded as Members).set(number, { name, field });
      members.set(within, embedded);
    }
  }
  return members;
}

/** Go writes the zero values of all scalars that are no pointers: they mean that nothing was set. */
function isZero({ type }: ScalarSchema, value: unknown): boolean {
  if (type === "string") return value === "";
  if (type === "integer") return value === 0;
  return type === "boolean" && value === false;
}

function intOrStringOf(parts: JsonObject): IntOrString {
  const {
    type = 0,
    intVal = 0,
    strVal = "",
  } = parts as {
    readonly type?: number;
    readonly intVal?: number;
    readonly strVal?: string;
  };
  if (type === 0) return intVal;
  if (type === 1) return strVal;
  throw new ProtobufError("impossible IntOrString.Type");
}

/** Seconds of the years that RFC 3339 can write, 0 to 9999. */
const secondsMin = -62_167_219_200;
const secondsMax = 253_402_300_799;

interface TimeParts {
  readonly seconds?: number;
  readonly nanos?: number;
}

/** In whole seconds: upstream cuts off the rest. */
function timeOf({ seconds = 0 }: TimeParts): string {
  if (seconds < secondsMin || seconds > secondsMax) throw new ProtobufError("year outside of range [0,9999]");
  return formatTime(seconds * 1000);
}

function microTimeOf({ seconds = 0, nanos = 0 }: TimeParts): string {
  const micros = Math.trunc(nanos / 1000);
  const carried = Math.floor(micros / 1e6);
  const text = timeOf({ seconds: seconds + carried });
  return `${text.slice(0, -1)}.${String(micros - carried * 1e6).padStart(6, "0")}Z`;
}

/** RawExtension and FieldsV1: a message whose first field is a JSON text. An empty message means null. */
function jsonOf(type: "raw" | "rawText", reader: WireReader): unknown {
  let bytes: Uint8Array | undefined;
  while (reader.next("RawExtension")) {
    if (reader.number === 1) {
      reader.expect(2, "raw");
      bytes = reader.bytes();
    } else reader.skip();
  }
  if (bytes === undefined || bytes.length === 0) return undefined;
  const value = parseJson(bytes);
  if (value === null) return undefined;
  return type === "raw" ? value : new RawJson(new TextDecoder().decode(bytes));
}

/** Bytes that one call turns into text. They are its arguments, so they must fit the stack. */
const chunkBytes = 8192;

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += chunkBytes)
    text += String.fromCharCode(...bytes.subarray(at, at + chunkBytes));
  return btoa(text);
}

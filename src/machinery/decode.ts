/**
 * From any JSON tree to an object of a known type, as Go would read and write it again.
 * Not here: defaults, validation (api/); parsing of bytes (json.ts).
 */
import { type IntOrString } from "./int-or-string.ts";
import { encodeJson, RawJson } from "./go-json.ts";
import { copyJson, getOwn, isObject, type JsonObject, jsonTypeOf, setOwn, unwrapRaw } from "./objects.ts";
import { canonicalQuantity, quantityFormatMessage } from "./quantity.ts";
import {
  type ObjectSchema,
  resolveSchema,
  type ScalarSchema,
  type Schema,
  type SchemaTable,
  type SchemaType,
} from "./schema.ts";
import { formatMicroTime, formatTime, parseTimeMs, timeFault } from "./time.ts";

export interface Decoded<T = JsonObject> {
  /** A fresh graph, which shares immutable RawJson and members of `known` with the input. Complete only when `errors` is empty. */
  readonly object: T;
  /** Paths of dropped fields, in input order: `spec.containers[0].foo`. */
  readonly unknown: readonly string[];
  /** Go-like texts that name type and path. */
  readonly errors: readonly string[];
}

export interface DecodeOptions {
  /** Path of the value inside its object; absent means the root. */
  readonly path?: string;
  /** Whose words errors have: those of Go's JSON, or of the converter that a strategic patch goes through. */
  readonly words?: "json" | "converter";
  /** An object that was decoded as this type. Its members are reused undecoded where the value holds the same objects. */
  readonly known?: object;
}

/**
 * Reads `value` as the named type. null means absent. Unknown fields are dropped and reported. Quantities and times become
 * canonical. Zero values are dropped where Go's omitempty would drop them (see Field). Key order follows the input, then
 * absent required fields. Never changes `value`.
 */
export function decodeObject<T = JsonObject>(
  type: SchemaType,
  value: unknown,
  options: DecodeOptions = {},
): Decoded<T> {
  const decoder = new Decoder(type.table, options);
  const path = options.path ?? "";
  const schema: Schema = { type: "ref", name: type.name };
  const object = decoder.decode({ schema, value, path, field: path, owner: structNameOf(type.name) });
  return { object: object as T, unknown: decoder.unknown, errors: decoder.errors };
}

/** Names of the type's own rawText fields, for `rawPaths` of parseJson. */
export function rawTextPaths(table: SchemaTable, schemaName: string): string[] {
  const paths: string[] = [];
  const schema = resolveSchema(table, { type: "ref", name: schemaName });
  if (schema.type !== "object") return paths;
  for (const [key, field] of Object.entries(schema.fields)) {
    if (field.schema.type === "rawText") paths.push(key);
  }
  return paths;
}

/** Go's zero time, which it writes as null. */
const zeroTime = "0001-01-01T00:00:00Z";

/** Canonical times on days that every month has. Others need the calendar. */
const plainTime = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

interface Place {
  readonly schema: Schema;
  readonly value: unknown;
  readonly path: string;
  /** The path as Go tells it in errors: without indices and keys of maps. */
  readonly field: string;
  /** Go's name of the struct that holds the field, for errors; of an object, its own. */
  readonly owner: string;
  /** Of an object: that of the struct that holds it. */
  readonly holder?: string;
}

class Decoder {
  readonly unknown: string[] = [];
  readonly errors: string[] = [];
  readonly #table: SchemaTable;
  readonly #known: JsonObject | undefined;
  readonly #words: "json" | "converter";

  constructor(table: SchemaTable, { known, words = "json" }: DecodeOptions) {
    this.#table = table;
    this.#known = known as JsonObject | undefined;
    this.#words = words;
  }

  decode(place: Place): unknown {
    const { schema, value, path, field, owner } = place;
    switch (schema.type) {
      case "ref": {
        const target = resolveSchema(this.#table, schema);
        if (target.type !== "object") return this.decode({ schema: target, value, path, field, owner });
        const struct = {
          schema: target,
          value,
          path,
          field,
          owner: structNameOf(schema.name),
          holder: owner,
        };
        return this.#object(target, struct, schema.name);
      }
      case "object":
        return this.#object(schema, place, "struct");
      case "map":
        return this.#map(schema.of, place);
      case "array":
        return this.#array(schema.of, place);
      default:
        return this.#scalar(schema, place);
    }
  }

  #object(schema: ObjectSchema, place: Place, name: string): unknown {
    const { fields } = schema;
    const value = unwrapRaw(place.value);
    if (!isObject(value)) return this.#mismatch(place, typeNameOf(name));
    const { path, owner } = place;
    const object: JsonObject = {};
    const known = path === "" ? this.#known : undefined;
    for (const key of Object.keys(value)) {
      const member = value[key];
      if (member === undefined) continue;
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (field === undefined) {
        this.unknown.push(childPath(path, key));
      } else if (isPlain(field.schema, member) || isSameObject(member, known, key)) {
        setOwn(object, key, member);
      } else if (member !== null) {
        const decoded = this.decode({
          schema: field.schema,
          value: member,
          path: childPath(path, key),
          field: childPath(place.field, key),
          owner,
        });
        const keepsZero = field.required === true || field.pointer === true;
        if (decoded !== undefined && (keepsZero || !this.#isOmitted(field.schema, decoded))) {
          setOwn(object, key, decoded);
        }
      }
    }
    this.#fillRequired(schema, object);
    return object;
  }

  #fillRequired(schema: ObjectSchema, object: JsonObject): void {
    for (const key of schema.requiredKeys ?? Object.keys(schema.fields)) {
      const field = schema.fields[key];
      if (field?.required !== true || getOwn(object, key) !== undefined) continue;
      setOwn(object, key, field.pointer === true ? null : this.#zero(field.schema, false));
    }
  }

  /** What Go's zero value looks like in JSON. An element is never null where it can be empty. */
  #zero(schema: Schema, isElement: boolean): unknown {
    const target = resolveSchema(this.#table, schema);
    switch (target.type) {
      case "string":
        return "";
      case "integer":
      case "number":
      case "intOrString":
        return 0;
      case "boolean":
        return false;
      case "quantity":
        return "0";
      case "object": {
        const object: JsonObject = {};
        this.#fillRequired(target, object);
        return object;
      }
      case "map":
        return isElement ? {} : null;
      case "array":
        return isElement ? [] : null;
      case "bytes":
        return isElement ? "" : null;
      default:
        return null;
    }
  }

  /** Whether Go's omitempty leaves the value out. Structs behind pointers, quantities and raw values always stay. */
  #isOmitted(schema: Schema, value: unknown): boolean {
    switch (resolveSchema(this.#table, schema).type) {
      case "string":
      case "bytes":
        return value === "";
      case "integer":
      case "number":
        return value === 0;
      case "boolean":
        return value === false;
      case "array":
        return (value as readonly unknown[]).length === 0;
      case "map":
        return isEmptyObject(value as JsonObject);
      default:
        return false;
    }
  }

  #map(of: Schema, place: Place): unknown {
    const value = unwrapRaw(place.value);
    if (!isObject(value)) return this.#mismatch(place, `map[string]${this.#goType(of)}`);
    const map: JsonObject = {};
    for (const key of Object.keys(value)) {
      const member = value[key];
      if (member === undefined) continue;
      const decoded =
        member === null
          ? this.#zero(of, true)
          : isPlain(of, member)
            ? member
            : this.decode({
                schema: of,
                value: member,
                path: `${place.path}.${key}`,
                field: place.field,
                owner: place.owner,
              });
      if (decoded !== undefined) setOwn(map, key, decoded);
    }
    return map;
  }

  #array(of: Schema, place: Place): unknown {
    const { value, field, owner } = place;
    if (!Array.isArray(value)) return this.#mismatch(place, `[]${this.#goType(of)}`);
    return (value as unknown[]).map((element, index) =>
      element === null || element === undefined
        ? this.#zero(of, true)
        : this.decode({ schema: of, value: element, path: `${place.path}[${index}]`, field, owner }),
    );
  }

  #scalar(schema: ScalarSchema, place: Place): unknown {
    const { value } = place;
    switch (schema.type) {
      case "string":
        return typeof value === "string" ? value : this.#mismatch(place, "string");
      case "integer":
        return this.#integer(schema, place);
      case "number":
        return typeof value === "number" ? value : this.#mismatch(place, "float64");
      case "boolean":
        return typeof value === "boolean" ? value : this.#mismatch(place, "bool");
      case "bytes":
        return this.#bytes(place);
      case "quantity":
        return this.#quantity(place);
      case "intOrString":
        return this.#intOrString(place);
      case "time":
      case "microTime":
        return this.#time(schema.type, place);
      case "raw":
        return copyJson(unwrapRaw(value));
      case "rawText":
        return value instanceof RawJson ? value : new RawJson(encodeJson(value));
    }
  }

  #integer(schema: ScalarSchema, place: Place): unknown {
    const { value } = place;
    const goType = schema.bits === 32 ? "int32" : "int64";
    if (typeof value !== "number") return this.#mismatch(place, goType);
    const limit = schema.bits === 32 ? 2 ** 31 : 2 ** 63;
    const fits =
      Number.isInteger(value) && value >= -limit && (schema.bits === 32 ? value < limit : value <= limit);
    return fits ? value : this.#mismatch(place, goType, `number ${value}`);
  }

  #intOrString(place: Place): IntOrString | undefined {
    const { value } = place;
    if (typeof value === "string") return value;
    const fits = typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= 2 ** 31;
    if (fits) return value;
    return this.#mismatch(place, "int32", typeof value === "number" ? `number ${value}` : jsonTypeOf(value));
  }

  #bytes(place: Place): unknown {
    const { value } = place;
    if (typeof value !== "string") return this.#mismatch(place, "[]uint8");
    const plain = value.replace(/[\r\n]/g, "");
    if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain)) return plain;
    const valid = /^[A-Za-z0-9+/]*/.exec(plain)?.[0].length ?? 0;
    return this.#fail(`illegal base64 data at input byte ${valid}`);
  }

  #quantity(place: Place): unknown {
    const { value } = place;
    if (typeof value !== "string" && typeof value !== "number") return this.#fail(quantityFormatMessage);
    const text = canonicalQuantity(String(value).trim());
    return text ?? this.#fail(quantityFormatMessage);
  }

  #time(type: "time" | "microTime", place: Place): unknown {
    const { value } = place;
    if (typeof value !== "string") return this.#mismatch(place, "string");
    if (type === "time" && plainTime.test(value)) return value === zeroTime ? undefined : value;
    const ms = parseTimeMs(value);
    if (ms !== undefined) return type === "time" ? formatTime(ms) : formatMicroTime(ms);
    const layout = type === "time" ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
    return this.#fail(timeFault(value, layout));
  }

  #mismatch(place: Place, goType: string, found: string = jsonTypeOf(unwrapRaw(place.value))): undefined {
    const { field, schema, holder = place.owner } = place;
    if (this.#words === "converter")
      return this.#fail(converterFault(unwrapRaw(place.value), schema, goType));
    const target = field === "" ? "value" : `struct field ${holder}.${field}`;
    return this.#fail(`json: cannot unmarshal ${found} into Go ${target} of type ${goType}`);
  }

  #fail(text: string): undefined {
    this.errors.push(text);
    return undefined;
  }

  #goType(schema: Schema): string {
    if (schema.type === "ref") return typeNameOf(schema.name);
    switch (schema.type) {
      case "array":
        return `[]${this.#goType(schema.of)}`;
      case "map":
        return `map[string]${this.#goType(schema.of)}`;
      case "integer":
        return schema.bits === 32 ? "int32" : "int64";
      case "boolean":
        return "bool";
      case "number":
        return "float64";
      case "bytes":
        return "[]uint8";
      case "object":
        return "struct";
      default:
        return schema.type;
    }
  }
}

/** A scalar that decoding leaves as it is and omitempty does not drop, as most are. */
function isPlain(schema: Schema, value: unknown): boolean {
  switch (schema.type) {
    case "string":
      return typeof value === "string" && value !== "";
    case "boolean":
      return value === true;
    default:
      return false;
  }
}

function isSameObject(member: unknown, known: JsonObject | undefined, key: string): boolean {
  return known !== undefined && typeof member === "object" && member !== null && member === known[key];
}

function childPath(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** `core.v1.PodSpec` → `v1.PodSpec`, as Go prints the type. */
function typeNameOf(schemaName: string): string {
  return schemaName.split(".").slice(-2).join(".");
}

/** `core.v1.PodSpec` → `PodSpec`, as Go names the struct that holds a field. */
function structNameOf(schemaName: string): string {
  return schemaName.slice(schemaName.lastIndexOf(".") + 1);
}

/** What the converter from a map says of a value that does not fit. */
function converterFault(value: unknown, schema: Schema, goType: string): string {
  const kind = Array.isArray(value) ? "slice" : isObject(value) ? "map" : goKindOf(value);
  if (schema.type === "array" || schema.type === "map")
    return `cannot restore ${schema.type === "array" ? "slice" : "map"} from ${kind}`;
  if (schema.type === "object") return `cannot restore struct from: ${kind}`;
  // Go converts numbers to texts, one as the other; JSON does not.
  if (schema.type === "string" && kind === "int64") return "cannot convert int64 to string";
  return `unrecognized type: ${goType === "[]uint8" ? "slice" : goType}`;
}

function goKindOf(value: unknown): string {
  if (typeof value !== "number") return typeof value === "boolean" ? "bool" : typeof value;
  return Number.isInteger(value) ? "int64" : "float64";
}

function isEmptyObject(object: Readonly<JsonObject>): boolean {
  for (const key in object) if (Object.hasOwn(object, key)) return false;
  return true;
}

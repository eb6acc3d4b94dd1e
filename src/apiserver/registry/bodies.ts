/**
 * Request bodies: from bytes or a caller's object to a fresh object of the wanted kind, and what was wrong with it.
 * Not here: patching (patches.ts), defaults and validation (api/).
 */
import type { Kind } from "../../api/index.ts";
import {
  type ApiRequest,
  apiVersionOf,
  badRequest,
  decodeObject,
  decodeProtobuf,
  type Draft,
  isObject,
  jsonTypeOf,
  JsonError,
  type KubeObject,
  parseJson,
  ProtobufError,
  rawTextPaths,
  readEnvelope,
  type SchemaType,
} from "../../machinery/index.ts";
import { bodyForm } from "./negotiate.ts";
import type { WriteOptions } from "./query.ts";
import { parseYaml } from "./yaml-body.ts";

type Validation = WriteOptions["fieldValidation"];

export interface ParsedBody {
  readonly value: unknown;
  /** Paths of members that occurred twice. */
  readonly duplicates: readonly string[];
  /** What a lenient reader of YAML overlooks, in upstream's words. */
  readonly yamlProblems?: readonly string[];
}

export interface ParseBodyOptions {
  /** Duplicate keys are found only by a slower parser. */
  readonly tellsDuplicates?: boolean;
  /** What the body must say if it says one; absent means any. */
  readonly apiVersion?: string;
  /** What is said of a body that is none; absent means that the object is unrecognized. */
  readonly refuseBody?: (fault: string) => string;
  /** What is said of another kind; absent means that it cannot be handled as this one. */
  readonly refuseKind?: (kind: string, apiVersion: string) => string;
}

/**
 * What says to be an object of `type`, or says nothing. JSON and YAML are only parsed, protobuf is read by the type.
 * The value may be the caller's own object: only read it.
 * @throws StatusError 400 when the body is missing, cannot be parsed or says to be something else, 415 for other media types.
 */
export function parseBody(call: ApiRequest, type: SchemaType, options: ParseBodyOptions = {}): ParsedBody {
  const form = bodyForm(call.contentType);
  const body = call.body ?? noBytes;
  const refuse = (fault: string): string =>
    options.refuseBody?.(fault) ?? unrecognized(bytesOf(body), type, fault);
  const check = (value: unknown): void => checkKind(type, options, value);
  if (form === "protobuf" && body instanceof Uint8Array) {
    return { value: parseProtobuf(body, type, check), duplicates: [] };
  }
  const parsed =
    form === "yaml" && body instanceof Uint8Array
      ? parseYamlBody(body, refuse)
      : parseJsonBody(
          body,
          {
            rawPaths: () => rawTextPaths(type.table, type.name),
            tellsDuplicates: options.tellsDuplicates === true,
          },
          (fault) => refuse(`${noVersion}${fault}`),
        );
  // Go reads null as an object without members.
  const value = parsed.value ?? {};
  if (!isObject(value)) {
    const fault = `json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type ${metaFactory}`;
    throw badRequest(refuse(`${noVersion}${fault}`));
  }
  check(value);
  return { ...parsed, value };
}

const noBytes = new Uint8Array(0);
const noVersion = "couldn't get version/kind; json parse error: ";
/** Into which upstream reads what a body says that it is. */
const metaFactory =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function bytesOf(body: Uint8Array | object): Uint8Array {
  return body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
}

function parseYamlBody(body: Uint8Array, refuse: (fault: string) => string): ParsedBody {
  const { value, doubled } = understood(() => parseYaml(body), refuse);
  return { value, duplicates: [], yamlProblems: doubled };
}

export interface ParsePatchOptions {
  /** Asked only when there are bytes to parse. */
  readonly rawPaths: () => readonly string[];
  readonly tellsDuplicates: boolean;
}

/** A patch: JSON under media types of its own. @throws StatusError 400. */
export function parsePatch(
  call: ApiRequest,
  options: ParsePatchOptions,
  refuse: (fault: string) => string,
): ParsedBody {
  return parseJsonBody(call.body ?? noBytes, options, refuse);
}

function parseJsonBody(
  body: Uint8Array | object,
  options: ParsePatchOptions,
  refuse: (fault: string) => string,
): ParsedBody {
  const duplicates: string[] = [];
  if (!(body instanceof Uint8Array)) return { value: body, duplicates };
  const value = understood(
    () =>
      parseJson(body, {
        rawPaths: options.rawPaths(),
        ...(options.tellsDuplicates ? { onDuplicateKey: (path: string) => duplicates.push(path) } : {}),
      }),
    (fault) => refuse(fault.replace(/ at offset \d+$/, "")),
  );
  return { value, duplicates };
}

/** Without kind and version, which `check` has seen before the fields are read: those of another type would be misread. */
function parseProtobuf(bytes: Uint8Array, type: SchemaType, check: (value: unknown) => void): object {
  const { raw, ...said } = understood(
    () => readEnvelope(bytes),
    (fault) => unrecognized(bytes, type, fault),
  );
  check(said);
  return understood(
    () => decodeProtobuf(type, raw),
    (fault) => `${cannotBeHandled(type)}: ${fault}`,
  );
}

/** Faults of the bytes become 400. */
function understood<T>(read: () => T, tell: (fault: string) => string): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof JsonError || error instanceof ProtobufError
      ? badRequest(tell(error.message))
      : error;
  }
}

function unrecognized(bytes: Uint8Array, type: SchemaType, fault: string): string {
  return `the object provided is unrecognized (must be of type ${kindOf(type)}): ${fault} (${summaryOf(bytes)})`;
}

/** Bytes of a body that are shown; as upstream's summary. */
const summaryBytes = 30;

/** What looks like JSON as text, all else in hexadecimal. */
function summaryOf(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, summaryBytes)).toString(bytes[0] === 0x7b ? "utf8" : "hex");
  return bytes.length === 0 ? "<empty>" : bytes.length > summaryBytes ? `${shown} ...` : shown;
}

export interface BodyRequest {
  readonly call: ApiRequest;
  readonly fieldValidation: Validation;
  /** See DecodeOptions. */
  readonly known?: object;
}

/**
 * The body as an object of `kind`, a graph of its own, with apiVersion, kind and metadata set. Unknown and duplicate fields are
 * warned of.
 * @throws StatusError 415 for other media types, 400 for another kind or version, wrong types and, when Strict, for
 * unknown and duplicate fields.
 */
export function decodeBody(
  { kind, type }: { readonly kind: Kind; readonly type: SchemaType },
  request: BodyRequest,
): Draft<KubeObject> {
  const { call, fieldValidation: validation, known } = request;
  const {
    value,
    duplicates,
    yamlProblems = [],
  } = parseBody(call, type, {
    tellsDuplicates: validation !== "Ignore",
    apiVersion: apiVersionOf(kind.resource),
  });
  const { object, unknown, errors } = decodeObject<Draft<KubeObject>>(
    type,
    value,
    known === undefined ? {} : { known },
  );
  if (errors.length > 0) throw badRequest(`${cannotBeHandled(type)}: ${errors[0]!}`);
  const found = fieldProblems(unknown, duplicates);
  if (found.length + yamlProblems.length > 0 && validation === "Strict") {
    const all = [...yamlFault(yamlProblems), ...found];
    throw badRequest(`${cannotBeHandled(type)}: strict decoding error: ${all.join(", ")}`);
  }
  complete(object, kind);
  if (validation === "Warn") for (const text of [...yamlProblems, ...found]) call.warn(text);
  return object;
}

/** All in one, as upstream's YAML reader tells them. */
function yamlFault(problems: readonly string[]): string[] {
  if (problems.length === 0) return [];
  return [`yaml: unmarshal errors:\n${problems.map((problem) => `  ${problem}`).join("\n")}`];
}

/** Fields that are told; as upstream's strict decoder. */
const problemsMax = 100;

/** Unknown and duplicate fields as the strict decoder names them. */
export function fieldProblems(unknown: readonly string[], duplicates: readonly string[]): string[] {
  return [
    ...unknown.slice(0, problemsMax).map((path) => `unknown field ${JSON.stringify(path)}`),
    ...duplicates.slice(0, problemsMax).map((path) => `duplicate field ${JSON.stringify(path)}`),
  ].slice(0, problemsMax);
}

export function complete(object: Draft<KubeObject>, kind: Kind): void {
  object.apiVersion = apiVersionOf(kind.resource);
  object.kind = kind.resource.kind;
  object.metadata ??= {};
}

/** The name of a type is its group, version and kind. */
function kindOf(type: SchemaType): string {
  return type.name.slice(type.name.lastIndexOf(".") + 1);
}

function cannotBeHandled(type: SchemaType, said: string = kindOf(type)): string {
  const version = type.name.split(".").at(-2);
  return `${said} in version ${JSON.stringify(version)} cannot be handled as a ${kindOf(type)}`;
}

/** For kinds that belong to no resource. */
export function notRegistered(kind: string, apiVersion: string): string {
  const version = JSON.stringify(apiVersion);
  return `no kind ${JSON.stringify(kind)} is registered for version ${version} in scheme "pkg/runtime/scheme.go:111"`;
}

function checkKind(type: SchemaType, options: ParseBodyOptions, value: unknown): void {
  const { apiVersion: expected, refuseKind } = options;
  const { apiVersion = "", kind = "" } = value as { readonly apiVersion?: unknown; readonly kind?: unknown };
  if (expected !== undefined && apiVersion !== "" && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
  if (kind === "" || kind === kindOf(type)) return;
  throw badRequest(refuseKind?.(String(kind), String(apiVersion)) ?? cannotBeHandled(type, String(kind)));
}

/** How stored values of a kind become objects again. */
export function storedParser(type: SchemaType): (value: Uint8Array) => KubeObject {
  const rawPaths = rawTextPaths(type.table, type.name);
  if (rawPaths.length > 0) return (value) => parseJson(value, { rawPaths }) as KubeObject;
  return (value) =>
    JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()) as KubeObject;
}

/**
 * Request bodies: from bytes or a caller's object to a fresh object of the wanted kind, and what was wrong with it.
 * Not here: patching (patches.ts), defaults and validation (api/).
 */
import type { Kind } from "../api/index.ts";
import {
  type ApiCall,
  apiVersionOf,
  badRequest,
  decodeObject,
  type Draft,
  JsonError,
  type KubeObject,
  parseJson,
  rawTextPaths,
  type SchemaTable,
} from "../machinery/index.ts";
import { bodyForm } from "./negotiate.ts";
import type { WriteOptions } from "./query.ts";
import { parseYaml } from "./yaml-body.ts";

export interface DecodedBody {
  /** A graph of its own: nothing of the caller's. */
  readonly object: Draft<KubeObject>;
  readonly warnings: readonly string[];
}

type Validation = WriteOptions["fieldValidation"];

/** A parsed body and the paths of members that occurred twice. */
export interface ParsedBody {
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

export interface ParseBodyOptions {
  /** Asked only when there are bytes to parse. */
  readonly rawPaths?: () => readonly string[];
  /** Duplicate keys are found only by a slower parser. */
  readonly tellsDuplicates?: boolean;
  /** Patches are JSON under media types of their own. */
  readonly isPatch?: boolean;
}

/**
 * The value may be the caller's own object: only read it.
 * @throws StatusError 400 when the body is missing or cannot be parsed, 415 for other media types.
 */
export function parseBody(call: ApiCall, options: ParseBodyOptions = {}): ParsedBody {
  const { body } = call;
  const form = options.isPatch === true ? "json" : bodyForm(call.contentType);
  const duplicates: string[] = [];
  if (body === undefined) throw badRequest("the request has no body");
  if (!(body instanceof Uint8Array)) return { value: body, duplicates };
  try {
    if (form === "yaml") return { value: parseYaml(body), duplicates };
    const value = parseJson(body, {
      ...(options.rawPaths === undefined ? {} : { rawPaths: options.rawPaths() }),
      ...(options.tellsDuplicates === true
        ? { onDuplicateKey: (path: string) => duplicates.push(path) }
        : {}),
    });
    return { value, duplicates };
  } catch (error) {
    throw error instanceof JsonError ? badRequest(error.message) : error;
  }
}

export interface BodyRequest {
  readonly call: ApiCall;
  readonly fieldValidation: Validation;
  /** See DecodeOptions. */
  readonly known?: object;
}

/**
 * The body as an object of `kind`, with apiVersion, kind and metadata set.
 * @throws StatusError 415 for other media types, 400 for another kind or version, wrong types and, when Strict, for
 * unknown and duplicate fields.
 */
export function decodeBody(kind: Kind, schemas: SchemaTable, request: BodyRequest): DecodedBody {
  const { call, fieldValidation: validation, known } = request;
  const { value, duplicates } = parseBody(call, {
    rawPaths: () => rawTextPaths(schemas, kind.schema),
    tellsDuplicates: validation !== "Ignore",
  });
  checkKind(kind, value);
  const { object, unknown, errors } = decodeObject<Draft<KubeObject>>(
    { table: schemas, name: kind.schema },
    value,
    known === undefined ? {} : { known },
  );
  if (errors.length > 0) throw badRequest(`${cannotBeHandled(kind)}: ${errors[0]!}`);
  const found = fieldProblems(unknown, duplicates);
  if (found.length > 0 && validation === "Strict") {
    throw badRequest(`${cannotBeHandled(kind)}: strict decoding error: ${found.join(", ")}`);
  }
  complete(object, kind);
  return { object, warnings: validation === "Warn" ? found : [] };
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

function cannotBeHandled(kind: Kind): string {
  const { resource } = kind;
  return `${resource.kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}`;
}

function checkKind(kind: Kind, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest(`${cannotBeHandled(kind)}: json: cannot unmarshal ${typeof value} into an object`);
  }
  const { apiVersion, kind: name } = value as { readonly apiVersion?: unknown; readonly kind?: unknown };
  const expected = apiVersionOf(kind.resource);
  if (apiVersion !== undefined && apiVersion !== "" && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
  if (name !== undefined && name !== "" && name !== kind.resource.kind) {
    throw badRequest(
      `${String(name)} in version ${JSON.stringify(kind.resource.version)} cannot be handled as a ${kind.resource.kind}`,
    );
  }
}

/** How stored values of a kind become objects again. */
export function storedParser(kind: Kind, schemas: SchemaTable): (value: Uint8Array) => KubeObject {
  const rawPaths = rawTextPaths(schemas, kind.schema);
  if (rawPaths.length > 0) return (value) => parseJson(value, { rawPaths }) as KubeObject;
  return (value) =>
    JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()) as KubeObject;
}

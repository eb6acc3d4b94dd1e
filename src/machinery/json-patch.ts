/**
 * JSON patch, RFC 6902, with bounds. Not here: merge patches.
 */
import { encodeJson } from "./go-json.ts";
import { copyJson, equalJson, getOwn, isObject, type JsonObject, setOwn, unwrapRaw } from "./objects.ts";
import { badRequest, requestEntityTooLarge, type StatusError, unprocessable } from "./status.ts";

/** Operations in one patch, as upstream: each may walk the whole object. */
const jsonPatchOperationsMax = 10_000;
/** Characters of JSON that copy operations may add together, 3 MiB as upstream: copies of copies grow exponentially. */
const jsonPatchCopiedMax: number = 3 * 1024 * 1024;

interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly from?: readonly string[];
  readonly value?: unknown;
}

/**
 * The patched tree; neither input is changed.
 * @throws StatusError 400 when `patch` is no JSON patch, 413 for too many operations or copies, 422 when a test fails
 * or a path is missing.
 */
export function applyJsonPatch(live: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch must be a list of operations");
  if (patch.length > jsonPatchOperationsMax) {
    const text = `The allowed maximum operations in a JSON patch is ${jsonPatchOperationsMax}, got ${patch.length}`;
    throw requestEntityTooLarge(text);
  }
  const operations = (patch as readonly unknown[]).map(readOperation);
  const document = { root: copyJson(live), copied: 0 };
  for (const operation of operations) applyOperation(document, operation);
  return document.root;
}

interface Document {
  root: unknown;
  copied: number;
}

function readOperation(value: unknown, index: number): Operation {
  const fail = (text: string): StatusError => badRequest(`invalid JSON patch: operation ${index}: ${text}`);
  if (!isObject(value)) throw fail("must be an object");
  const op = getOwn(value, "op");
  const path = getOwn(value, "path");
  const from = getOwn(value, "from");
  if (typeof op !== "string" || !knownOperations.has(op))
    throw fail(`unknown op ${JSON.stringify(op) ?? ""}`);
  if (typeof path !== "string") throw fail("path must be a string");
  const tokens = readPointer(path);
  if (tokens === undefined) throw fail(`invalid path ${JSON.stringify(path)}`);
  if (op === "move" || op === "copy") {
    const source = typeof from === "string" ? readPointer(from) : undefined;
    if (source === undefined) throw fail("from must be a path");
    return { op, path: tokens, from: source };
  }
  if (op !== "remove" && !Object.hasOwn(value, "value")) throw fail("value is missing");
  return { op, path: tokens, value: getOwn(value, "value") };
}

const knownOperations: ReadonlySet<string> = new Set(["add", "remove", "replace", "move", "copy", "test"]);

/** The tokens of a JSON pointer; undefined when it does not begin with a slash or has a bad escape. */
function readPointer(pointer: string): string[] | undefined {
  if (pointer === "") return [];
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function applyOperation(document: Document, operation: Operation): void {
  const { op, path, from = [] } = operation;
  switch (op) {
    case "add":
      add(document, path, copyJson(operation.value));
      return;
    case "remove":
      remove(document, path);
      return;
    case "replace":
      replace(document, path, copyJson(operation.value));
      return;
    case "move":
      move(document, from, path);
      return;
    case "copy":
      add(document, path, copied(document, read(document, from)));
      return;
    default:
      test(document, path, operation.value);
  }
}

function copied(document: Document, value: unknown): unknown {
  document.copied += encodeJson(value).length;
  if (document.copied > jsonPatchCopiedMax) {
    throw requestEntityTooLarge(
      `copy operations of a JSON patch may add ${jsonPatchCopiedMax} bytes at most`,
    );
  }
  return copyJson(value);
}

function move(document: Document, from: readonly string[], path: readonly string[]): void {
  const isInside = path.length > from.length && from.every((token, index) => token === path[index]);
  if (isInside) throw unprocessable();
  const value = read(document, from);
  if (path.length === from.length && from.every((token, index) => token === path[index])) return;
  remove(document, from);
  add(document, path, value);
}

function test(document: Document, path: readonly string[], expected: unknown): void {
  const parent = parentOf(document, path, expected === null);
  const actual =
    path.length === 0 ? document.root : parent === undefined ? undefined : member(parent, lastOf(path));
  if (actual === undefined ? expected !== null : !equalJson(actual, expected)) throw unprocessable();
}

function add(document: Document, path: readonly string[], value: unknown): void {
  if (path.length === 0) {
    document.root = value;
    return;
  }
  const parent = mustParent(document, path);
  const token = lastOf(path);
  if (!Array.isArray(parent)) {
    setOwn(parent, token, value);
    return;
  }
  const index = token === "-" ? parent.length : arrayIndex(token);
  if (index === undefined || index > parent.length) throw unprocessable();
  parent.splice(index, 0, value);
}

function remove(document: Document, path: readonly string[]): void {
  if (path.length === 0) throw unprocessable();
  const parent = mustParent(document, path);
  const token = lastOf(path);
  if (member(parent, token) === undefined) throw unprocessable();
  if (Array.isArray(parent)) parent.splice(arrayIndex(token) ?? 0, 1);
  else delete parent[token];
}

function replace(document: Document, path: readonly string[], value: unknown): void {
  if (path.length === 0) {
    document.root = value;
    return;
  }
  const parent = mustParent(document, path);
  const token = lastOf(path);
  if (member(parent, token) === undefined) throw unprocessable();
  if (Array.isArray(parent)) parent[arrayIndex(token) ?? 0] = value;
  else setOwn(parent, token, value);
}

function read(document: Document, path: readonly string[]): unknown {
  if (path.length === 0) return document.root;
  const value = member(mustParent(document, path), lastOf(path));
  if (value === undefined) throw unprocessable();
  return value;
}

type Container = JsonObject | unknown[];

function mustParent(document: Document, path: readonly string[]): Container {
  const parent = parentOf(document, path, false);
  if (parent === undefined) throw unprocessable();
  return parent;
}

/** The container of the last token. Raw parts on the way are opened: the tree then holds them as plain values. */
function parentOf(
  document: Document,
  path: readonly string[],
  isMissingFine: boolean,
): Container | undefined {
  if (path.length === 0) return undefined;
  let container = document.root;
  for (const token of path.slice(0, -1)) {
    if (!isContainer(container)) break;
    const next = unwrapRaw(member(container, token));
    if (next !== undefined && isContainer(next)) {
      if (Array.isArray(container)) container[arrayIndex(token) ?? 0] = next;
      else setOwn(container, token, next);
    }
    container = next;
  }
  if (isContainer(container)) return container;
  if (isMissingFine) return undefined;
  throw unprocessable();
}

function isContainer(value: unknown): value is Container {
  return Array.isArray(value) || isObject(value);
}

function member(container: Container, token: string): unknown {
  if (!Array.isArray(container)) return getOwn(container, token);
  const index = arrayIndex(token);
  return index === undefined ? undefined : container[index];
}

function arrayIndex(token: string): number | undefined {
  return /^(?:0|[1-9][0-9]{0,9})$/.test(token) ? Number(token) : undefined;
}

function lastOf(path: readonly string[]): string {
  return path[path.length - 1] ?? "";
}

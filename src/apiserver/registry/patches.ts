/**
 * PATCH in its three types: applied to the newest state, again when somebody else was faster.
 * Not here: the algorithms (machinery), server-side apply.
 */
import type { Kind } from "../../api/index.ts";
import {
  apiVersionOf,
  applyJsonPatch,
  badRequest,
  decodeObject,
  type Draft,
  encodeJson,
  goPrint,
  goQuote,
  invalid,
  isObject,
  jsonTypeOf,
  type FieldError,
  jsonMergePatch,
  type KubeObject,
  rawTextPaths,
  type SchemaType,
  strategicMergePatch,
} from "../../machinery/index.ts";
import { complete, fieldProblems, type ParsedBody, parsePatch } from "./bodies.ts";
import { patchForm, type PatchForm } from "./negotiate.ts";
import { conflictAttempts, type Target, type WriteRequest, writerOf, type Written } from "./change.ts";
import { checkAddress } from "./write-checks.ts";
import type { Writes } from "./writes.ts";
import type { Served } from "./resource-registry.ts";

interface Patch {
  readonly type: SchemaType;
  readonly form: PatchForm;
  readonly body: ParsedBody;
  readonly validation: "Strict" | "Warn" | "Ignore";
}

/** @throws StatusError 415 for other patch types, 404, 409, 422. */
export async function patchObject(
  writes: Writes,
  served: Served,
  request: WriteRequest & { readonly target: Target & { readonly subresource?: string } },
): Promise<Written> {
  const { call, options, target } = request;
  const form = patchForm(call.contentType);
  const validation = options.fieldValidation;
  const rawPaths = (): readonly string[] =>
    form === "json" ? [] : rawTextPaths(served.type.table, served.type.name);
  const read = (): Patch => ({
    type: served.type,
    form,
    body: parsePatch(call, { rawPaths, tellsDuplicates: validation !== "Ignore" }, (fault) =>
      form === "merge" ? `error decoding patch: ${fault}` : fault,
    ),
    validation,
  });
  // What is missing is told before what cannot be read.
  let patch: Patch | undefined;
  return writes.modify(served, target, {
    writer: writerOf(request),
    attempts: conflictAttempts,
    next: (before) => {
      const patched = apply(served, (patch ??= read()), before);
      if (validation === "Warn") for (const text of patched.problems) call.warn(text);
      checkAddress(served, patched.object, target);
      const draft =
        served.shape === undefined
          ? patched.object
          : (served.shape.stored(patched.object) as Draft<KubeObject>);
      return writes.nextState(served, { draft, before, request, target });
    },
  });
}

/** The patched object as a graph of its own. */
function apply(
  served: Served,
  patch: Patch,
  before: KubeObject,
): { readonly object: Draft<KubeObject>; readonly problems: readonly string[] } {
  const live = served.shape === undefined ? before : served.shape.shown(before);
  const { object, unknown, errors } = decodeObject<Draft<KubeObject>>(patch.type, patchedTree(patch, live), {
    words: patch.form === "strategic" ? "converter" : "json",
  });
  if (errors.length > 0) throw patchRefused(patch, errors[0]!);
  checkType(served.kind, patch, object);
  // Upstream reads the patched object from JSON, whose members it has sorted; a strategic patch is not turned into JSON again.
  const told = patch.form === "strategic" ? unknown : unknown.toSorted(byMembers);
  const problems = fieldProblems(told, patch.body.duplicates);
  if (problems.length > 0 && patch.validation === "Strict") {
    throw patchRefused(patch, `strict decoding error: ${problems.join(", ")}`);
  }
  complete(object, served.kind);
  return { object, problems };
}

/** In the order in which paths come up where members are sorted and elements are not. */
function byMembers(a: string, b: string): number {
  const [left, right] = [a, b].map((path) => path.split(/[.[\]]+/));
  for (const [at, part] of left!.entries()) {
    const other = right![at] ?? "";
    if (part === other) continue;
    const order = Number(part) - Number(other);
    return Number.isNaN(order) ? (part < other ? -1 : 1) : order;
  }
  return left!.length - right!.length;
}

/** A strategic patch works on the type itself and cannot change it; the others can, but nothing else is stored here. */
function checkType(kind: Kind, patch: Patch, object: KubeObject): void {
  const expected = apiVersionOf(kind.resource);
  const { apiVersion = "", kind: name = "" } = object;
  if (patch.form === "strategic" || (apiVersion === expected && name === kind.resource.kind)) return;
  throw patchRefused(
    patch,
    `unable to decode ${apiVersion}, Kind=${name} into ${expected}, Kind=${kind.resource.kind}`,
  );
}

function patchedTree(patch: Patch, live: KubeObject): unknown {
  const { value } = patch.body;
  switch (patch.form) {
    case "json":
      return applyJsonPatch(live, value);
    case "merge":
      if (value === null) throw badRequest("Invalid JSON Patch");
      if (!isObject(value)) throw badRequest(`error decoding patch: ${noMap(value)}`);
      return jsonMergePatch(live, value);
    case "strategic":
      if (value !== null && !isObject(value)) throw badRequest(noMap(value));
      return strategicMergePatch(patch.type, live, value ?? {});
  }
}

function noMap(value: unknown): string {
  return `json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type map[string]interface {}`;
}

/** Characters of the patch that are quoted back. */
const quotedPatchMax = 1000;

function patchRefused(patch: Patch, detail: string): ReturnType<typeof invalid> {
  const { value } = patch.body;
  const text = (patch.form === "strategic" ? goPrint(value) : encodeJson(value)).slice(0, quotedPatchMax);
  const error: FieldError = {
    reason: "FieldValueInvalid",
    field: "patch",
    message: `Invalid value: ${goQuote(text)}: ${detail}`,
  };
  return invalid({ group: "", kind: "" }, "", [error]);
}

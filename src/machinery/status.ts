/**
 * Failures as the API sends them: the Status object, constructors with upstream's wording, predicates on any thrown value.
 * Not here: when to refuse (apiserver, api); storage failures (storage/).
 * Upstream: kubernetes v1.34, apimachinery/pkg/api/errors/errors.go.
 */
import { type FieldError, goQuote, joinFieldErrors } from "./field-error.ts";
import { qualifiedResource } from "./resource.ts";

export type StatusReason =
  | ""
  | "BadRequest"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "AlreadyExists"
  | "Conflict"
  | "Expired"
  | "Gone"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "Invalid"
  | "TooManyRequests"
  | "InternalError"
  | "ServerTimeout"
  | "ServiceUnavailable"
  | "Timeout";

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The plural resource; in Invalid the Kind. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly status: "Success" | "Failure";
  readonly message?: string;
  /** One of StatusReason; other servers may send others. */
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** The only error that travels over HTTP; `message` is the Status's message. */
export class StatusError extends Error {
  readonly status: Status;

  constructor(status: Status, options?: { readonly cause?: unknown }) {
    super(status.message ?? status.reason ?? "unknown failure", options);
    this.name = "StatusError";
    this.status = status;
  }
}

/** A resource as failures name it; the core group is empty. Every `Resource` fits. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

export function badRequest(message: string): StatusError {
  return failure("BadRequest", message);
}

export function unauthorized(message = "Unauthorized"): StatusError {
  return failure("Unauthorized", message);
}

/** `pods "x" is forbidden: detail`; without a name `pods is forbidden: …`; without a resource `forbidden: …`. */
export function forbidden(resource: GroupResource, name: string, detail: string): StatusError {
  const what =
    resource.resource === ""
      ? ""
      : name === ""
        ? `${qualifiedResource(resource)} is `
        : `${named(resource, name)} is `;
  return failure("Forbidden", `${what}forbidden: ${detail}`, detailsOf(resource, name));
}

export function notFound(resource: GroupResource, name: string): StatusError {
  return failure("NotFound", `${named(resource, name)} not found`, detailsOf(resource, name));
}

/** For paths that nothing is served at. */
export function pathNotFound(): StatusError {
  return failure("NotFound", "the server could not find the requested resource", {});
}

/** `action` is the verb: `update is not supported on resources of kind "…"`. */
export function methodNotAllowed(resource: GroupResource, action: string): StatusError {
  const message = `${action} is not supported on resources of kind ${goQuote(qualifiedResource(resource))}`;
  return failure("MethodNotAllowed", message, detailsOf(resource, ""));
}

/** For paths whose methods are known, and another one. */
export function methodNotServed(): StatusError {
  return failure("MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

/** For answers that no form is made of. */
export function noRepresentation(available: readonly string[]): StatusError {
  const text = `406: Not Acceptable\n\nAvailable representations: ${available.join(", ")}`;
  return failure("NotAcceptable", text, {});
}

/** The form that is asked for is not one of what is answered. `goType` is upstream's name for that. */
export function wrongForm(asked: string, goType: string, isList: boolean): StatusError {
  const what = isList ? "a list" : "not a list";
  return failure("NotAcceptable", `you requested ${asked}, but the requested object is ${what} (${goType})`);
}

/** For bodies of a method that takes only types of its own. */
export function typeNotServed(): StatusError {
  return failure("UnsupportedMediaType", "415: Unsupported Media Type", {});
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  return failure("NotAcceptable", `only the following media types are accepted: ${accepted.join(", ")}`);
}

export function alreadyExists(resource: GroupResource, name: string): StatusError {
  return failure("AlreadyExists", `${named(resource, name)} already exists`, detailsOf(resource, name));
}

/** No free name was found for `metadata.generateName`; the client may try again after a second. */
export function generateNameConflict(resource: GroupResource, name: string): StatusError {
  const message = `${named(resource, name)} already exists, the server was not able to generate a unique name for the object`;
  return failure("AlreadyExists", message, { ...detailsOf(resource, name), retryAfterSeconds: 1 });
}

/** Upstream's text for a write of an object that has been modified. */
const modifiedMessage =
  "the object has been modified; please apply your changes to the latest version and try again";

/** `Operation cannot be fulfilled on pods "x": detail`. */
export function conflict(
  resource: GroupResource,
  name: string,
  detail: string = modifiedMessage,
): StatusError {
  const message = `Operation cannot be fulfilled on ${named(resource, name)}: ${detail}`;
  return failure("Conflict", message, detailsOf(resource, name));
}

export interface ExpiredOptions {
  /** Token with which the client may continue the list, inconsistently. */
  readonly continue?: string;
}

/** The asked resource version is no longer kept. */
export function expired(message: string, options: ExpiredOptions = {}): StatusError {
  const { status } = failure("Expired", message);
  return options.continue === undefined
    ? new StatusError(status)
    : new StatusError({ ...status, metadata: { continue: options.continue } });
}

export function requestEntityTooLarge(message: string): StatusError {
  return failure("RequestEntityTooLarge", `Request entity too large: ${message}`);
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return failure("UnsupportedMediaType", message);
}

/** Field errors that one Status carries. A person corrects a few at a time, and each error is longer than the value that is wrong. */
const causesMax = 1_000;
/** Characters of a name that a message shows. A valid name has at most 253. */
const nameCharactersMax = 1_000;

/** `DaemonSet.apps "x" is invalid: …`, each error a cause. */
export function invalid(kind: GroupKind, name: string, errors: readonly FieldError[]): StatusError {
  const listed = errors.slice(0, causesMax);
  const causes = listed.map(({ reason, message, field }) => ({ reason, message, field }));
  const qualified = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const joined = joinFieldErrors(listed);
  const more = errors.length > listed.length ? ` and ${errors.length - listed.length} more errors` : "";
  const shown = name.slice(0, nameCharactersMax);
  const message = `${qualified} ${goQuote(shown)} is invalid${joined === "" ? "" : `: ${joined}${more}`}`;
  return failure("Invalid", message, {
    ...detailsOf({ group: kind.group, resource: kind.kind }, shown),
    causes,
  });
}

/** 422 without a kind: a JSON patch that could not be applied. */
export function unprocessable(
  message = "the server rejected our request due to an error in our request",
): StatusError {
  return failure("Invalid", message, {});
}

export interface RetryOptions {
  /** Also sent as Retry-After header: clients then retry by themselves. */
  readonly retryAfterSeconds?: number;
  readonly causes?: readonly StatusCause[];
}

export function tooManyRequests(message: string, options: RetryOptions = {}): StatusError {
  return failure("TooManyRequests", message, { ...options });
}

export function internalError(error: unknown): StatusError {
  const text = error instanceof Error ? error.message : String(error);
  const status = failure("InternalError", `Internal error occurred: ${text}`, {
    causes: [{ message: text }],
  }).status;
  return new StatusError(status, { cause: error });
}

/** A failure for which upstream has no reason, only a text: 500. */
export function plainFailure(message: string): StatusError {
  return new StatusError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    code: 500,
  });
}

export function serviceUnavailable(message: string, options: RetryOptions = {}): StatusError {
  const hasDetails = options.retryAfterSeconds !== undefined || options.causes !== undefined;
  return failure("ServiceUnavailable", message, hasDetails ? { ...options } : undefined);
}

export function timeout(message: string, options: RetryOptions = {}): StatusError {
  return failure("Timeout", `Timeout: ${message}`, { ...options });
}

/** A read at a revision that does not exist yet. */
export function resourceVersionTooLarge(asked: string | number, current: string | number): StatusError {
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return timeout(`Too large resource version: ${asked}, current: ${current}`, {
    retryAfterSeconds: 1,
    causes,
  });
}

/** Of what was done; `code` says it of what was made. */
export function successStatus(details?: StatusDetails, code?: number): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    ...(details === undefined ? {} : { details }),
    ...(code === undefined ? {} : { code }),
  };
}

export function isNotFound(error: unknown): boolean {
  return hasReason(error, "NotFound", 404);
}

export function isAlreadyExists(error: unknown): boolean {
  return hasReason(error, "AlreadyExists");
}

export function isConflict(error: unknown): boolean {
  return hasReason(error, "Conflict", 409);
}

export function isInvalid(error: unknown): boolean {
  return hasReason(error, "Invalid", 422);
}

/** True for Expired; Gone counts too, as both mean: list again. */
export function isExpired(error: unknown): boolean {
  return hasReason(error, "Expired") || hasReason(error, "Gone", 410);
}

export function isBadRequest(error: unknown): boolean {
  return hasReason(error, "BadRequest", 400);
}

export function isMethodNotAllowed(error: unknown): boolean {
  return hasReason(error, "MethodNotAllowed", 405);
}

export function isInternalError(error: unknown): boolean {
  return hasReason(error, "InternalError", 500);
}

export function isServerTimeout(error: unknown): boolean {
  return hasReason(error, "ServerTimeout");
}

export function isTimeout(error: unknown): boolean {
  return hasReason(error, "Timeout", 504);
}

/** Whether the failure lists a cause of this reason (`NamespaceTerminating`). */
export function hasStatusCause(error: unknown, reason: string): boolean {
  return failureStatus(error)?.details?.causes?.some((cause) => cause.reason === reason) ?? false;
}

/** Seconds after which the server suggests another try; 0 when it does not. */
export function suggestedRetrySeconds(error: unknown): number {
  return failureStatus(error)?.details?.retryAfterSeconds ?? 0;
}

/** The Status inside a thrown value; anything else becomes an InternalError with its message. */
export function statusOf(error: unknown): Status {
  return failureStatus(error) ?? internalError(error).status;
}

/** Structural, since errors cross processes and module copies: a Status itself, or anything that carries one. */
function failureStatus(error: unknown): Status | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  if ((error as { readonly kind?: unknown }).kind === "Status") return error as Status;
  const carried = (error as { readonly status?: unknown }).status;
  if (typeof carried !== "object" || carried === null) return undefined;
  return (carried as { readonly kind?: unknown }).kind === "Status" ? (carried as Status) : undefined;
}

/** As upstream: the reason decides; the code only when the reason is missing or unknown. */
function hasReason(error: unknown, reason: StatusReason, code?: number): boolean {
  const status = failureStatus(error);
  if (status === undefined) return false;
  if (status.reason === reason) return true;
  return code !== undefined && status.code === code && !knownReasons.has(status.reason ?? "");
}

const knownReasons: ReadonlySet<string> = new Set<StatusReason>([
  "BadRequest",
  "Unauthorized",
  "Forbidden",
  "NotFound",
  "MethodNotAllowed",
  "NotAcceptable",
  "AlreadyExists",
  "Conflict",
  "Expired",
  "Gone",
  "RequestEntityTooLarge",
  "UnsupportedMediaType",
  "Invalid",
  "TooManyRequests",
  "InternalError",
  "ServerTimeout",
  "ServiceUnavailable",
  "Timeout",
]);

/** Each reason has one HTTP status code. */
const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  Gone: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const satisfies Partial<Record<StatusReason, number>>;

function failure(reason: keyof typeof codes, message: string, details?: StatusDetails): StatusError {
  const status: Status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code: codes[reason],
  };
  return new StatusError(status);
}

function named(resource: GroupResource, name: string): string {
  return `${qualifiedResource(resource)} ${goQuote(name)}`;
}

function detailsOf(resource: GroupResource, name: string): StatusDetails {
  return {
    ...(name === "" ? {} : { name }),
    ...(resource.group === "" ? {} : { group: resource.group }),
    ...(resource.resource === "" ? {} : { kind: resource.resource }),
  };
}

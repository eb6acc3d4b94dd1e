/** StatusError: upstream's wording, details and predicates. */
import { describe, expect, it } from "vitest";
import { invalidValue, required } from "./field-error.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  expired,
  forbidden,
  generateNameConflict,
  hasStatusCause,
  internalError,
  invalid,
  isAlreadyExists,
  isBadRequest,
  isConflict,
  isExpired,
  isInternalError,
  isInvalid,
  isMethodNotAllowed,
  isNotFound,
  isServerTimeout,
  isTimeout,
  methodNotAllowed,
  notAcceptable,
  notFound,
  pathNotFound,
  requestEntityTooLarge,
  resourceVersionTooLarge,
  serviceUnavailable,
  StatusError,
  statusOf,
  successStatus,
  suggestedRetrySeconds,
  timeout,
  tooManyRequests,
  unauthorized,
  unprocessable,
  unsupportedMediaType,
} from "./status.ts";

const pods = { group: "", resource: "pods" };
const daemonSets = { group: "apps", resource: "daemonsets" };

describe("constructors", () => {
  it("writes a whole Status", () => {
    expect(notFound(daemonSets, "x").status).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'daemonsets.apps "x" not found',
      reason: "NotFound",
      details: { name: "x", group: "apps", kind: "daemonsets" },
      code: 404,
    });
    expect(notFound(pods, "x").status.details).toEqual({ name: "x", kind: "pods" });
  });

  it.each([
    [badRequest("no"), 400, "no"],
    [unauthorized(), 401, "Unauthorized"],
    [forbidden(pods, "x", "detail"), 403, 'pods "x" is forbidden: detail'],
    [forbidden(pods, "", "detail"), 403, "pods is forbidden: detail"],
    [forbidden({ group: "", resource: "" }, "", "detail"), 403, "forbidden: detail"],
    [pathNotFound(), 404, "the server could not find the requested resource"],
    [
      methodNotAllowed(daemonSets, "patch"),
      405,
      'patch is not supported on resources of kind "daemonsets.apps"',
    ],
    [notAcceptable(["a", "b"]), 406, "only the following media types are accepted: a, b"],
    [alreadyExists(pods, "x"), 409, 'pods "x" already exists'],
    [conflict(pods, "x", "why"), 409, 'Operation cannot be fulfilled on pods "x": why'],
    [expired("old"), 410, "old"],
    [requestEntityTooLarge("limit is 3"), 413, "Request entity too large: limit is 3"],
    [
      unsupportedMediaType(["a"]),
      415,
      "the body of the request was in an unknown format - accepted media types include: a",
    ],
    [unprocessable(), 422, "the server rejected our request due to an error in our request"],
    [tooManyRequests("slow"), 429, "slow"],
    [internalError(new Error("boom")), 500, "Internal error occurred: boom"],
    [serviceUnavailable("away"), 503, "away"],
    [timeout("late"), 504, "Timeout: late"],
    [resourceVersionTooLarge(7, 5), 504, "Timeout: Too large resource version: 7, current: 5"],
  ])("%s", (error: StatusError, code, message) => {
    expect(error.status.code).toBe(code);
    expect(error.message).toBe(message);
    expect(error.status.message).toBe(message);
  });

  it("joins field errors, without duplicates in the message, with all as causes", () => {
    const kind = { group: "apps", kind: "DaemonSet" };
    const one = required("spec.selector");
    const other = invalidValue("spec.minReadySeconds", -1, "must be greater than or equal to 0");
    expect(invalid(kind, "x", [one]).message).toBe(
      'DaemonSet.apps "x" is invalid: spec.selector: Required value',
    );
    const error = invalid(kind, "x", [one, other, one]);
    expect(error.message).toBe(
      'DaemonSet.apps "x" is invalid: [spec.selector: Required value, ' +
        "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0]",
    );
    expect(error.status.details).toEqual({
      name: "x",
      group: "apps",
      kind: "DaemonSet",
      causes: [
        { reason: "FieldValueRequired", message: "Required value", field: "spec.selector" },
        {
          reason: "FieldValueInvalid",
          message: "Invalid value: -1: must be greater than or equal to 0",
          field: "spec.minReadySeconds",
        },
        { reason: "FieldValueRequired", message: "Required value", field: "spec.selector" },
      ],
    });
    expect(invalid({ group: "", kind: "Pod" }, "", []).message).toBe('Pod "" is invalid');
  });

  it("puts continue token, retry time and cause in their fields", () => {
    expect(expired("old", { continue: "abc" }).status.metadata).toEqual({ continue: "abc" });
    expect(suggestedRetrySeconds(generateNameConflict(pods, "a-"))).toBe(1);
    expect(suggestedRetrySeconds(new Error("x"))).toBe(0);
    const cause = new Error("boom");
    expect(internalError(cause).cause).toBe(cause);
    expect(successStatus({ name: "x", kind: "pods", uid: "u" })).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "x", kind: "pods", uid: "u" },
    });
  });
});

describe("predicates", () => {
  const predicates = {
    isBadRequest,
    isNotFound,
    isMethodNotAllowed,
    isAlreadyExists,
    isConflict,
    isExpired,
    isInvalid,
    isInternalError,
    isServerTimeout,
    isTimeout,
  };
  const errors: Record<keyof typeof predicates, StatusError> = {
    isBadRequest: badRequest("x"),
    isNotFound: notFound(pods, "x"),
    isMethodNotAllowed: methodNotAllowed(pods, "x"),
    isAlreadyExists: alreadyExists(pods, "x"),
    isConflict: conflict(pods, "x"),
    isExpired: expired("x"),
    isInvalid: invalid({ group: "", kind: "Pod" }, "x", []),
    isInternalError: internalError("x"),
    isServerTimeout: new StatusError({ ...timeout("x").status, reason: "ServerTimeout", code: 500 }),
    isTimeout: timeout("x"),
  };

  it("each is true for its own failure only", () => {
    for (const [name, error] of Object.entries(errors)) {
      const positive = Object.entries(predicates).filter(([, predicate]) => predicate(error));
      expect(positive.map(([predicate]) => predicate)).toEqual([name]);
    }
  });

  it("works on anything that carries a Status, and on nothing else", () => {
    const copy = JSON.parse(JSON.stringify({ status: notFound(pods, "x").status })) as object;
    expect(isNotFound(copy)).toBe(true);
    expect(isNotFound(notFound(pods, "x").status)).toBe(true);
    for (const value of [
      undefined,
      null,
      404,
      "NotFound",
      new Error("NotFound"),
      { status: 404 },
      { code: 404 },
    ]) {
      expect(isNotFound(value)).toBe(false);
    }
  });

  it("decide by the reason, and by the code only when no reason is known", () => {
    const status = notFound(pods, "x").status;
    expect(isNotFound({ ...status, reason: "" })).toBe(true);
    expect(isNotFound({ ...status, reason: "SomethingNew" })).toBe(true);
    expect(isNotFound({ ...status, reason: "Conflict" })).toBe(false);
    expect(isExpired({ ...expired("x").status, reason: "Gone" })).toBe(true);
  });

  it("finds causes", () => {
    const error = resourceVersionTooLarge("7", "5");
    expect(hasStatusCause(error, "ResourceVersionTooLarge")).toBe(true);
    expect(hasStatusCause(error, "Other")).toBe(false);
    expect(hasStatusCause(new Error("x"), "Other")).toBe(false);
  });

  it("makes a Status of any thrown value", () => {
    const error = notFound(pods, "x");
    expect(statusOf(error)).toBe(error.status);
    expect(statusOf(new Error("boom")).message).toBe("Internal error occurred: boom");
    expect(statusOf("boom").code).toBe(500);
  });
});

/**
 * Types and objects for the tables of wrong requests and upstream's answers (hostile-input.test.ts).
 * Not here: the tables (bodies.ts, addresses.ts, queries.ts, changes.ts).
 */
import type { Sent } from "../https.ts";

/** The required answer: code, reason, message. Without a reason the request must succeed. */
export interface Answer {
  readonly code: number;
  readonly reason?: string;
  readonly message?: string | RegExp;
}

export interface Row {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly sent?: Sent;
  readonly answer: Answer;
}

export const daemonsetsPath: string = "/apis/apps/v1/namespaces/default/daemonsets";
export const canaryPath: string = `${daemonsetsPath}/canary`;
export const configmapsPath: string = "/api/v1/namespaces/default/configmaps";
export const podsPath: string = "/api/v1/namespaces/default/pods";

/** A pod without an owner. No row really deletes it. */
export const victimPath: string = `${podsPath}/victim`;

export const megabyte: number = 1024 * 1024;
/** Levels that overflow the stack of any parser that recurses without a bound. */
export const levels: number = 100_000;

export const merge: string = "application/merge-patch+json";
export const strategic: string = "application/strategic-merge-patch+json";
export const jsonPatch: string = "application/json-patch+json";

/** A revision that no store of a test reaches. */
export const future: string = "9007199254740000";

export const unprocessable: string = "the server rejected our request due to an error in our request";
export const noSuchPath: string = "the server could not find the requested resource";

/** A valid DaemonSet with the members of `wrong` put over it. */
export function daemonSet(name: string, wrong: object = {}): Record<string, unknown> {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "main", image: "httpd:2.4" }] },
      },
    },
    ...wrong,
  };
}

export function patch(type: string, body: unknown): Sent {
  return { headers: { "content-type": type }, body };
}

/** JSON text, since an object literal cannot have an own `__proto__`. */
export function json(text: string): Sent {
  return { body: text };
}

export function row(name: string, request: string, sent: Sent | undefined, answer: Answer): Row {
  const space = request.indexOf(" ");
  const target = { method: request.slice(0, space), path: request.slice(space + 1) };
  return { name, ...target, ...(sent === undefined ? {} : { sent }), answer };
}

export const ok: Answer = { code: 200 };
export const notFound: Answer = { code: 404, reason: "NotFound", message: noSuchPath };
export const tooLarge: Answer = {
  code: 413,
  reason: "RequestEntityTooLarge",
  message: `Request entity too large: limit is ${3 * megabyte}`,
};
export const lockLost: Answer = {
  code: 409,
  reason: "Conflict",
  message:
    'Operation cannot be fulfilled on daemonsets.apps "canary": the object has been modified; please apply your changes to the latest version and try again',
};

export function bad(message: string | RegExp): Answer {
  return { code: 400, reason: "BadRequest", message };
}

export function invalid(message: string | RegExp): Answer {
  return { code: 422, reason: "Invalid", message };
}

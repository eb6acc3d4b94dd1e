/**
 * From an HTTP request to the parts of an ApiCall: who asks, for what, with which body.
 * Not here: what the call may do (handler.ts), time limits and seats (http-server.ts).
 */
import type { Clock } from "../../base/index.ts";
import {
  badRequest,
  forbidden,
  requestEntityTooLarge,
  StatusError,
  tooManyRequests,
  unauthorized,
  unsupportedMediaType,
  type Method,
  type UserInfo,
} from "../../machinery/index.ts";
import { peerCertificate, type Exchange } from "./exchange.ts";
import { bodyBytesMax, bodyTimeoutMs, headersMax, requestTimeoutMs, writeTimeoutMs } from "./limits.ts";

/** Who a bearer token stands for; undefined when it is not known. */
export type AuthenticateToken = (token: string) => UserInfo | undefined | Promise<UserInfo | undefined>;

const anonymous: UserInfo = { username: "system:anonymous", groups: ["system:unauthenticated"] };
const authenticatedGroup = "system:authenticated";

/** @throws StatusError 401 for credentials that are not ours, 403 for an impersonation that is not allowed. */
export async function userOf(exchange: Exchange, authenticateToken: AuthenticateToken): Promise<UserInfo> {
  const user = await authenticated(exchange, authenticateToken);
  return impersonated(user, exchange);
}

/** A good certificate is enough; else the token decides; a bad certificate is refused rather than overlooked. */
async function authenticated(exchange: Exchange, authenticateToken: AuthenticateToken): Promise<UserInfo> {
  const certificate = peerCertificate(exchange.socket);
  if (certificate !== undefined && certificate !== "refused") {
    const { CN: name, O: organizations } = certificate.subject;
    const groups = organizations === undefined ? [] : [organizations].flat();
    return { username: String(name ?? ""), groups: [...groups, authenticatedGroup] };
  }
  const { authorization } = exchange.request.headers;
  const token = authorization === undefined ? undefined : /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token !== undefined) {
    const user = await authenticateToken(token);
    if (user === undefined) throw unauthorized();
    return user.groups.includes(authenticatedGroup)
      ? user
      : { ...user, groups: [...user.groups, authenticatedGroup] };
  }
  if (certificate === "refused" || authorization !== undefined) throw unauthorized();
  return anonymous;
}

/** `--as` and `--as-group`: only for members of system:masters. */
function impersonated(user: UserInfo, exchange: Exchange): UserInfo {
  const { headers } = exchange.request;
  const name = headers["impersonate-user"];
  const groups = headerValues(exchange, "impersonate-group");
  if (name === undefined) {
    if (groups.length > 0) throw badRequest("groups cannot be impersonated without a user");
    return user;
  }
  if (!user.groups.includes("system:masters")) {
    const detail = `User ${JSON.stringify(user.username)} cannot impersonate resource "users" in API group "" at the cluster scope`;
    throw forbidden({ group: "", resource: "users" }, String(name), detail);
  }
  if (name === anonymous.username)
    return { username: anonymous.username, groups: [...groups, ...anonymous.groups] };
  return { username: String(name), groups: [...groups, authenticatedGroup] };
}

/** Every line of a header, in order: Node joins repeated lines, and group names may hold commas. */
function headerValues(exchange: Exchange, name: string): readonly string[] {
  const { rawHeaders } = exchange.request;
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === name) values.push(rawHeaders[i + 1]!);
  }
  return values;
}

export interface RequestTarget {
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
}

/** @throws StatusError 400 when the target is no path, or percent-encoding is broken. */
export function targetOf(url: string): RequestTarget {
  const text = url.startsWith("/") ? url : withoutOrigin(url);
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  decodePart(path);
  if (mark < 0 || mark === text.length - 1) return { path, query: [] };
  const query: [string, string][] = [];
  for (const pair of text.slice(mark + 1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? "" : pair.slice(equals + 1);
    query.push([decodePart(name.replaceAll("+", " ")), decodePart(value.replaceAll("+", " "))]);
  }
  return { path, query };
}

/** Clients of a proxy send `GET https://host/path`. */
function withoutOrigin(url: string): string {
  const match = /^https?:\/\/[^/?#]*(\/.*)?$/.exec(url);
  if (match === null) throw badRequest(`the request target ${JSON.stringify(url)} is not a path`);
  return match[1] ?? "/";
}

function decodePart(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    const broken = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)?.[0] ?? text;
    throw badRequest(`invalid URL escape ${JSON.stringify(broken)}`);
  }
}

const methods = new Set<string>(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

/** What the `Allow` header lists for other methods. */
export const allowedMethods: string = [...methods].join(", ");

/** @throws StatusError 405 for methods that no path offers, OPTIONS among them. */
export function methodOf(exchange: Exchange): Method {
  const method = exchange.request.method ?? "GET";
  if (!methods.has(method)) {
    throw statusError(
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    );
  }
  return method as Method;
}

/** @throws StatusError 431 for more headers than anybody needs; Node drops what is beyond, so this comes first. */
export function checkHeaders(exchange: Exchange): void {
  if (exchange.request.rawHeaders.length > 2 * headersMax + 10) {
    throw statusError(431, "", `the request has more than ${headersMax} headers`);
  }
}

function statusError(code: number, reason: string, message: string): StatusError {
  return new StatusError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code,
  });
}

export function queryValue(target: RequestTarget, name: string): string | undefined {
  return target.query.find(([candidate]) => candidate === name)?.[1];
}

export function isRead(method: Method): boolean {
  return method === "GET" || method === "HEAD";
}

/** Milliseconds that an ordinary request may take. @throws StatusError 400 for a `timeout` that is no duration. */
export function timeLimitMs(method: Method, target: RequestTarget): number {
  const limit = isRead(method) ? requestTimeoutMs : writeTimeoutMs;
  const asked = queryValue(target, "timeout");
  if (asked === undefined || asked === "") return limit;
  const ms = durationMs(asked);
  if (ms === undefined || ms < 0) {
    throw badRequest(
      `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(asked)}`,
    );
  }
  return ms === 0 ? limit : Math.min(limit, ms);
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's durations: `32s`, `1m30s`, `1.5h`, `0`. */
function durationMs(text: string): number | undefined {
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === "0") return 0;
  if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(body)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of body.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g))
    ms += Number(amount) * unitMs[unit!]!;
  return text.startsWith("-") ? -ms : ms;
}

/** Bytes of bodies in memory at once over all requests: 64 of the largest. Beyond it clients wait and try again. */
const bodiesBytesMax = 192 * 1024 * 1024;

/** Bytes beyond the limit that are read and dropped, so that the client is done sending when its 413 comes. */
const drainedBytesMax = 16 * 1024 * 1024;

/** Reads bodies within the bounds; one per server, since it counts them all. */
export class BodyReader {
  readonly #clock: Clock;
  #heldBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * The whole body, undefined when it is empty. `release` must be called when it is no longer needed.
   * @throws StatusError 408, 413, 415, 429; the signal's reason when the client goes away.
   */
  async read(
    exchange: Exchange,
    signal: AbortSignal,
  ): Promise<{ readonly body?: Uint8Array; release(): void }> {
    const { headers } = exchange.request;
    const encoding = headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") throw unsupportedMediaType(["identity"]);
    if (Number(headers["content-length"] ?? 0) > drainedBytesMax) throw tooLarge();
    let heldBytes = 0;
    let isHeld = true;
    const release = (): void => {
      if (isHeld) this.#heldBytes -= heldBytes;
      isHeld = false;
    };
    const hold = (bytes: number): boolean => {
      heldBytes += bytes;
      this.#heldBytes += bytes;
      return this.#heldBytes <= bodiesBytesMax;
    };
    try {
      const body = await collect(exchange, { clock: this.#clock, signal, hold });
      return { ...(body.length === 0 ? {} : { body }), release };
    } catch (error) {
      release();
      throw error;
    }
  }
}

interface CollectOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Accounts for more bytes; false when the server holds too many. */
  hold(bytes: number): boolean;
}

function collect(exchange: Exchange, { clock, signal, hold }: CollectOptions): Promise<Buffer> {
  const { request } = exchange;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
      request.off("data", onData).off("end", onEnd).off("error", onError);
    };
    const fail = (error: unknown): void => {
      settle();
      request.on("error", () => {});
      request.resume();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > drainedBytesMax) return fail(tooLarge());
      if (length > bodyBytesMax) {
        chunks.length = 0;
        return;
      }
      if (!hold(chunk.length)) {
        return fail(
          tooManyRequests("the server holds too many request bodies, please try again later", {
            retryAfterSeconds: 1,
          }),
        );
      }
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      settle();
      if (length > bodyBytesMax) reject(tooLarge());
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    };
    const onError = (error: Error): void => fail(error);
    const onAbort = (): void => fail(signal.reason);
    const timer = clock.after(bodyTimeoutMs, () =>
      fail(statusError(408, "Timeout", "the request body did not arrive in time")),
    );
    signal.addEventListener("abort", onAbort, { once: true });
    request.on("data", onData).on("end", onEnd).on("error", onError);
  });
}

function tooLarge(): StatusError {
  return requestEntityTooLarge(`limit is ${bodyBytesMax}`);
}

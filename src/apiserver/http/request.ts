/**
 * From an HTTP request to the parts of an ApiCall: credentials, method, path, query, body.
 * Not here: whether the credentials are good and what the caller may do (filters/).
 */
import type { Clock } from "../../base/index.ts";
import {
  badRequest,
  requestEntityTooLarge,
  StatusError,
  tooManyRequests,
  unsupportedMediaType,
  type ConnectionCredentials,
  type Impersonation,
  type Method,
} from "../../machinery/index.ts";
import { peerCertificate, type Exchange } from "./exchange.ts";
import { bodyBytesMax, bodyTimeoutMs, headersMax } from "./limits.ts";

/** What the connection and the headers say about the caller. */
export function credentialsOf(exchange: Exchange): ConnectionCredentials {
  const { headers } = exchange.request;
  return {
    from: "connection",
    address: exchange.address,
    certificate: subjectOf(peerCertificate(exchange.socket)),
    authorization: headers.authorization,
    impersonate: impersonationOf(exchange),
  };
}

function subjectOf(certificate: ReturnType<typeof peerCertificate>): ConnectionCredentials["certificate"] {
  if (certificate === undefined || certificate === "refused") return certificate;
  const { CN: name, O: organizations } = certificate.subject;
  return {
    commonName: String(name ?? ""),
    organizations: organizations === undefined ? [] : [organizations].flat(),
  };
}

function impersonationOf(exchange: Exchange): Impersonation | undefined {
  const { headers } = exchange.request;
  const user = headers["impersonate-user"];
  if (user === undefined && headers["impersonate-group"] === undefined) return undefined;
  return {
    user: user === undefined ? undefined : String(user),
    groups: headerValues(exchange, "impersonate-group"),
  };
}

/** Each line of a header, in order. Node joins repeated lines with commas, and the name of a group may hold a comma. */
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

/** The path of `GET https://host/path`, which clients of a proxy send. */
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

/** An extended CONNECT counts as the GET that it is in HTTP/1.1. @throws StatusError 405 for methods that no path offers, OPTIONS among them. */
export function methodOf(exchange: Exchange): Method {
  const method = exchange.request.method ?? "GET";
  if (method === "CONNECT" && exchange.upgradeTo !== undefined) return "GET";
  if (!methods.has(method)) {
    throw statusError(
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    );
  }
  return method as Method;
}

/** Comes first, because Node drops the headers beyond its own bound. @throws StatusError 431 for more headers than anybody needs. */
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

/** Bytes of all bodies in memory at once: 64 of the largest. Beyond that clients are told to try again. */
const bodiesBytesMax = 192 * 1024 * 1024;

/** Bytes of a too large body that are read and dropped, so that the client has sent everything when its 413 comes. */
const drainedBytesMax = 16 * 1024 * 1024;

/** A body that may be with the client still. */
export interface PendingBody {
  /**
   * The whole body, undefined when it is empty. Call at most once.
   * @throws StatusError 408, 413, 415, 429; the signal's reason when the client goes away.
   */
  read(): Promise<Uint8Array | undefined>;
  /** The bytes are no longer needed. */
  release(): void;
}

/** Reads bodies within the bounds. One for each server, because it counts the bytes of all of them. */
export class BodyReader {
  readonly #clock: Clock;
  #heldBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nothing is read before `read` is called. */
  open(exchange: Exchange, signal: AbortSignal): PendingBody {
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
    const read = async (): Promise<Uint8Array | undefined> => {
      const { headers } = exchange.request;
      const encoding = headers["content-encoding"];
      if (encoding !== undefined && encoding !== "identity") throw unsupportedMediaType(["identity"]);
      if (Number(headers["content-length"] ?? 0) > drainedBytesMax) throw tooLarge();
      try {
        const body = await collect(exchange, { clock: this.#clock, signal, hold });
        return body.length === 0 ? undefined : body;
      } catch (error) {
        release();
        throw error;
      }
    };
    return { read, release };
  }
}

interface CollectOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Counts more bytes. @returns false when the server holds too many. */
  hold(bytes: number): boolean;
}

function collect(exchange: Exchange, { clock, signal, hold }: CollectOptions): Promise<Buffer> {
  const { request } = exchange;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
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

/**
 * Transport to any Kubernetes API server over HTTPS, by HTTP/2 or HTTP/1.1.
 * Not here: connections (http-connections.ts), kubeconfig files (kubeconfig.ts), retries (reflectors and callers).
 */
import { setMaxListeners } from "node:events";
import type { Readable } from "node:stream";
import { silentLog, type Clock, type Log } from "../../base/index.ts";
import { linkedController, statusErrorOf } from "./api-client.ts";
import type { ClientWatchSink, Transport, TransportCall, TransportReply } from "./client.ts";
import { encodeJson } from "../../machinery/index.ts";
import {
  destroySoon,
  HttpConnections,
  type ConnectionTarget,
  type WireResponse,
} from "./http-connections.ts";
import { WatchLines } from "./watch-lines.ts";

export interface HttpTransportOptions extends ConnectionTarget {
  /** A function is called before every request, since tokens in files are replaced now and then. */
  readonly token?: string | (() => string | Promise<string>);
  readonly basicAuth?: { readonly username: string; readonly password: string };
  readonly userAgent?: string;
  /** Milliseconds for an ordinary request; default 65,000, a little more than servers take. */
  readonly requestMsMax?: number;
  readonly clock: Clock;
  readonly log?: Log;
}

const requestMsMaxDefault = 65_000;

/** Bytes of one reply: enough for a list of 100,000 pods. */
const replyBytesMax = 512 * 1024 * 1024;

/** Connects at the first call, and anew after a connection was lost. The caller owns the objects of replies. */
export function httpTransport(options: HttpTransportOptions): Transport {
  const connections = new HttpConnections(options, { clock: options.clock, log: options.log ?? silentLog });
  const open = async (call: TransportCall, signal: AbortSignal): Promise<WireResponse> =>
    connections.request({
      method: call.method,
      path: call.path + queryText(call.query),
      headers: await headersOf(call, options),
      ...(call.body === undefined ? {} : { body: bodyBytes(call.body) }),
      signal,
    });
  const send = async (call: TransportCall): Promise<TransportReply> => {
    const limit = limited(options, call.signal);
    try {
      return await replyOf(await open(call, limit.signal), limit.signal);
    } finally {
      limit.release();
    }
  };
  /** A response without a time limit on its body. The listener on the signal goes when the body closes. */
  const openLong = async (call: TransportCall): Promise<Readable> => {
    const limit = limited(options, call.signal);
    try {
      const response = await open(call, limit.signal);
      limit.stopClock();
      response.body.once("close", () => limit.release());
      if (response.status === 200) return response.body;
      const reply = await replyOf(response, limit.signal);
      throw statusErrorOf(reply.status, reply.object);
    } catch (error) {
      limit.release();
      throw error;
    }
  };
  return {
    send,
    watch: async (call, sink) => readWatch(await openLong(call), sink, call.signal),
    stream: async (call) => chunksOf(await openLong(call)),
    close: () => connections.close(),
  };
}

interface Limit {
  /** Aborts with the caller's signal, or when the time is up. */
  readonly signal: AbortSignal;
  stopClock(): void;
  /** Takes the listener off the caller's signal, which may live as long as the process. */
  release(): void;
}

function limited(options: HttpTransportOptions, outer: AbortSignal): Limit {
  outer.throwIfAborted();
  // Any number of calls may share one signal; Node would warn of a leak from the eleventh on.
  setMaxListeners(0, outer);
  const { controller, unlink } = linkedController(outer);
  const limitMs = options.requestMsMax ?? requestMsMaxDefault;
  const timer = options.clock.after(limitMs, () => {
    controller.abort(new Error(`no answer from ${options.server} in ${limitMs} ms`));
  });
  const stopClock = (): void => timer.cancel();
  return {
    signal: controller.signal,
    stopClock,
    release: () => {
      stopClock();
      unlink();
    },
  };
}

async function headersOf(
  call: TransportCall,
  options: HttpTransportOptions,
): Promise<Readonly<Record<string, string>>> {
  const userAgent = call.userAgent ?? options.userAgent;
  const authorization = await authorizationOf(options);
  return {
    accept: call.accept ?? "application/json",
    ...(call.body === undefined ? {} : { "content-type": call.contentType ?? "application/json" }),
    ...(userAgent === undefined ? {} : { "user-agent": userAgent }),
    ...(authorization === undefined ? {} : { authorization }),
  };
}

async function authorizationOf({ token, basicAuth }: HttpTransportOptions): Promise<string | undefined> {
  if (token !== undefined) return `Bearer ${typeof token === "string" ? token : await token()}`;
  if (basicAuth === undefined) return undefined;
  return `Basic ${Buffer.from(`${basicAuth.username}:${basicAuth.password}`).toString("base64")}`;
}

function queryText(query: TransportCall["query"]): string {
  if (query.length === 0) return "";
  return `?${query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&")}`;
}

function bodyBytes(body: object | string): Uint8Array {
  return Buffer.from(typeof body === "string" ? body : encodeJson(body));
}

async function replyOf(response: WireResponse, signal: AbortSignal): Promise<TransportReply> {
  const bytes = await collect(response.body, signal);
  const warnings = warningTexts(response.headers["warning"]);
  return { status: response.status, object: withRetryAfter(objectOf(response, bytes), response), warnings };
}

/** Copies Retry-After into the Status: Kubernetes names the wait of a 429 or 503 only in the header. */
function withRetryAfter(object: object, { status, headers }: WireResponse): object {
  const seconds = Number(headers["retry-after"] ?? NaN);
  if (status < 400 || !Number.isInteger(seconds) || seconds < 0) return object;
  const failure = statusErrorOf(status, object).status;
  if (failure.details?.retryAfterSeconds !== undefined) return object;
  return { ...failure, details: { ...failure.details, retryAfterSeconds: seconds } };
}

/** The JSON body. Any other text becomes a Status when the call failed (proxies answer in HTML), else `{ text }`. */
function objectOf(response: WireResponse, bytes: Buffer): object {
  const isJson = response.headers["content-type"]?.startsWith("application/json") ?? false;
  if (isJson && bytes.length > 0) return JSON.parse(bytes.toString("utf8")) as object;
  if (response.status < 400) return { text: bytes.toString("utf8") };
  const message = bytes.toString("utf8", 0, 2_000).trim();
  return statusErrorOf(response.status, message === "" ? {} : { message }).status;
}

function collect(body: Readable, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    body.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > replyBytesMax)
        destroySoon(body, new Error(`the reply is longer than ${replyBytesMax} bytes`));
    });
    body.once("end", () => resolve(Buffer.concat(chunks, length)));
    body.once("error", (error) => reject(signal.aborted ? signal.reason : error));
    body.once("aborted", () =>
      reject(signal.aborted ? signal.reason : new Error("the connection was lost in the middle of a reply")),
    );
    body.once("close", () =>
      reject(signal.aborted ? signal.reason : new Error("the connection was lost in the middle of a reply")),
    );
  });
}

/** The body's chunks; a reader that stops early closes the connection's stream. */
async function* chunksOf(body: Readable): AsyncIterable<Uint8Array> {
  let isWhole = false;
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
    isWhole = true;
  } finally {
    if (!isWhole) destroySoon(body);
  }
}

/** Passes the events of a chunk in one call of the sink, and the end once, last. */
function readWatch(body: Readable, sink: ClientWatchSink, signal: AbortSignal): void {
  const lines = new WatchLines();
  let isOver = false;
  let hasEnded = false;
  let failure: unknown;
  const finish = (error?: unknown): void => {
    if (isOver) return;
    isOver = true;
    if (signal.aborted) sink.end(signal.reason);
    else if (error === undefined) sink.end();
    else sink.end(error);
  };
  body.on("data", (chunk: Buffer) => {
    if (isOver) return;
    try {
      const events = lines.push(chunk);
      if (events.length > 0) sink.events(events);
    } catch (error) {
      finish(error);
      destroySoon(body);
    }
  });
  body.once("end", () => {
    hasEnded = true;
    finish();
  });
  body.on("error", (error) => (failure = error));
  body.once("close", () =>
    finish(hasEnded ? undefined : (failure ?? new Error("the connection of a watch was lost"))),
  );
}

/** Texts of `299 - "text"` headers; Node joins several with commas, and reads UTF-8 as latin1. */
function warningTexts(header: string | readonly string[] | undefined): readonly string[] {
  if (header === undefined) return [];
  const joined = Buffer.from(typeof header === "string" ? header : header.join(", "), "latin1").toString(
    "utf8",
  );
  const texts: string[] = [];
  for (const [, text] of joined.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g))
    texts.push(text!.replace(/\\(.)/g, "$1"));
  return texts;
}

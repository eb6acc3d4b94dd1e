/**
 * From an ApiReply to headers and bytes. Objects are sent at once, streams as they come, lists in pieces with other work in
 * between. Replies are compressed and indented where the client asks for it.
 * Not here: watches (http/watch.ts), upgrades (http/upgrade.ts).
 */
import { promisify } from "node:util";
import { createGzip, gzip } from "node:zlib";
import type { Clock } from "../../base/index.ts";
import type { ApiReply } from "../../machinery/index.ts";
import type { Exchange } from "./exchange.ts";
import { JsonIndenter } from "./json-indenter.ts";

/** Bytes written before other work gets its turn. Fewer cost more calls, more delay other clients. */
export const pieceBytesMax: number = 256 * 1024;

/** Bytes from which a body is compressed, as upstream. For smaller ones the time is worth more than the bytes. */
const gzipBytesMin: number = 128 * 1024;

/** Milliseconds that a client may leave a reply unread before it is cut off. */
const stallMsMax = 30_000;

/** Characters of all warnings together. Beyond them each warning is cut to the second number, as upstream. */
const warningsLengthMax = 4096;
const warningLengthMax = 256;

const gzipAtOnce = promisify(gzip);

export interface ReplyContext {
  readonly clock: Clock;
  readonly auditId: string;
  readonly isPretty: boolean;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** Gzip forms of documents that do not change, by their bytes. */
  readonly compressed: WeakMap<Uint8Array, Promise<Uint8Array>>;
}

/** curl and browsers get indented JSON unless they say otherwise, as upstream. */
export function isPrettyWanted(pretty: string | undefined, userAgent: string | undefined): boolean {
  if (pretty !== undefined && pretty !== "") return /^(1|t|true)$/i.test(pretty);
  return userAgent !== undefined && /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent);
}

/** Sets status and headers; nothing is sent yet. */
export function setHead(exchange: Exchange, reply: ApiReply, auditId: string): void {
  const { response } = exchange;
  response.statusCode = reply.status;
  response.setHeader("audit-id", auditId);
  response.setHeader("cache-control", "no-cache, private");
  if (reply.status !== 304 && reply.body.as !== "upgrade")
    response.setHeader("content-type", reply.contentType);
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  const warnings = warningHeaders(reply.warnings ?? []);
  if (warnings.length > 0) response.setHeader("warning", warnings);
}

/** `299 - "text"` for each distinct warning. All are cut when they are too long together. */
function warningHeaders(texts: readonly string[]): readonly string[] {
  const distinct = [...new Set(texts.map((text) => text.replace(/\p{Cc}+/gu, " ")))];
  const length = distinct.reduce((sum, text) => sum + text.length, 0);
  const kept =
    length <= warningsLengthMax ? distinct : distinct.map((text) => text.slice(0, warningLengthMax));
  const headers: string[] = [];
  let room = warningsLengthMax;
  for (const text of kept) {
    room -= text.length;
    if (room < 0) break;
    headers.push(`299 - "${asHeaderBytes(text.replace(/[\\"]/g, "\\$&"))}"`);
  }
  return headers;
}

/** Node writes header strings as latin1; clients read them as UTF-8. */
function asHeaderBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Sends any reply but a watch and an upgrade. Resolves when all is handed to the connection; rejects when the client has gone. */
export async function sendReply(exchange: Exchange, reply: ApiReply, context: ReplyContext): Promise<void> {
  setHead(exchange, reply, context.auditId);
  const { body } = reply;
  if (body.as === "watch" || body.as === "upgrade")
    throw new Error(`defect: a reply as ${body.as} is not sent as bytes`);
  const isHead = exchange.request.method === "HEAD";
  if (reply.status === 304 || reply.status === 204 || (isHead && body.as === "stream")) {
    exchange.response.end();
    return;
  }
  if (body.as === "stream") return sendStream(exchange, body.chunks(), context);
  const isIndented = context.isPretty && reply.contentType.startsWith("application/json");
  const source = body.as === "list" ? body.pieces() : [body.bytes()];
  const pieces = joinPieces(isIndented ? indented(source) : source);
  const first = pieces.next();
  const firstBytes = first.done === true ? noBytes : first.value;
  const second = pieces.next();
  const isWhole = second.done === true;
  const isLong = !isWhole || firstBytes.length > gzipBytesMin;
  if (isLong) addVary(exchange, reply, "Accept-Encoding");
  const isZipped = isLong && acceptsGzip(exchange.request.headers["accept-encoding"]);
  if (isZipped) exchange.response.setHeader("content-encoding", "gzip");
  if (isHead) {
    if (isWhole && !isZipped) exchange.response.setHeader("content-length", String(firstBytes.length));
    exchange.response.end();
    return;
  }
  if (isZipped && isWhole && reply.headers?.["etag"] !== undefined)
    return endWith(exchange, await zippedDocument(firstBytes, context));
  if (isZipped) return sendZipped(exchange, rest(firstBytes, second, pieces), context);
  if (isWhole) return endWith(exchange, firstBytes);
  return sendPieces(exchange, rest(firstBytes, second, pieces), context);
}

const noBytes = new Uint8Array(0);

function* rest(
  first: Uint8Array,
  second: IteratorResult<Uint8Array, void>,
  others: Iterator<Uint8Array, void>,
): Iterable<Uint8Array> {
  yield first;
  for (let next = second; next.done !== true; next = others.next()) yield next.value;
}

function endWith(exchange: Exchange, bytes: Uint8Array): void {
  exchange.response.setHeader("content-length", String(bytes.length));
  exchange.response.end(bytes);
}

/** Compresses a document once: it has the same bytes object as long as it lives. */
function zippedDocument(bytes: Uint8Array, { compressed }: ReplyContext): Promise<Uint8Array> {
  let zipped = compressed.get(bytes);
  if (zipped === undefined) {
    zipped = gzipAtOnce(bytes, { level: 1 });
    compressed.set(bytes, zipped);
  }
  return zipped;
}

function addVary(exchange: Exchange, reply: ApiReply, name: string): void {
  const before = reply.headers?.["vary"];
  exchange.response.setHeader("vary", before === undefined ? name : `${before}, ${name}`);
}

function acceptsGzip(header: string | readonly string[] | undefined): boolean {
  if (header === undefined) return false;
  return String(header)
    .split(",")
    .some((part) => {
      const [name, ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
      return name === "gzip" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    });
}

/** The same bytes in pieces of about `pieceBytesMax`. A piece that needs no joining is not copied. */
function* joinPieces(source: Iterable<Uint8Array>): Generator<Uint8Array, void> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for (const bytes of source) {
    waiting.push(bytes);
    length += bytes.length;
    if (length < pieceBytesMax) continue;
    yield waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, length);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, length);
}

function* indented(source: Iterable<Uint8Array>): Iterable<Uint8Array> {
  const indenter = new JsonIndenter();
  for (const bytes of source) yield indenter.push(bytes);
}

async function sendPieces(
  exchange: Exchange,
  pieces: Iterable<Uint8Array>,
  context: ReplyContext,
): Promise<void> {
  for (const piece of pieces) {
    if (!exchange.response.write(piece)) await drained(exchange, exchange.response, context);
    await nextTurn();
    context.signal.throwIfAborted();
  }
  exchange.response.end();
}

async function sendZipped(
  exchange: Exchange,
  pieces: Iterable<Uint8Array>,
  context: ReplyContext,
): Promise<void> {
  const zip = createGzip({ level: 1, chunkSize: 64 * 1024 });
  zip.pipe(exchange.response as unknown as NodeJS.WritableStream);
  try {
    for (const piece of pieces) {
      for (const part of slices(piece)) {
        if (!zip.write(part)) await drained(exchange, zip, context);
        context.signal.throwIfAborted();
      }
    }
    zip.end();
  } catch (error) {
    zip.destroy();
    throw error;
  }
}

/** Parts of at most `pieceBytesMax`: a single object may be megabytes long. */
function* slices(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytesMax) yield bytes.subarray(at, at + pieceBytesMax);
}

async function sendStream(
  exchange: Exchange,
  chunks: AsyncIterable<Uint8Array>,
  context: ReplyContext,
): Promise<void> {
  exchange.response.flushHeaders();
  const iterator = chunks[Symbol.asyncIterator]();
  const stop = (): void => void Promise.resolve(iterator.return?.()).catch(() => {});
  context.signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) break;
      if (!exchange.response.write(next.value)) await drained(exchange, exchange.response, context);
      context.signal.throwIfAborted();
    }
    exchange.response.end();
  } finally {
    context.signal.removeEventListener("abort", stop);
  }
}

/** Resolves when `stream` takes more. Rejects when the client goes away. A client that does not read is cut off. */
function drained(
  exchange: Exchange,
  stream: NodeJS.EventEmitter,
  { clock, signal }: ReplyContext,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      timer.cancel();
      stream.off("drain", onDrain);
      signal.removeEventListener("abort", onAbort);
    };
    const onDrain = (): void => {
      settle();
      resolve();
    };
    const onAbort = (): void => {
      settle();
      reject(signal.reason);
    };
    const timer = clock.after(stallMsMax, () => {
      settle();
      exchange.cut();
      reject(new Error("the client does not read its reply"));
    });
    if (signal.aborted) return onAbort();
    stream.on("drain", onDrain);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

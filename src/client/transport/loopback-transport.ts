/**
 * Transport to an API server in the same process: calls go straight to its handler, no bytes are made, and lists and
 * watches hand out the very objects that the server keeps.
 *
 *   server's commit ─▶ WatchSink.events: appended, returns at once ─▶ microtask ─▶ the reader, in order
 *
 * Not here: authentication; the user is fixed by whoever wires the process.
 */
import type {
  ApiCall,
  ApiHandler,
  ApiReply,
  KubeObject,
  UserInfo,
  WatchFrame,
  WatchSink,
} from "../../machinery/index.ts";
import { statusErrorOf } from "./api-client.ts";
import type { ClientWatchSink, Transport, TransportCall, TransportReply, WatchEvent } from "./client.ts";

/** Events handed over but not yet taken. A reader runs after every turn of the server, so more means it is stuck. */
const loopbackPendingEventsMax = 65_536;

export interface LoopbackOptions {
  readonly user: UserInfo;
  readonly userAgent?: string;
  /** Default `loopbackPendingEventsMax`. One batch is always taken when nothing waits. */
  readonly pendingEventsMax?: number;
}

/** Objects from this transport are shared with the server and all other readers: never change them. */
export function loopbackTransport(handler: ApiHandler, options: LoopbackOptions): Transport {
  const apiCall = (call: TransportCall): ApiCall => {
    const { method, path, query, accept, contentType, body, signal } = call;
    const made: { -readonly [K in keyof ApiCall]: ApiCall[K] } = {
      method,
      path,
      query,
      user: options.user,
      signal,
    };
    const userAgent = call.userAgent ?? options.userAgent;
    if (accept !== undefined) made.accept = accept;
    if (contentType !== undefined) made.contentType = contentType;
    if (userAgent !== undefined) made.userAgent = userAgent;
    if (body !== undefined) made.body = typeof body === "string" ? new TextEncoder().encode(body) : body;
    return made;
  };
  const reply = async (call: TransportCall): Promise<ApiReply> => {
    call.signal.throwIfAborted();
    return await handler(apiCall(call));
  };
  return {
    send: async (call) => decodeReply(await reply(call)),
    watch: async (call, sink) => {
      const answer = await reply(call);
      if (answer.body.as !== "watch") throw statusErrorOf(answer.status, decodeReply(answer).object);
      const handOver = new HandOver(sink, options.pendingEventsMax ?? loopbackPendingEventsMax);
      handOver.start(answer.body.start, call.signal);
    },
    stream: async (call) => {
      const answer = await reply(call);
      if (answer.body.as !== "stream") throw statusErrorOf(answer.status, decodeReply(answer).object);
      return answer.body.chunks();
    },
    close: async () => {},
  };
}

function decodeReply(reply: ApiReply): TransportReply {
  return { status: reply.status, object: bodyObject(reply), warnings: reply.warnings ?? [] };
}

function bodyObject(reply: ApiReply): object {
  const body = reply.body;
  if (body.as === "object") return body.object;
  if (body.as === "list") return body.list;
  if (body.as === "bytes") {
    const text = new TextDecoder().decode(body.bytes());
    return reply.contentType.startsWith("application/json") ? (JSON.parse(text) as object) : { text };
  }
  return {};
}

/** Takes events from the server without ever running the reader inside the server's call. */
class HandOver implements WatchSink {
  readonly #sink: ClientWatchSink;
  readonly #pendingMax: number;
  #pending: WatchEvent[] = [];
  #isScheduled = false;
  #isOver = false;
  #stop: (() => void) | undefined;
  #unlink: (() => void) | undefined;
  #ending: { readonly error?: unknown } | undefined;

  constructor(sink: ClientWatchSink, pendingMax: number) {
    this.#sink = sink;
    this.#pendingMax = pendingMax;
  }

  start(begin: (sink: WatchSink) => () => void, signal: AbortSignal): void {
    const onAbort = (): void => {
      this.#pending = [];
      this.#finish({ error: signal.reason });
    };
    this.#unlink = () => signal.removeEventListener("abort", onAbort);
    this.#stop = begin(this);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  }

  events(batch: readonly WatchFrame[]): boolean {
    if (this.#isOver || this.#ending !== undefined) return false;
    if (this.#pending.length > 0 && this.#pending.length + batch.length > this.#pendingMax) {
      this.#pending = [];
      this.#finish({});
      return false;
    }
    for (const frame of batch) this.#pending.push({ type: frame.type, object: frame.object as KubeObject });
    this.#schedule();
    return true;
  }

  end(): void {
    this.#finish({});
  }

  /** What was taken before is still delivered, then the end. */
  #finish(ending: { readonly error?: unknown }): void {
    if (this.#isOver || this.#ending !== undefined) return;
    this.#ending = ending;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    this.#isScheduled = false;
    const batch = this.#pending;
    this.#pending = [];
    let ending = this.#ending;
    try {
      if (batch.length > 0) this.#sink.events(batch);
    } catch (error) {
      ending = { error };
    }
    if (ending === undefined || this.#isOver) return;
    this.#isOver = true;
    this.#unlink?.();
    this.#stop?.();
    this.#sink.end(ending.error);
  }
}

/**
 * Transport to an API server in the same process. Calls go straight to its handler, and no bytes are made. Lists and watches
 * hand out the very objects that the server keeps.
 *
 *   server's commit ─▶ WatchSink.events: appended, returns at once ─▶ microtask ─▶ the reader, in order
 *
 * Not here: authentication. A part of the process is whom it says to be, and the server may still refuse what it asks for.
 */
import { setMaxListeners } from "node:events";
import type {
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
  const credentials = { from: "process", user: options.user } as const;
  const encoder = new TextEncoder();
  const reply = async (call: TransportCall): Promise<ApiReply> => {
    call.signal.throwIfAborted();
    // One signal may be that of all calls of a part of this process, and Node warns of more than ten listeners.
    setMaxListeners(0, call.signal);
    const { method, path, query, accept, contentType, body, signal } = call;
    return await handler({
      method,
      path,
      query,
      accept,
      contentType,
      userAgent: call.userAgent ?? options.userAgent,
      signal,
      credentials,
      body: typeof body === "string" ? encoder.encode(body) : body,
    });
  };
  return {
    send: async (call) => decodeReply(await reply(call)),
    watch: async (call, sink) => {
      const answer = await reply(call);
      if (answer.body.as !== "watch") throw refusal(answer);
      const pendingMax = options.pendingEventsMax ?? loopbackPendingEventsMax;
      const handOver = new HandOver(sink, { pendingMax, finished: () => answer.finished?.() });
      handOver.start(answer.body.start, call.signal);
    },
    stream: async (call) => {
      const answer = await reply(call);
      if (answer.body.as !== "stream") throw refusal(answer);
      const chunks = answer.body.chunks();
      return answer.finished === undefined ? chunks : ending(chunks, answer.finished);
    },
    close: async () => {},
  };
}

function refusal(reply: ApiReply): Error {
  return statusErrorOf(reply.status, decodeReply(reply).object);
}

async function* ending(chunks: AsyncIterable<Uint8Array>, finished: () => void): AsyncIterable<Uint8Array> {
  try {
    yield* chunks;
  } finally {
    finished();
  }
}

function decodeReply(reply: ApiReply): TransportReply {
  try {
    return { status: reply.status, object: bodyObject(reply), warnings: reply.warnings ?? [] };
  } finally {
    reply.finished?.();
  }
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
  readonly #finished: () => void;
  #pending: WatchEvent[] = [];
  #isScheduled = false;
  #isOver = false;
  #stop: (() => void) | undefined;
  #unlink: (() => void) | undefined;
  #ending: { readonly error?: unknown } | undefined;

  constructor(sink: ClientWatchSink, options: { readonly pendingMax: number; finished(): void }) {
    this.#sink = sink;
    this.#pendingMax = options.pendingMax;
    this.#finished = options.finished;
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

  /** Delivers what was taken before, then the end. */
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
    this.#finished();
    this.#sink.end(ending.error);
  }
}

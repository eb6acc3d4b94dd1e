/**
 * A bad network between one process and the API server, by seed: all that the contract of `Transport` allows. Replies are
 * late or lost, calls refused, watches late, doubled, broken, expired or silent; the process may die.
 * Not here: which process dies when (simulated-cluster.ts), a server that lags (lagging-store.ts).
 *
 *   call ─▶ [late] ─▶ [refused | lost] ─▶ server ─▶ [reply lost] ─▶ [late] ─▶ caller
 *   event ─▶ [late, in order] ─▶ [doubled | an older one again] ─▶ reader        … [break | 410 | silence]
 */
import { setMaxListeners } from "node:events";
import { type Clock, type Random, sleep, type Timer } from "../base/index.ts";
import type {
  ClientWatchSink,
  Transport,
  TransportCall,
  TransportReply,
  WatchEvent,
} from "../client/index.ts";
import type { Verdict } from "../controllers/daemonset/index.ts";
import {
  conflict,
  expired,
  internalError,
  type KubeList,
  type KubeObject,
  requestInfoOf,
  serviceUnavailable,
  StatusError,
  tooManyRequests,
} from "../machinery/index.ts";

/** Probabilities from 0 to 1, for each call, event or watch. Absent means never. */
export interface Faults {
  /** Longest delay of a request, and again of its reply, in ms. */
  readonly delayMs?: number;
  /** Answered 429, 500 or 503 without being carried out. */
  readonly refuse?: number;
  /** A PUT answered 409 without being carried out. */
  readonly conflict?: number;
  /** The connection breaks before the call reaches the server. */
  readonly loseRequest?: number;
  /** The connection breaks after the server has carried out the call. */
  readonly loseReply?: number;
  /** Longest delay of events, in ms. */
  readonly eventDelayMs?: number;
  /** An event comes twice, or an older one comes again. */
  readonly repeatEvent?: number;
  /** A watch breaks within its first 20 s; one in three sends 410 first. */
  readonly breakWatch?: number;
  /** A watch falls silent within its first 20 s and does not end. */
  readonly silenceWatch?: number;
}

/** What the controller says that it does for a DaemonSet (by key) on a node, and why; undefined when it does not say. */
export type Explained = (key: string, node: string) => Verdict | undefined;

/** Sees everything that passes between the process and its network, in the order in which the process sees it. */
export interface TransportObserver {
  sending?(call: TransportCall): void;
  /** The outcome of a call has reached the process: a reply, or an error when `reply` is absent. */
  done?(call: TransportCall, reply?: TransportReply): void;
  /** The DaemonSet controller is about to decide about the pods of this DaemonSet. */
  deciding?(uid: string, explained: Explained): void;
  /** The process is dead: calls without an outcome never get one. */
  died?(): void;
  /** A list has arrived, and the process reads it next. */
  listed?(call: TransportCall, list: KubeList<KubeObject>): void;
  /** An event is handed to the process next. */
  delivered?(call: TransportCall, event: WatchEvent): void;
}

export interface FaultyTransportDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: TransportObserver;
}

const troubleWithinMs = 20_000;

export class FaultyTransport implements Transport {
  readonly #inner: Transport;
  readonly #dependencies: FaultyTransportDependencies;
  /** Calls on their way to the server, for `cut`. */
  readonly #underWay = new Set<() => void>();
  readonly #watches = new Set<FaultyWatch>();
  #isCut = false;
  #writes = 0;
  #crash: { readonly atWrite: number; readonly isCarriedOut: boolean; readonly die: () => void } | undefined;
  faults: Faults;

  constructor(inner: Transport, faults: Faults, dependencies: FaultyTransportDependencies) {
    this.#inner = inner;
    this.faults = faults;
    this.#dependencies = dependencies;
  }

  /** Kills the process: nothing reaches it any more. Calls that it has sent reach the server now or never. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    for (const arrive of this.#underWay) if (this.#chance(0.5)) arrive();
    for (const watch of this.#watches) watch.cut();
    this.#watches.clear();
    this.#dependencies.observer?.died?.();
  }

  /** From now on the watches of the resource deliver nothing. They do not end. */
  holdWatches(resource: string): void {
    for (const watch of this.#watches) if (watch.resource === resource) watch.hold();
  }

  /** Ends them with 410: what they would have delivered is never delivered. */
  expireWatches(resource: string): void {
    for (const watch of this.#watches) if (watch.resource === resource) watch.expire();
  }

  /** Calls `die` at the `atWrite`-th write from now, just before it is carried out or just after. */
  dieAtWrite(atWrite: number, isCarriedOut: boolean, die: () => void): void {
    this.#crash = { atWrite: this.#writes + atWrite, isCarriedOut, die };
  }

  async send(call: TransportCall): Promise<TransportReply> {
    // All calls of a part share one signal.
    setMaxListeners(0, call.signal);
    call.signal.throwIfAborted();
    if (this.#isCut) return never();
    const { observer } = this.#dependencies;
    observer?.sending?.(call);
    let reply: TransportReply | undefined;
    try {
      reply = await this.#send(call);
      if (call.method === "GET" && Array.isArray((reply.object as KubeList).items))
        observer?.listed?.(call, reply.object as KubeList<KubeObject>);
      return reply;
    } finally {
      observer?.done?.(call, reply);
    }
  }

  async #send(call: TransportCall): Promise<TransportReply> {
    const isWrite = call.method !== "GET";
    const crash = isWrite && ++this.#writes === this.#crash?.atWrite ? this.#crash : undefined;
    if (crash !== undefined) {
      if (crash.isCarriedOut) await this.#inner.send(call);
      crash.die();
      return never();
    }
    await this.#travel(call, isWrite);
    if (this.#isCut) return never();
    const refusal = this.#refusal(call.method);
    if (refusal !== undefined) return refusal;
    const { loseRequest = 0, loseReply = 0 } = this.faults;
    if (this.#chance(loseRequest)) throw new Error("connection reset");
    const reply = await this.#inner.send(call);
    if (this.#chance(loseReply)) throw new Error("connection reset");
    await this.#travel(call, false);
    return this.#isCut ? never() : reply;
  }

  async watch(call: TransportCall, sink: ClientWatchSink): Promise<void> {
    if (this.#isCut) return never();
    await this.#travel(call, false);
    if (this.#isCut) return never();
    const refusal = this.#refusal("GET");
    if (refusal !== undefined) throw new StatusError(refusal.object as never);
    const watch = new FaultyWatch(call, sink, { ...this.#dependencies, faults: () => this.faults });
    this.#watches.add(watch);
    try {
      await this.#inner.watch({ ...call, signal: watch.signal }, watch);
      watch.begin();
    } catch (error) {
      this.#watches.delete(watch);
      throw error;
    }
  }

  stream(call: TransportCall): Promise<AsyncIterable<Uint8Array>> {
    return this.#inner.stream(call);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.#dependencies.random.next() < probability;
  }

  async #travel(call: TransportCall, isWrite: boolean): Promise<void> {
    const { delayMs = 0 } = this.faults;
    if (delayMs === 0) return;
    const { clock, random } = this.#dependencies;
    const arrive = (): void => void this.#inner.send(call).catch(() => {});
    if (isWrite) this.#underWay.add(arrive);
    try {
      await sleep(clock, Math.floor(random.next() * delayMs), call.signal);
    } finally {
      this.#underWay.delete(arrive);
    }
  }

  #refusal(method: TransportCall["method"]): TransportReply | undefined {
    const { refuse = 0, conflict: conflicts = 0 } = this.faults;
    if (this.#chance(refuse)) {
      const pick = Math.floor(this.#dependencies.random.next() * 3);
      if (pick === 0)
        return replyOf(
          tooManyRequests("too many requests, please try again later", { retryAfterSeconds: 1 }),
        );
      return replyOf(pick === 1 ? internalError("simulated fault") : serviceUnavailable("simulated fault"));
    }
    if (method === "PUT" && this.#chance(conflicts))
      return replyOf(conflict({ group: "", resource: "simulated" }, "simulated", "simulated conflict"));
    return undefined;
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function replyOf(error: StatusError): TransportReply {
  return { status: error.status.code ?? 500, object: error.status, warnings: [] };
}

interface WatchDependencies extends FaultyTransportDependencies {
  faults(): Faults;
}

class FaultyWatch implements ClientWatchSink {
  readonly #call: TransportCall;
  readonly #sink: ClientWatchSink;
  readonly #dependencies: WatchDependencies;
  readonly #controller = new AbortController();
  readonly #timers = new Set<Timer>();
  #dueMs = 0;
  readonly #waiting: (() => void)[] = [];
  #last: WatchEvent | undefined;
  #isSilent = false;
  #isOver = false;

  constructor(call: TransportCall, sink: ClientWatchSink, dependencies: WatchDependencies) {
    this.#call = call;
    this.#sink = sink;
    this.#dependencies = dependencies;
    call.signal.addEventListener("abort", () => this.#controller.abort(call.signal.reason), { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get resource(): string {
    return requestInfoOf(this.#call).resource;
  }

  hold(): void {
    this.#isSilent = true;
  }

  expire(): void {
    if (this.#isOver) return;
    this.#finish(expired("too old resource version: simulated"));
    this.#controller.abort(new Error("connection reset"));
  }

  begin(): void {
    const { breakWatch = 0, silenceWatch = 0 } = this.#dependencies.faults();
    const { random } = this.#dependencies;
    if (random.next() < breakWatch) this.#later(random.next() * troubleWithinMs, () => this.#break());
    if (random.next() < silenceWatch)
      this.#later(random.next() * troubleWithinMs, () => (this.#isSilent = true));
  }

  cut(): void {
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
    this.#controller.abort(new Error("the process is dead"));
  }

  events(batch: readonly WatchEvent[]): void {
    const { eventDelayMs = 0 } = this.#dependencies.faults();
    const { clock, random } = this.#dependencies;
    const now = clock.monotonicMs();
    if (eventDelayMs > 0) this.#dueMs = Math.max(this.#dueMs, now + Math.floor(random.next() * eventDelayMs));
    this.#inOrder(() => this.#deliver(batch));
  }

  end(error?: unknown): void {
    if (this.#controller.signal.aborted) this.#finish(error);
    else this.#inOrder(() => this.#finish(error));
  }

  /** Delivers at once when nothing waits. Never overtakes what came earlier, even if both are due at the same time. */
  #inOrder(hand: () => void): void {
    const now = this.#dependencies.clock.monotonicMs();
    if (this.#waiting.length === 0 && this.#dueMs <= now) {
      hand();
      return;
    }
    this.#waiting.push(hand);
    this.#later(Math.max(0, this.#dueMs - now), () => this.#waiting.shift()?.());
  }

  #deliver(batch: readonly WatchEvent[]): void {
    if (this.#isOver || this.#isSilent) return;
    for (const event of batch) {
      this.#hand(event);
      const { repeatEvent = 0 } = this.#dependencies.faults();
      const { random } = this.#dependencies;
      if (repeatEvent === 0 || event.type === "BOOKMARK" || event.type === "ERROR") continue;
      if (random.next() < repeatEvent) this.#hand(random.next() < 0.5 ? event : (this.#last ?? event));
      this.#last = event;
    }
  }

  #hand(event: WatchEvent): void {
    if (this.#isOver) return;
    this.#dependencies.observer?.delivered?.(this.#call, event);
    this.#sink.events([event]);
  }

  #break(): void {
    if (this.#isOver) return;
    const isExpired = this.#dependencies.random.next() < 1 / 3;
    this.#finish(isExpired ? expired("too old resource version: simulated") : new Error("connection reset"));
    this.#controller.abort(new Error("connection reset"));
  }

  #finish(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
    this.#sink.end(error);
  }

  #later(delayMs: number, run: () => void): void {
    const timer = this.#dependencies.clock.after(Math.floor(delayMs), () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }
}

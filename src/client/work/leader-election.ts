/**
 * One leader among several processes: the one that holds a Lease and renews it in time.
 *
 *   wait ──take──▶ lead ──renew every retryPeriod──┐
 *     ▲ 1.0–2.2 × retryPeriod     └─ no success for renewDeadline, or abort ─▶ stop work ─▶ release ─▶ end
 *
 * Clocks of others are never trusted: a Lease has expired when *this* process has not seen it change for its duration.
 * A term ends `renewDeadline` after the *start* of the last renewal that succeeded. That is before the Lease expires for
 * anybody else. `isLeader` is exact even when timers are late (a stopped process, a machine that slept), so the fence reads
 * it before each write (fenced-transport.ts).
 * Upstream: client-go tools/leaderelection/leaderelection.go.
 * Differs: the Lease is released only after the work has stopped. Two work at once only if stopping outlasts the Lease.
 */
import { type Lease, leases, type LeaseSpec } from "../../api/index.ts";
import { assert, type Clock, type Log, type Random, sleep } from "../../base/index.ts";
import { formatMicroTime, isNotFound } from "../../machinery/index.ts";
import { linkedController } from "../transport/api-client.ts";
import type { Client } from "../transport/client.ts";

/** Part of retryPeriod that is added at random while waiting to lead. Upstream's figure. */
const jitterFactor = 1.2;
const defaults = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 } as const;

export interface LeaderElectorOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly name: string;
  readonly namespace: string;
  /** Unique among the candidates, e.g. `<host>_<uuid>`. */
  readonly identity: string;
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  /** The leader's work. Its signal aborts when leadership ends; the Lease is released after the promise settles. */
  readonly onStarted: (signal: AbortSignal) => Promise<void> | void;
  /** Called once after leadership ended and work stopped; not when we never led. */
  readonly onStopped?: () => void;
  /** Called when another identity (or ours) is seen to lead. */
  readonly onNewLeader?: (identity: string) => void;
}

export interface LeaderElector {
  /**
   * True from just before `onStarted` until the work's signal aborts or the term is over, whichever comes first.
   * Reads the clocks each time.
   */
  readonly isLeader: boolean;
  /** Last identity seen to hold the Lease; "" when free or unknown. */
  readonly leader: string;
  /** Whether another identity was seen to renew the Lease since `run` began, so it led a short time ago. */
  readonly hasSeenOtherLeader: boolean;
  /** Waits to lead, leads, and resolves when leadership is lost or the signal aborts. Runs once; another try needs a new elector. */
  run(signal: AbortSignal): Promise<void>;
}

export function createLeaderElector(options: LeaderElectorOptions): LeaderElector {
  return new Elector(options);
}

interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

class Elector implements LeaderElector {
  readonly #options: LeaderElectorOptions & typeof defaults;
  #observed: Lease | undefined;
  /** When this process saw `#observed` change; monotonic. */
  #observedAtMs = 0;
  #reported = "";
  #isLeading = false;
  #hasSeenOtherLeader = false;
  /** When the last renewal that succeeded began, by both clocks. */
  #renewedAt: Instant = { monotonicMs: 0, wallMs: 0 };

  constructor(options: LeaderElectorOptions) {
    const merged = { ...defaults, ...options } as LeaderElectorOptions & typeof defaults;
    assert(
      merged.leaseDurationMs > merged.renewDeadlineMs,
      "leaseDuration must be greater than renewDeadline",
    );
    assert(
      merged.renewDeadlineMs > jitterFactor * merged.retryPeriodMs,
      "renewDeadline must be greater than 1.2 × retryPeriod",
    );
    assert(merged.identity !== "", "an identity is needed");
    this.#options = merged;
  }

  get leader(): string {
    return this.#observed?.spec.holderIdentity ?? "";
  }

  get isLeader(): boolean {
    return this.#isLeading && this.#leftMs() > 0;
  }

  get hasSeenOtherLeader(): boolean {
    return this.#hasSeenOtherLeader;
  }

  /** The Lease, as last seen, names us; it may have run out. */
  get #isHolder(): boolean {
    return this.leader === this.#options.identity;
  }

  async run(signal: AbortSignal): Promise<void> {
    const acquiredAt = await this.#acquire(signal);
    if (acquiredAt === undefined) return;
    this.#renewedAt = acquiredAt;
    this.#options.log.info("became leader", { lease: this.#options.name, identity: this.#options.identity });
    const work = new AbortController();
    this.#isLeading = true;
    const done = this.#startWork(work.signal);
    await this.#renewUntilLost(signal);
    this.#isLeading = false;
    work.abort(new Error("leadership ended"));
    await done;
    await this.#release();
    this.#options.log.info("stopped leading", {
      lease: this.#options.name,
      identity: this.#options.identity,
    });
    this.#options.onStopped?.();
  }

  async #startWork(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.onStarted(signal);
    } catch (error) {
      if (!signal.aborted)
        this.#options.log.error("the leader's work failed", { lease: this.#options.name, error });
    }
  }

  /** @returns the start of the try that succeeded; undefined when the signal aborted first. */
  async #acquire(signal: AbortSignal): Promise<Instant | undefined> {
    const { clock, random, retryPeriodMs, renewDeadlineMs } = this.#options;
    while (!signal.aborted) {
      const startedAt = this.#now();
      if (await this.#attempt(signal, renewDeadlineMs)) return startedAt;
      await sleep(clock, retryPeriodMs * (1 + jitterFactor * random.next()), signal).catch(() => {});
    }
    return undefined;
  }

  async #renewUntilLost(signal: AbortSignal): Promise<void> {
    const { clock, retryPeriodMs, log, name } = this.#options;
    while (!signal.aborted) {
      const pauseMs = Math.max(0, Math.min(retryPeriodMs, this.#leftMs()));
      await sleep(clock, pauseMs, signal).catch(() => {});
      if (signal.aborted) return;
      const leftMs = this.#leftMs();
      const startedAt = this.#now();
      if (leftMs > 0 && (await this.#attempt(signal, leftMs))) this.#renewedAt = startedAt;
      else if (!this.#isHolder || this.#leftMs() <= 0) {
        if (!signal.aborted) log.error("leadership lost", { lease: name, leader: this.leader });
        return;
      }
    }
  }

  #now(): Instant {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
  }

  /** The rest of the term. The clock that went further counts: the monotonic one stands still while a machine sleeps. */
  #leftMs(): number {
    const now = this.#now();
    const { monotonicMs, wallMs } = this.#renewedAt;
    return this.#options.renewDeadlineMs - Math.max(now.monotonicMs - monotonicMs, now.wallMs - wallMs);
  }

  /** One try to take or renew, given up after `timeoutMs`. Never rejects. */
  async #attempt(signal: AbortSignal, timeoutMs: number): Promise<boolean> {
    const bounded = linkedController(signal);
    const timer = this.#options.clock.after(timeoutMs, () =>
      bounded.controller.abort(new Error("timed out")),
    );
    const timedOut = new Promise<false>((resolve) =>
      bounded.controller.signal.addEventListener("abort", () => resolve(false), { once: true }),
    );
    try {
      return await Promise.race([this.#tryAcquireOrRenew(bounded.controller.signal), timedOut]);
    } finally {
      timer.cancel();
      bounded.unlink();
    }
  }

  async #tryAcquireOrRenew(signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#isHolder && this.#isValid() && (await this.#renewKnown(signal))) return true;
      const seen = await this.#read(signal);
      if (seen === undefined) return await this.#create(signal);
      if (seen.metadata.resourceVersion !== this.#observed?.metadata.resourceVersion) this.#observe(seen);
      if (this.leader !== "" && !this.#isHolder && this.#isValid()) return false;
      return await this.#update(seen, this.#nextSpec(seen.spec), signal);
    } catch (error) {
      if (!signal.aborted)
        this.#options.log.warn("lease not taken or renewed", { lease: this.#options.name, error });
      return false;
    }
  }

  /** The fast path: one update, which succeeds when nobody else wrote. @returns false when the slow path is needed. */
  async #renewKnown(signal: AbortSignal): Promise<boolean> {
    const known = this.#observed!;
    try {
      return await this.#update(known, this.#nextSpec(known.spec), signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#options.log.debug("lease was changed by another", { lease: this.#options.name, error });
      return false;
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, name, namespace } = this.#options;
    try {
      return await client.get<Lease>(leases, { namespace, name }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #create(signal: AbortSignal): Promise<boolean> {
    const { client, name, namespace } = this.#options;
    const spec = { ...this.#nextSpec(undefined), leaseTransitions: 0 };
    const lease: Lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace },
      spec,
    };
    this.#observe(await client.create<Lease>(leases, lease, { signal }));
    return true;
  }

  async #update(seen: Lease, spec: LeaseSpec, signal: AbortSignal): Promise<boolean> {
    this.#observe(await this.#options.client.update<Lease>(leases, { ...seen, spec }, { signal }));
    return this.#isHolder;
  }

  #nextSpec(before: LeaseSpec | undefined): LeaseSpec {
    const { identity, leaseDurationMs, clock } = this.#options;
    const now = formatMicroTime(clock.nowMs());
    const isOurs = before?.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: isOurs ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (isOurs ? 0 : 1),
    };
  }

  #observe(lease: Lease): void {
    const holder = lease.spec.holderIdentity ?? "";
    if (holder !== "" && holder === this.leader && !this.#isHolder) this.#hasSeenOtherLeader = true;
    this.#observed = lease;
    this.#observedAtMs = this.#options.clock.monotonicMs();
    if (this.leader === this.#reported) return;
    this.#reported = this.leader;
    if (this.leader !== "") this.#options.onNewLeader?.(this.leader);
  }

  #isValid(): boolean {
    const durationMs = (this.#observed?.spec.leaseDurationSeconds ?? 0) * 1000;
    return this.#observedAtMs + durationMs > this.#options.clock.monotonicMs();
  }

  /** Gives the Lease back so that another may lead at once. Best effort: otherwise it expires. */
  async #release(): Promise<void> {
    const { clock, log, name, renewDeadlineMs } = this.#options;
    if (!this.#isHolder) return;
    const bounded = new AbortController();
    const timer = clock.after(renewDeadlineMs, () => bounded.abort(new Error("timed out")));
    try {
      const seen = await this.#read(bounded.signal);
      if (seen === undefined || seen.spec.holderIdentity !== this.#options.identity) return;
      const now = formatMicroTime(clock.nowMs());
      const leaseTransitions = seen.spec.leaseTransitions ?? 0;
      const spec = {
        holderIdentity: "",
        leaseDurationSeconds: 1,
        acquireTime: now,
        renewTime: now,
        leaseTransitions,
      };
      await this.#update(seen, spec, bounded.signal);
    } catch (error) {
      log.warn("lease not released", { lease: name, error });
    } finally {
      timer.cancel();
    }
  }
}

/**
 * The resources that a server serves, kept current: discovery is read every 30 s, and soon after `refresh`.
 * Not here: one reading (transport/discovery.ts), informers of the resources (shared-informer.ts).
 * Upstream: kubernetes v1.35, pkg/controller/garbagecollector (Sync).
 */
import { type Clock, type Log, type Random, sleep } from "../../base/index.ts";
import { apiVersionOf } from "../../machinery/index.ts";
import { linkedController } from "../transport/api-client.ts";
import type { Client } from "../transport/client.ts";
import type { ApiResource, DiscoveredVersion } from "../transport/discovery.ts";
import type { DiscoveredResources, DiscoveredResourcesHandler } from "./informer.ts";

/** Upstream's period of the garbage collector. */
const readEveryMs = 30_000;
/** Pause in ms between the end of a reading and the next one, however often `refresh` is called. */
const readGapMs = 100;
/** First pause after a failure, in ms; doubles up to the period. */
const backoffBaseMs = 800;

export interface DiscoveryDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Called after the handlers. */
  readonly onRemoved: (resource: ApiResource) => void;
}

interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

export class FollowedDiscovery implements DiscoveredResources {
  readonly #dependencies: DiscoveryDependencies;
  #handlers: readonly DiscoveredResourcesHandler[] = [];
  /** `apps/daemonsets` -> the resource in the group's preferred version. */
  #preferred: ReadonlyMap<string, ApiResource> = new Map();
  /** `apps/v1 DaemonSet` -> the key of the resource. */
  #byKind: ReadonlyMap<string, string> = new Map();
  #versions: readonly DiscoveredVersion[] = [];
  #unknown: readonly string[] = [];
  #hasSynced = false;
  #resolveSynced!: () => void;
  readonly synced: Promise<void> = new Promise((resolve) => (this.#resolveSynced = resolve));
  /** `refresh` was called since the last reading began. */
  #isStale = false;
  /** Callers that wait for a reading that has not begun yet. */
  #waiting: Waiting[] = [];
  /** Ends the pause between two readings. */
  #wake: () => void = () => {};
  #signal: AbortSignal | undefined;

  constructor(dependencies: DiscoveryDependencies) {
    this.#dependencies = dependencies;
  }

  /** True also without handlers: then there is nothing to wait for. */
  get hasSynced(): boolean {
    return this.#hasSynced || this.#handlers.length === 0;
  }

  get all(): readonly ApiResource[] {
    return [...this.#preferred.values()];
  }

  ofKind(apiVersion: string, kind: string): ApiResource | undefined {
    const key = this.#byKind.get(`${apiVersion} ${kind}`);
    return key === undefined ? undefined : this.#preferred.get(key);
  }

  addHandler(handler: DiscoveredResourcesHandler): void {
    this.#handlers = [...this.#handlers, handler];
    for (const resource of this.#preferred.values()) handler.added(resource);
    if (this.#signal !== undefined && this.#handlers.length === 1) void this.#run(this.#signal);
  }

  get unknown(): readonly string[] {
    return this.#unknown;
  }

  refresh(): void {
    this.#isStale = true;
    this.#wake();
  }

  readAnew(): Promise<void> {
    const signal = this.#signal;
    // Nobody reads any more: a caller that is still under way must not wait for ever.
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.refresh();
    });
  }

  /** Reads from now on if there are handlers, else from the first handler on. Call once. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    if (this.#handlers.length > 0) void this.#run(signal);
  }

  /** Reads until the signal aborts. Never rejects. */
  async #run(signal: AbortSignal): Promise<void> {
    const { client, log, random } = this.#dependencies;
    for (let failures = 0; !signal.aborted;) {
      this.#isStale = false;
      const waiting = this.#waiting.splice(0);
      try {
        this.#take(await client.discover({ signal }));
        failures = 0;
        for (const one of waiting) one.resolve();
      } catch (error) {
        for (const one of waiting) one.reject(error);
        if (signal.aborted) break;
        failures++;
        log.warn("discovery failed", { error, failures });
      }
      const backoffMs = backoffBaseMs * 2 ** Math.min(failures - 1, 10);
      const pauseMs = failures === 0 ? readEveryMs : backoffMs * (1 + random.next());
      await this.#pause(Math.min(readEveryMs, pauseMs), signal);
    }
    for (const one of this.#waiting.splice(0)) one.reject(signal.reason);
  }

  async #pause(pauseMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#dependencies;
    const gapMs = Math.min(readGapMs, pauseMs);
    await sleep(clock, gapMs, signal).catch(() => {});
    if (this.#isStale || signal.aborted) return;
    const { controller, unlink } = linkedController(signal);
    this.#wake = () => controller.abort();
    await sleep(clock, pauseMs - gapMs, controller.signal).catch(() => {});
    this.#wake = () => {};
    unlink();
  }

  #take(read: readonly DiscoveredVersion[]): void {
    this.#unknown = read.filter(({ isKnown }) => !isKnown).map(apiVersionOf);
    this.#versions = withKnown(read, this.#versions);
    const before = this.#preferred;
    this.#preferred = preferredOf(this.#versions, before);
    this.#byKind = keysByKind(this.#versions);
    for (const [key, resource] of before) {
      if (this.#preferred.get(key) === resource) continue;
      this.#tell((handler) => handler.removed(resource));
      this.#dependencies.onRemoved(resource);
    }
    for (const [key, resource] of this.#preferred)
      if (before.get(key) !== resource) this.#tell((handler) => handler.added(resource));
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#resolveSynced();
  }

  #tell(call: (handler: DiscoveredResourcesHandler) => void): void {
    for (const handler of this.#handlers) {
      try {
        call(handler);
      } catch (error) {
        this.#dependencies.log.error("a handler of discovered resources failed", { error });
      }
    }
  }
}

/** A version whose resources the server does not know keeps those of the last reading. */
function withKnown(
  read: readonly DiscoveredVersion[],
  before: readonly DiscoveredVersion[],
): readonly DiscoveredVersion[] {
  return read.map((version) => {
    if (version.isKnown) return version;
    const known = before.find((one) => one.group === version.group && one.version === version.version);
    return known ?? version;
  });
}

const keyOf = ({ group, resource }: ApiResource): string => `${group}/${resource}`;

/** Each resource in the first version that has it. An unchanged resource is the same value as before. */
function preferredOf(
  versions: readonly DiscoveredVersion[],
  before: ReadonlyMap<string, ApiResource>,
): ReadonlyMap<string, ApiResource> {
  const preferred = new Map<string, ApiResource>();
  for (const resource of versions.flatMap((version) => version.resources)) {
    const key = keyOf(resource);
    if (preferred.has(key)) continue;
    const known = before.get(key);
    preferred.set(key, known !== undefined && isSame(known, resource) ? known : resource);
  }
  return preferred;
}

function isSame(a: ApiResource, b: ApiResource): boolean {
  return (
    a.version === b.version &&
    a.kind === b.kind &&
    a.namespaced === b.namespaced &&
    a.verbs.length === b.verbs.length &&
    a.verbs.every((verb) => b.verbs.includes(verb))
  );
}

function keysByKind(versions: readonly DiscoveredVersion[]): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const resource of versions.flatMap((version) => version.resources)) {
    const kind = `${apiVersionOf(resource)} ${resource.kind}`;
    if (!keys.has(kind)) keys.set(kind, keyOf(resource));
  }
  return keys;
}

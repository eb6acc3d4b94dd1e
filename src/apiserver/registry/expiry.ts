/**
 * Removes objects of resources that let them go by themselves.
 * Not here: which do, and after how long (their definitions).
 */
import { type Clock, sleep } from "../../base/index.ts";
import { isInternalError, StatusError } from "../../machinery/index.ts";
import type { StoredObject } from "../watch-cache/encode.ts";
import type { Expiry } from "./definition.ts";
import { isStored, type ResourceRegistry, type Served } from "./resource-registry.ts";
import type { Writes } from "./writes.ts";

/** Between looks; an object may live this much longer. */
const lookEveryMs = 5 * 60_000;
/** Removals at the same time: enough for one commit of the store. */
const parallel = 64;

/** Runs until the signal aborts; where the store does not answer it tries again at the next look. */
export async function expireObjects(
  writes: Writes,
  resources: ResourceRegistry,
  life: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const { clock, signal } = life;
  const known = new WeakMap<Served, WrittenSince>();
  const writtenOf = (served: Served): WrittenSince => {
    let written = known.get(served);
    if (written === undefined) known.set(served, (written = new WrittenSince(served.cache.lastChange)));
    return written;
  };
  for (const served of expiring(resources)) writtenOf(served);
  for (;;) {
    try {
      await sleep(clock, lookEveryMs, signal);
    } catch {
      return;
    }
    for (const served of expiring(resources)) {
      const written = writtenOf(served);
      const nowMs = clock.nowMs();
      written.note(nowMs, served.cache.lastChange);
      await expire(writes, served, expiredOf(served, { ...served.expiry!, nowMs, written }));
    }
  }
}

function expiring(resources: ResourceRegistry): readonly Served[] {
  return resources.all.filter(isStored).filter(({ expiry }) => expiry !== undefined);
}

function expiredOf(
  { cache }: Served,
  { lifeMs, lastSeenMs, nowMs, written }: Expiry & { readonly nowMs: number; readonly written: WrittenSince },
): readonly StoredObject[] {
  const before = nowMs - lifeMs;
  const oldest = written.upTo(before);
  return cache
    .candidates({})
    .filter((state) => state.revision <= oldest && lastSeenMs(state.object) < before);
}

/** Only the states that were looked at: an object that was seen again meanwhile stays. */
async function expire(writes: Writes, served: Served, states: readonly StoredObject[]): Promise<void> {
  const writer = { user: { username: "system:apiserver", groups: ["system:masters"] }, isDryRun: false };
  const remove = async (state: StoredObject): Promise<void> => {
    try {
      await writes.remove(served, state, { writer });
    } catch (error) {
      // Seen again, gone already, or the store did not answer: the next look tells.
      if (!(error instanceof StatusError) || isInternalError(error)) throw error;
    }
  };
  for (let from = 0; from < states.length; from += parallel) {
    await Promise.all(states.slice(from, from + parallel).map(remove));
  }
}

/** Up to which revision all was written before a moment: younger objects need not be read to know that they stay. */
class WrittenSince {
  #revision: number;
  #samples: { readonly atMs: number; readonly revision: number }[] = [];

  /** What was there at the start may be of any age. */
  constructor(revisionAtStart: number) {
    this.#revision = revisionAtStart;
  }

  note(atMs: number, revision: number): void {
    this.#samples.push({ atMs, revision });
  }

  upTo(beforeMs: number): number {
    const young = this.#samples.findIndex(({ atMs }) => atMs > beforeMs);
    const old = this.#samples.splice(0, young < 0 ? this.#samples.length : young);
    this.#revision = Math.max(this.#revision, ...old.map(({ revision }) => revision));
    return this.#revision;
  }
}

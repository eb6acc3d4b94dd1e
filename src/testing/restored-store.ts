/**
 * A store that was restored to an earlier state, as from a backup: what was written afterwards has never been, and its
 * revisions are given out again.
 * Not here: the server over it (cluster.ts, simulated-cluster.ts).
 */
import { createMemoryStore, type EmbeddedStore, type Store, type StoreEvent } from "../storage/index.ts";
import type { SimulatedClock } from "../base/index.ts";

/** A memory store with everything that `store` was told up to `revision`. @throws when it has forgotten part of that. */
export async function restoredStore(
  store: Store,
  revision: number,
  clock: SimulatedClock,
): Promise<EmbeddedStore> {
  const restored = createMemoryStore({ clock });
  /** Key to the revision of its last write. Every write of a memory store takes one revision, so they come out the same. */
  const written = new Map<string, number>();
  for (const event of await historyOf(store, revision)) {
    const { type, key, current } = event;
    const before = written.get(key);
    if (type === "delete") await restored.delete(key, before!);
    else if (before === undefined) written.set(key, await restored.create(key, current.value));
    else written.set(key, await restored.update(key, current.value, before));
    if (type === "delete") written.delete(key);
  }
  return restored;
}

function historyOf(store: Store, revision: number): Promise<readonly StoreEvent[]> {
  return new Promise((resolve, reject) => {
    const events: StoreEvent[] = [];
    const watch = store.watch(
      { prefix: "/", after: 0 },
      {
        events: (batch) => events.push(...batch.filter((event) => event.revision <= revision)),
        progress: () => {
          watch.cancel();
          resolve(events);
        },
        failed: reject,
      },
    );
  });
}

/** A store with some of its calls replaced, for tests of how a server handles them. Not here: whole implementations. */
import type { Store } from "../storage/index.ts";

export function storeWith(store: Store, other: Partial<Store>): Store {
  return {
    hasOtherWriters: store.hasOtherWriters,
    currentRevision: () => store.currentRevision(),
    create: (key, value) => store.create(key, value),
    update: (key, value, expected) => store.update(key, value, expected),
    delete: (key, expected) => store.delete(key, expected),
    get: (key) => store.get(key),
    list: (request) => store.list(request),
    watch: (request, watcher) => store.watch(request, watcher),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
    ...other,
  };
}

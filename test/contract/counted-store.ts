/**
 * A store whose revisions are counted from where it stands: etcd begins at 1, and one that others have written to anywhere.
 * So the suites can name revisions as they come. Not here: the suites.
 */
import {
  type KeyValue,
  StorageError,
  type StorageFailure,
  storageFailureOf,
  type Store,
  type StoreEvent,
} from "../../src/storage/index.ts";

/** The very same store when it stands at 0. */
export function countedFrom(store: Store, base: number): Store {
  if (base === 0) return store;
  const answer = <T, U>(call: Promise<T>, shift: (value: T) => U): Promise<U> =>
    call.then(shift, (error: unknown) => {
      throw errorFrom(error, base);
    });
  const number = (revision: number): number => revision - base;
  return {
    hasOtherWriters: store.hasOtherWriters,
    currentRevision: () => {
      const revision = store.currentRevision();
      return typeof revision === "number" ? number(revision) : answer(revision, number);
    },
    create: (key, value) => answer(store.create(key, value), number),
    update: (key, value, expected) => answer(store.update(key, value, expected + base), number),
    delete: (key, expected) => answer(store.delete(key, expected + base), number),
    get: (key) => answer(store.get(key), (state) => state && stateFrom(state, base)),
    list: (request) => {
      const revision = request.revision === undefined ? {} : { revision: request.revision + base };
      return answer(store.list({ ...request, ...revision }), (result) => ({
        ...result,
        items: result.items.map((item) => stateFrom(item, base)),
        revision: number(result.revision),
      }));
    },
    watch: (request, watcher) =>
      store.watch(
        { ...request, after: request.after + base },
        {
          events: (batch) => watcher.events(batch.map((event) => eventFrom(event, base))),
          progress: (revision) => watcher.progress?.(number(revision)),
          failed: (error) => watcher.failed(errorFrom(error, base)),
        },
      ),
    compact: (revision) => answer(store.compact(revision + base), (done) => done),
    close: () => store.close(),
  };
}

function stateFrom(state: KeyValue, base: number): KeyValue {
  const { createRevision, modRevision } = state;
  return { ...state, createRevision: createRevision - base, modRevision: modRevision - base };
}

function eventFrom(event: StoreEvent, base: number): StoreEvent {
  const current = stateFrom(event.current, base);
  const previous = event.previous === undefined ? {} : { previous: stateFrom(event.previous, base) };
  return { ...event, revision: event.revision - base, current, ...previous };
}

function errorFrom(error: unknown, base: number): unknown {
  const failure = storageFailureOf(error);
  return failure === undefined ? error : new StorageError(failureFrom(failure, base), { cause: error });
}

function failureFrom(failure: StorageFailure, base: number): StorageFailure {
  switch (failure.code) {
    case "conflict":
      return { ...failure, expected: failure.expected - base, actual: failure.actual - base };
    case "compacted":
      return { ...failure, asked: failure.asked - base, oldest: failure.oldest - base };
    case "future":
      return { ...failure, asked: failure.asked - base, current: failure.current - base };
    case "exists":
    case "not-found":
    case "too-large":
    case "unavailable":
    case "corrupt":
      return failure;
  }
}

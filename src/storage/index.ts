/** Face of `storage`: the `Store` seam, its failures and its implementations. */
/** @public */
export { createMemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { valueBytesMax } from "./mvcc.ts";
export type { Retention } from "./retention.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
export { StorageError, type StorageFailure, storageFailureOf } from "./storage-error.ts";
export type {
  EmbeddedStore,
  KeptValue,
  KeyValue,
  ListRequest,
  ListResult,
  Store,
  StoreEvent,
  StoreWatch,
  StoreWatcher,
  WatchRequest,
} from "./store.ts";

/** Everything a store can refuse, as one union; the registry turns it into a Status in one place. */

export type StorageFailure =
  | { readonly code: "exists"; readonly key: string }
  | { readonly code: "not-found"; readonly key: string }
  | { readonly code: "conflict"; readonly key: string; readonly expected: number; readonly actual: number }
  | { readonly code: "compacted"; readonly asked: number; readonly oldest: number }
  | { readonly code: "future"; readonly asked: number; readonly current: number }
  | { readonly code: "too-large"; readonly key: string; readonly bytes: number; readonly bytesMax: number }
  | { readonly code: "unavailable"; readonly why: string }
  | { readonly code: "corrupt"; readonly path: string; readonly why: string };

export class StorageError extends Error {
  readonly failure: StorageFailure;
  override readonly name = "StorageError";

  constructor(failure: StorageFailure, options?: ErrorOptions) {
    super(`storage: ${JSON.stringify(failure)}`, options);
    this.failure = failure;
  }
}

/** The failure inside `error`, or undefined when it is something else. Works across realms. */
export function storageFailureOf(error: unknown): StorageFailure | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const candidate = error as { readonly name?: unknown; readonly failure?: StorageFailure };
  return candidate.name === "StorageError" ? candidate.failure : undefined;
}

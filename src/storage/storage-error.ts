/** Everything a store can refuse, as one union; the registry turns it into a Status in one place. */

export type StorageFailure =
  | { readonly code: "exists"; readonly key: string }
  | { readonly code: "not-found"; readonly key: string }
  | { readonly code: "conflict"; readonly key: string; readonly expected: number; readonly actual: number }
  | { readonly code: "compacted"; readonly asked: number; readonly oldest: number }
  | { readonly code: "future"; readonly asked: number; readonly current: number }
  | { readonly code: "too-large"; readonly key: string; readonly bytes: number; readonly bytesMax: number }
  | Unavailable
  | { readonly code: "corrupt"; readonly path: string; readonly why: string };

export interface Unavailable {
  readonly code: "unavailable";
  readonly why: string;
  /**
   * Of a write: its answer was lost, and it may have been carried out, or may be yet. Only a later read tells. To call it again
   * would be wrong: a second create could be refused because of the first one.
   */
  readonly mayHaveHappened?: true;
}

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

/**
 * The seam for what objects take from a common stock, such as the addresses of Services: given before a write, and taken back
 * when the write was not made.
 *
 *   allocate ─▶ the write ─┬─ made ─────▶ commit: what the object no longer has goes back
 *                          ├─ not made ─▶ revert: what was given goes back
 *                          └─ nobody knows ─▶ neither: whoever looks after the stock finds out
 *
 * Not here: what is given (resources/services), where in a write it is asked for (writes.ts).
 */
import { type Draft, type KubeObject, type Resource, StatusError } from "../../machinery/index.ts";

export interface Allocator {
  /**
   * Completes `draft`, which is about to be validated and written, in place. `before` is absent of a new object.
   * @throws StatusError 422 for what is taken or not to be had, 500 when nothing is left; then nothing was given.
   */
  allocate(
    draft: Draft<KubeObject>,
    before: KubeObject | undefined,
    options: { readonly isDryRun: boolean },
  ): Promise<Allocation>;
  /** Takes back all that an object had which was removed. Never rejects. */
  release(removed: KubeObject): Promise<void>;
}

/** What was given for one write. At most one of the two is called, once. Neither rejects. */
export interface Allocation {
  commit(): Promise<void>;
  revert(): Promise<void>;
}

/** Undefined for the resources that take nothing, which are nearly all. */
export type AllocatorOf = (resource: Resource) => Allocator | undefined;

/** After a write has failed. */
export async function revertAfter(error: unknown, allocation: Allocation | undefined): Promise<void> {
  const isUnknown = error instanceof StatusError && error.status.code === 504;
  if (!isUnknown) await allocation?.revert();
}

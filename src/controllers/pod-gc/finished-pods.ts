/**
 * The finished pods of the cluster, oldest first, so that the oldest go when there are too many.
 * O(log n) per event. Not here: the removal (controller.ts).
 */
import { Heap } from "../../base/index.ts";
import { isPodTerminal, type Pod } from "../../api/index.ts";
import { keyOf } from "../../machinery/index.ts";

interface Finished {
  readonly key: string;
  readonly uid: string;
  readonly created: string;
}

export class FinishedPods {
  readonly #max: number;
  readonly #byUid = new Map<string, Finished>();
  readonly #oldest = new Heap<Finished>(
    (a, b) => a.created < b.created || (a.created === b.created && a.key < b.key),
  );

  constructor(max: number) {
    this.#max = max;
  }

  /** @returns keys of pods that are too many now; each is answered once. */
  seen(pod: Pod): readonly string[] {
    const uid = pod.metadata.uid ?? "";
    if (!isPodTerminal(pod) || pod.metadata.deletionTimestamp !== undefined) {
      this.#byUid.delete(uid);
      return [];
    }
    if (this.#byUid.has(uid)) return [];
    const finished = { key: keyOf(pod), uid, created: pod.metadata.creationTimestamp ?? "" };
    this.#byUid.set(uid, finished);
    this.#oldest.push(finished);
    return this.#excess();
  }

  gone(pod: Pod): void {
    this.#byUid.delete(pod.metadata.uid ?? "");
  }

  #excess(): string[] {
    const keys: string[] = [];
    while (this.#byUid.size > this.#max) {
      const oldest = this.#oldest.pop();
      if (oldest === undefined) break;
      if (this.#byUid.delete(oldest.uid)) keys.push(oldest.key);
    }
    return keys;
  }
}

/**
 * When each node was last heard of, by the local clock, and which have fallen silent.
 * A heartbeat writes one number. Nodes stand in a heap by the time at which they would be silent; one that was heard of since
 * is put back when its turn comes, so each node moves once per grace time, however often it beats.
 * Not here: what is done about silence (controller.ts). The nodes' own times are never compared with ours.
 */
import { Heap } from "../../base/index.ts";

interface Beat {
  readonly name: string;
  heardMs: number;
  isSilent: boolean;
  /** False once the node was forgotten. */
  isKnown: boolean;
  dueMs: number;
  graceMs: number;
}

export class Heartbeats {
  readonly #beats = new Map<string, Beat>();
  readonly #due = new Heap<Beat>((a, b) => a.dueMs < b.dueMs);

  get size(): number {
    return this.#beats.size;
  }

  /** The node was heard of. Unknown nodes become known. @returns true when it had been silent. O(1) while it beats. */
  heard(name: string, nowMs: number, graceMs: number): boolean {
    const beat = this.#beats.get(name);
    // A turn that would come too late is not waited for: the grace time has become shorter.
    if (beat === undefined || graceMs < beat.graceMs) {
      this.forget(name);
      this.#add({ name, heardMs: nowMs, isSilent: false, isKnown: true, dueMs: nowMs + graceMs, graceMs });
      return beat?.isSilent ?? false;
    }
    beat.heardMs = nowMs;
    beat.graceMs = graceMs;
    if (!beat.isSilent) return false;
    beat.isSilent = false;
    beat.dueMs = nowMs + graceMs;
    this.#due.push(beat);
    return true;
  }

  #add(beat: Beat): void {
    this.#beats.set(beat.name, beat);
    this.#due.push(beat);
  }

  /** True for nodes that were not heard of for longer than their grace time, as of the last `expire`. */
  isSilent(name: string): boolean {
    return this.#beats.get(name)?.isSilent ?? false;
  }

  has(name: string): boolean {
    return this.#beats.has(name);
  }

  forget(name: string): void {
    const beat = this.#beats.get(name);
    if (beat === undefined) return;
    beat.isKnown = false;
    this.#beats.delete(name);
  }

  /** @returns the nodes that fell silent since the last call. */
  expire(nowMs: number): readonly string[] {
    const silent: string[] = [];
    for (;;) {
      const beat = this.#due.peek();
      if (beat === undefined || beat.dueMs > nowMs) return silent;
      this.#due.pop();
      if (!beat.isKnown) continue;
      beat.dueMs = beat.heardMs + beat.graceMs;
      if (beat.dueMs > nowMs) this.#due.push(beat);
      else {
        beat.isSilent = true;
        silent.push(beat.name);
      }
    }
  }

  /** Counts every node as heard of now, after a time in which the fault may have been on this side. O(nodes). */
  hearAll(nowMs: number): void {
    for (const { name, graceMs } of this.#beats.values()) this.heard(name, nowMs, graceMs);
  }
}

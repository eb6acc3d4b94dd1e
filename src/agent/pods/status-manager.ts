/**
 * Tells the server what becomes of pods, and removes the objects of those that have ended. One for all pods of a process.
 * Not here: what a status says (pod-status.ts), when there is something to tell (the tables).
 *
 *   report ─▶ unwritten ─▶ write ─▶ (conflict: read the pod anew, write again) ─▶ (terminated: delete) ─▶ removed
 *
 * At most one call about a pod is under way; what changes meanwhile is joined into the next one. A pod takes room here only while
 * something about it is unwritten or under way.
 */
import { type Pod, type PodStatus, pods } from "../../api/index.ts";
import type { Clock, Limiter, Log } from "../../base/index.ts";
import type { Client } from "../../client/index.ts";
import { isConflict, isNotFound, keyOf } from "../../machinery/index.ts";

/** Pause before a call that failed for another reason than a conflict is tried again. */
const retryMs = 1_000;

export interface StatusSubject {
  /** As last seen. */
  readonly pod: Pod;
  /** While true, nothing is written; `resume` is called when it ends. */
  readonly isSilent: boolean;
  /** True once nothing is to be told any more. */
  readonly isGone: boolean;
  /** True when the object is to be removed. */
  readonly isTerminated: boolean;
  /** Worked out as late as possible: when the write begins. */
  status(): PodStatus;
  /** A newer state of the object, which a call has answered. */
  update(pod: Pod): void;
  /** The object is not there any more. */
  removed(): void;
}

export interface StatusManagerDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly writes: Limiter;
}

export class StatusManager {
  readonly #dependencies: StatusManagerDependencies;
  readonly #unwritten = new Set<StatusSubject>();
  readonly #underWay = new Set<StatusSubject>();

  constructor(dependencies: StatusManagerDependencies) {
    this.#dependencies = dependencies;
  }

  /** The status of the subject has changed. It is written soon, and again until the server has it. */
  report(subject: StatusSubject): void {
    this.#unwritten.add(subject);
    this.settle(subject);
  }

  /** What has not been written need not be. A write that is under way goes on. */
  drop(subject: StatusSubject): void {
    this.#unwritten.delete(subject);
  }

  /** Writes what is unwritten; then, if the subject has terminated, removes its object. */
  settle(subject: StatusSubject): void {
    if (!this.#underWay.has(subject)) void this.#settle(subject);
  }

  /** The subject is not silent any more. */
  resume(subject: StatusSubject): void {
    if (this.#unwritten.has(subject) || subject.isTerminated) this.settle(subject);
  }

  /** Never rejects. */
  async #settle(subject: StatusSubject): Promise<void> {
    if (subject.isSilent) return;
    this.#underWay.add(subject);
    try {
      while (this.#unwritten.has(subject) && !subject.isSilent) {
        this.#unwritten.delete(subject);
        if (!(await this.#write(subject))) return;
      }
      if (subject.isTerminated) await this.#remove(subject);
    } finally {
      this.#underWay.delete(subject);
    }
  }

  /** @returns false when the write is to be tried later or never. */
  async #write(subject: StatusSubject): Promise<boolean> {
    const { client, writes } = this.#dependencies;
    try {
      const written = await writes.run(() =>
        client.update(pods, { ...subject.pod, status: subject.status() }, { subresource: "status" }),
      );
      // A pod that is being deleted may have changed again before its end; the watch tells in order.
      if (subject.pod.metadata.deletionTimestamp === undefined) subject.update(written);
      return true;
    } catch (error) {
      if (isNotFound(error)) subject.removed();
      if (subject.isGone) return false;
      this.#unwritten.add(subject);
      if (!isConflict(error)) return this.#retryLater(subject, error);
    }
    return await this.#readAnew(subject).catch((error: unknown) => this.#retryLater(subject, error));
  }

  #retryLater(subject: StatusSubject, error: unknown): false {
    const { clock, log } = this.#dependencies;
    log.warn("pod status was not written", { pod: keyOf(subject.pod), error: String(error) });
    clock.after(retryMs, () => this.resume(subject));
    return false;
  }

  async #readAnew(subject: StatusSubject): Promise<boolean> {
    const { name, namespace, uid } = subject.pod.metadata;
    const live = await this.#dependencies.client
      .get(pods, { name: name!, namespace: namespace! })
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
    if (live === undefined || live.metadata.uid !== uid) {
      subject.removed();
      return false;
    }
    subject.update(live);
    return true;
  }

  async #remove(subject: StatusSubject): Promise<void> {
    const { client, clock, log, writes } = this.#dependencies;
    const { name, namespace, uid } = subject.pod.metadata;
    try {
      await writes.run(() =>
        client.delete(
          pods,
          { name: name!, namespace: namespace! },
          { gracePeriodSeconds: 0, preconditions: { uid: uid! } },
        ),
      );
      subject.removed();
    } catch (error) {
      // A conflict is about the UID: another pod has the name now.
      if (isNotFound(error) || isConflict(error)) {
        subject.removed();
        return;
      }
      log.warn("pod was not removed", { pod: keyOf(subject.pod), error: String(error) });
      clock.after(retryMs, () => this.resume(subject));
    }
  }
}

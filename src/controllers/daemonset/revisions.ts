/**
 * Keeps the ControllerRevisions of a DaemonSet: claims them, finds or makes the current one, removes duplicates and
 * those beyond the limit (docs/spec/daemonset-controller.md#13).
 * Not here: what a revision holds and which may go (history.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/update.go.
 * Differs: a duplicate's removal relabels only pods that carry a duplicate's hash (#23.6); what was written counts before
 * the cache shows it, or several edits in a row would give one number to two revisions.
 */
import {
  type ControllerRevision,
  controllerrevisions,
  type DaemonSet,
  daemonsets,
  type Pod,
  pods,
} from "../../api/index.ts";
import type { Clock } from "../../base/index.ts";
import type { Client, Informer, Lister } from "../../client/index.ts";
import { controllerOf, formatTime, isAlreadyExists, isNotFound } from "../../machinery/index.ts";
import { addressOf, ClaimPass, decideClaim } from "./claim.ts";
import { isUnanswered, joinErrors, settleAll } from "./errors.ts";
import { hashLabel } from "./facts.ts";
import {
  compareRevisions,
  currentSinceAnnotation,
  currentSinceMs,
  expiredRevisions,
  hashOf,
  type History,
  templateHash,
  templatePatch,
  viewHistory,
} from "./history.ts";
import { orphansOf, ownerIndex } from "./owner-index.ts";
import { ownerReference } from "./template.ts";
import { comparableData } from "./template-meaning.ts";
import type { TrackedDaemonSet } from "./tracked-daemonset.ts";

/** Upstream's default when the field is absent, which the API server does not let happen. */
const historyLimitDefault = 10;

export interface RevisionDependencies {
  readonly client: Client;
  readonly revisions: Informer<ControllerRevision>;
  readonly pods: Lister<Pod>;
  readonly clock: Clock;
}

export class RevisionKeeper {
  readonly #dependencies: RevisionDependencies;
  /** Comparable texts of data; objects of the cache never change. */
  readonly #texts = new WeakMap<object, string>();

  constructor(dependencies: RevisionDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * The history with a current revision that has the right number. Writes at most what is missing.
   * @throws when a claim or a write fails; the AlreadyExists error after a hash collision was counted.
   */
  async construct(daemonSet: DaemonSet, tracked: TrackedDaemonSet, pass: ClaimPass): Promise<History> {
    if (tracked.writes.isRevisionUnanswered) await this.#list(tracked);
    const revisions = await this.#claim(daemonSet, tracked, pass);
    const wanted = this.#text(daemonSet.spec.template, () => templatePatch(daemonSet.spec.template));
    const view = viewHistory(revisions, wanted, (revision) => this.#text(revision, () => revision.data));
    let { current } = view;
    const { generation } = daemonSet.metadata;
    if (current === undefined) {
      // The revision existed and is gone, perhaps with its owner, whose end the cache does not show yet. Without asking the
      // server, the garbage collector and this controller would delete and create it in turns.
      if (tracked.revised?.generation === generation) await pass.ownerLives();
      const number = view.revision;
      current = await this.#written(tracked, () => this.#snapshot(daemonSet, number, wanted));
    } else if (view.duplicates.length > 0) await this.#dedupe(current, view.duplicates, tracked);
    if (current.revision < view.revision) {
      const found = current;
      current = await this.#written(tracked, () => this.#renumber(found, view.revision));
    }
    return {
      current,
      old: view.old,
      hash: hashOf(current),
      currentSinceMs: currentSinceMs(current),
      knownHashes: new Set([...view.old, current].map(hashOf)),
    };
  }

  /** Deletes old revisions beyond the limit whose pods are gone. */
  async cleanUp(
    daemonSet: DaemonSet,
    history: History,
    isHashInUse: (hash: string) => boolean,
  ): Promise<void> {
    const limit = daemonSet.spec.revisionHistoryLimit ?? historyLimitDefault;
    for (const revision of expiredRevisions(history.old, limit, isHashInUse)) await this.#remove(revision);
  }

  /** Carries out a write, and remembers what came of it until the cache shows it. */
  async #written(
    tracked: TrackedDaemonSet,
    write: () => Promise<ControllerRevision>,
  ): Promise<ControllerRevision> {
    try {
      const revision = await write();
      tracked.writes.revisionWritten(revision);
      return revision;
    } catch (error) {
      if (isUnanswered(error)) tracked.writes.revisionUnanswered();
      throw error;
    }
  }

  /** Asks the server for the revisions: the cache may not show yet what was written without an answer. */
  async #list(tracked: TrackedDaemonSet): Promise<void> {
    const { items } = await this.#dependencies.client.list(controllerrevisions, {
      namespace: tracked.namespace,
      labelSelector: tracked.claims.selector.toString(),
    });
    tracked.writes.revisionsListed(items.filter((revision) => controllerOf(revision)?.uid === tracked.uid));
  }

  async #claim(
    daemonSet: DaemonSet,
    tracked: TrackedDaemonSet,
    pass: ClaimPass,
  ): Promise<readonly ControllerRevision[]> {
    const kept: ControllerRevision[] = [];
    const errors: unknown[] = [];
    for (const candidate of this.#candidates(tracked)) {
      try {
        const decision = decideClaim(candidate, tracked.uid, tracked.claims.selector);
        if (decision === "keep") kept.push(candidate);
        else if (decision === "release") await pass.release(controllerrevisions, candidate);
        else if (decision === "adopt") {
          const adopted = await pass.adopt(controllerrevisions, candidate);
          if (adopted === undefined) continue;
          tracked.writes.revisionWritten(adopted);
          kept.push(adopted);
        }
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw joinErrors(errors);
    return (await Promise.all(kept.map((revision) => this.#labelled(revision)))).sort(compareRevisions);
  }

  /** What the cache shows, with our own writes that it does not show yet. */
  #candidates(tracked: TrackedDaemonSet): readonly ControllerRevision[] {
    const { lister, lastResourceVersion } = this.#dependencies.revisions;
    const unseen = tracked.writes.unseenRevisions(lastResourceVersion);
    const cached = [
      ...lister.byIndex(ownerIndex, tracked.uid),
      ...lister.byIndex(ownerIndex, orphansOf(tracked.namespace)),
    ].filter(({ metadata }) => (metadata.namespace ?? "") === tracked.namespace);
    if (unseen.size === 0) return cached;
    return [...cached.filter(({ metadata }) => !unseen.has(metadata.name ?? "")), ...unseen.values()];
  }

  /** A revision without hash label gets its own name as hash. */
  async #labelled(revision: ControllerRevision): Promise<ControllerRevision> {
    if (hashOf(revision) !== "") return revision;
    const labels = { [hashLabel]: revision.metadata.name ?? "" };
    return this.#patch(revision, { labels });
  }

  async #snapshot(daemonSet: DaemonSet, revision: number, wanted: string): Promise<ControllerRevision> {
    const { client } = this.#dependencies;
    const made = newRevision(daemonSet, revision);
    try {
      return await client.create(controllerrevisions, made);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const existing = await client.get(controllerrevisions, addressOf(made));
      if (this.#text(existing, () => existing.data) === wanted) return existing;
      await this.#countCollision(daemonSet);
      throw error;
    }
  }

  /** Two templates with one hash: the count goes into the next hash. The retry of the sync makes it. */
  async #countCollision(daemonSet: DaemonSet): Promise<void> {
    const { client } = this.#dependencies;
    const live = await client.get(daemonsets, addressOf(daemonSet));
    const count = live.status?.collisionCount;
    if (count !== daemonSet.status?.collisionCount) {
      throw new Error("found a stale collision count of the daemon set; will retry until it is updated");
    }
    const counters = {
      currentNumberScheduled: 0,
      desiredNumberScheduled: 0,
      numberMisscheduled: 0,
      numberReady: 0,
    };
    const status = { ...counters, ...live.status, collisionCount: (count ?? 0) + 1 };
    await client.update(daemonsets, { ...live, status }, { subresource: "status" });
  }

  async #dedupe(
    kept: ControllerRevision,
    duplicates: readonly ControllerRevision[],
    tracked: TrackedDaemonSet,
  ): Promise<void> {
    const hash = hashOf(kept);
    const stale = new Set(duplicates.map(hashOf));
    stale.delete(hash);
    const body = { metadata: { labels: { [hashLabel]: hash } } };
    const relabelled = this.#dependencies.pods
      .byIndex(ownerIndex, tracked.uid)
      .filter(
        (pod) =>
          stale.has(pod.metadata.labels?.[hashLabel] ?? "") &&
          tracked.claims.selector.matches(pod.metadata.labels),
      )
      .map((pod) => this.#dependencies.client.patch(pods, addressOf(pod), { type: "merge", body }));
    await settleAll(relabelled);
    for (const duplicate of duplicates) await this.#remove(duplicate);
  }

  /** An old revision is current again: from now on, as the age of the roll-out is reckoned. */
  #renumber(revision: ControllerRevision, number: number): Promise<ControllerRevision> {
    const annotations = { [currentSinceAnnotation]: formatTime(this.#dependencies.clock.nowMs()) };
    return this.#patch(revision, { annotations }, number);
  }

  /** Changes what is named and leaves `data` alone: over HTTPS it was parsed, and printing it might not give the same bytes. */
  #patch(
    revision: ControllerRevision,
    metadata: Pick<ControllerRevision["metadata"], "annotations" | "labels">,
    number?: number,
  ): Promise<ControllerRevision> {
    const { uid, resourceVersion } = revision.metadata;
    const body = {
      metadata: { uid, resourceVersion, ...metadata },
      ...(number === undefined ? {} : { revision: number }),
    };
    return this.#dependencies.client.patch(controllerrevisions, addressOf(revision), { type: "merge", body });
  }

  async #remove(revision: ControllerRevision): Promise<void> {
    const { uid } = revision.metadata;
    try {
      const options = uid === undefined ? {} : { preconditions: { uid } };
      await this.#dependencies.client.delete(controllerrevisions, addressOf(revision), options);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #text(of: object, data: () => unknown): string {
    const known = this.#texts.get(of);
    if (known !== undefined) return known;
    const text = comparableData(data());
    this.#texts.set(of, text);
    return text;
  }
}

/** The revision that stands for the DaemonSet's template now. */
export function newRevision(daemonSet: DaemonSet, revision: number): ControllerRevision {
  const { metadata, spec } = daemonSet;
  const hash = templateHash(spec.template, daemonSet.status?.collisionCount);
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${metadata.name ?? ""}-${hash}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: { ...spec.template.metadata?.labels, [hashLabel]: hash },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [ownerReference(daemonSet)],
    },
    data: templatePatch(spec.template),
    revision,
  };
}

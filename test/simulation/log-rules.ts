/**
 * Invariants that can be seen in the store's log alone: I1, I7, I9, I12, I13, and zero writes at the end (I6).
 * Not here: what a process may do, given what it was shown (process-rules.ts).
 * Invariants by number: docs/spec/invariants.md.
 */
import type { ControllerRevision, DaemonSet, Pod } from "../../src/api/index.ts";
import type { KubeObject } from "../../src/machinery/index.ts";
import type { Entry, RevisionLog } from "./log.ts";
import {
  fits,
  hashLabel,
  isFinished,
  isLive,
  mayHavePairs,
  newestRevision,
  nodeOf,
  ownerUid,
  podsOn,
  templateOf,
  templateText,
} from "./model.ts";
import { daemonSetOf } from "./state.ts";

const collector = "system:serviceaccount:kube-system:generic-garbage-collector";
/** Writes of these are the heartbeat of the cluster and go on for ever. */
const heartbeats: ReadonlySet<string> = new Set(["nodes"]);

export interface LogRulesOptions {
  /** Whether a surge was allowed when the controller sent this create. */
  readonly wasSurge: (uid: string, node: string) => boolean;
  /** Filled here: UIDs of pods that had ended and run again, because their node saw too late that a user ended them. */
  readonly risen: Set<string>;
}

export class LogRules {
  readonly #log: () => RevisionLog;
  readonly #options: LogRulesOptions;
  /** By UID: objects whose owner (the value) was deleted with the orphan policy, while they were there. */
  readonly #orphaned = new Map<string, string>();
  /** By revision: owners that went before their dependents. */
  readonly #early = new Map<number, string>();
  /** From now on nobody may write. */
  isFrozen = false;
  writes = 0;

  constructor(log: () => RevisionLog, options: LogRulesOptions) {
    this.#log = log;
    this.#options = options;
  }

  entry(entry: Entry): void {
    switch (entry.resource) {
      case "pods":
        this.#pod(entry);
        break;
      case "daemonsets":
        this.#daemonSet(entry);
        break;
      case "controllerrevisions":
        this.#revision(entry);
        break;
    }
    this.#foreground(entry);
  }

  authored(entry: Entry): void {
    if (entry.author === collector) this.#collected(entry);
    const early = this.#early.get(entry.revision);
    // A second deletion with another policy does not wait.
    if (early !== undefined && entry.author === collector) this.#report("I13", early);
    this.#orphans(entry);
    this.writes++;
    if (this.isFrozen && !heartbeats.has(entry.resource) && !isForeign(entry))
      this.#report(
        "I6",
        `written after everything had settled: ${entry.key} by ${entry.author ?? "somebody"}`,
      );
  }

  #report(invariant: string, message: string): void {
    this.#log().report(invariant, message);
  }

  #pod({ type, object, before }: Entry): void {
    const pod = object as Pod;
    const uid = ownerUid(pod);
    const node = nodeOf(pod);
    if (before !== undefined && isFinished(before as Pod) && !isFinished(pod))
      this.#options.risen.add(pod.metadata.uid!);
    if (type !== "put" || before !== undefined || uid === undefined || node === undefined) return;
    const { state } = this.#log();
    const daemonSet = daemonSetOf(state, uid);
    const beside = podsOn(state, uid, node).filter(
      (other) =>
        other.metadata.uid !== pod.metadata.uid &&
        isLive(other) &&
        fits(daemonSet, other) &&
        !this.#options.risen.has(other.metadata.uid!),
    );
    if (beside.length === 0) return;
    const pairs = this.#options.wasSurge(uid, node) || (daemonSet !== undefined && mayHavePairs(daemonSet));
    const hash = pod.metadata.labels?.[hashLabel];
    const twins = beside.filter((other) => other.metadata.labels?.[hashLabel] === hash);
    if (!pairs || beside.length > 1 || twins.length > 0) {
      const names = beside.map((other) => other.metadata.name).join(", ");
      this.#report("I1", `${pod.metadata.name} was created on ${node} beside ${names}`);
    }
  }

  #daemonSet({ type, object, before }: Entry): void {
    if (type !== "put") return;
    const after = object as DaemonSet;
    const observed = after.status?.observedGeneration ?? 0;
    if (observed > (after.metadata.generation ?? 0))
      this.#report("I7", `observedGeneration ${observed} exceeds generation ${after.metadata.generation}`);
    if (before === undefined || before.metadata.uid !== after.metadata.uid) return;
    const was = (before as DaemonSet).status?.observedGeneration ?? 0;
    if (observed < was) this.#report("I7", `observedGeneration went from ${was} to ${observed}`);
    if (observed > was && observed === after.metadata.generation) this.#isRecorded(after);
  }

  /** I10: a generation counts as observed only when the newest revision holds its template. */
  #isRecorded(daemonSet: DaemonSet): void {
    const newest = newestRevision(this.#log().state, daemonSet);
    if (templateText(templateOf(newest?.data)) !== templateText(daemonSet.spec.template))
      this.#report(
        "I10",
        `generation ${daemonSet.metadata.generation} of ${daemonSet.metadata.name} is observed, and its template is not that of ${newest?.metadata.name ?? "any revision"}`,
      );
  }

  #revision({ type, object, before }: Entry): void {
    const revision = object as ControllerRevision;
    const uid = ownerUid(revision);
    const { state } = this.#log();
    const daemonSet = uid === undefined ? undefined : daemonSetOf(state, uid);
    if (uid === undefined || daemonSet === undefined) return;
    const siblings = [...state.controllerrevisions.values()].filter(
      (other) => ownerUid(other) === uid && other.metadata.uid !== revision.metadata.uid,
    );
    if (type === "delete") return;
    const isNew = before === undefined;
    const isMoved = isNew || (before as ControllerRevision).revision !== revision.revision;
    const highest = Math.max(0, ...siblings.map((other) => other.revision));
    if (isMoved && revision.revision <= highest)
      this.#report(
        "I9",
        `revision ${revision.metadata.name} got number ${revision.revision}, not above ${highest}`,
      );
    if (!isNew) return;
    const text = templateText(templateOf(revision.data));
    const twin = siblings.find((other) => templateText(templateOf(other.data)) === text);
    if (twin !== undefined)
      this.#report("I9", `revision ${revision.metadata.name} has the template of ${twin.metadata.name}`);
  }

  /** I13: with foreground deletion the owner goes last. */
  #foreground({ type, object, revision }: Entry): void {
    if (type !== "delete" || !hasFinalizer(object, "foregroundDeletion")) return;
    for (const other of this.#log().byUid.values()) {
      const blocks = other.metadata.ownerReferences?.some(
        (reference) => reference.uid === object.metadata.uid && reference.blockOwnerDeletion === true,
      );
      if (blocks === true && !hasSeenItsOwnerGo(other))
        this.#early.set(revision, `${nameOf(object)} is gone before ${nameOf(other)}, which blocks it`);
    }
  }

  /** I12: the collector removes only what has lost every owner, or what blocks an owner in foreground deletion. */
  #collected({ object, before, type }: Entry): void {
    const isDeletion = type === "delete" || isMarked(object, before);
    if (!isDeletion || before === undefined || before.metadata.deletionTimestamp !== undefined) return;
    const owners = before.metadata.ownerReferences ?? [];
    const alive = owners
      .map(({ uid }) => this.#log().byUid.get(uid))
      .filter((owner) => owner !== undefined && !hasFinalizer(owner, "foregroundDeletion"));
    if (owners.length === 0 || alive.length > 0)
      this.#report("I12", `${nameOf(object)} was collected while its owner ${nameOf(alive[0])} is there`);
    const former = this.#orphaned.get(object.metadata.uid!);
    if (owners.some(({ uid }) => uid === former))
      this.#report(
        "I12",
        `${nameOf(object)} was collected although its owner was deleted with the orphan policy`,
      );
  }

  #orphans({ object, before, author, type }: Entry): void {
    const isLet = before !== undefined && hasFinalizer(before, "orphan");
    // Somebody has deleted it again with another policy, which is what counts then.
    if (isLet && author !== collector && (type === "delete" || !hasFinalizer(object, "orphan")))
      for (const other of this.#log().byUid.values())
        if (isOwnedBy(other, object)) this.#orphaned.delete(other.metadata.uid!);
    if (!hasFinalizer(object, "orphan") || (before !== undefined && hasFinalizer(before, "orphan"))) return;
    for (const other of this.#log().byUid.values())
      if (isOwnedBy(other, object)) this.#orphaned.set(other.metadata.uid!, object.metadata.uid!);
  }
}

/** A pod without owner (released, say) may crash and pull for ever. */
function isForeign({ resource, object }: Entry): boolean {
  return resource === "pods" && ownerUid(object) === undefined;
}

/** A dependent created after the collector looked is collected later; it never blocked. */
function hasSeenItsOwnerGo(dependent: KubeObject): boolean {
  return dependent.metadata.deletionTimestamp !== undefined && dependent.metadata.finalizers === undefined;
}

function isOwnedBy(dependent: KubeObject, owner: KubeObject): boolean {
  return dependent.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false;
}

function isMarked(object: KubeObject, before: KubeObject | undefined): boolean {
  return object.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined;
}

function hasFinalizer(object: KubeObject | undefined, finalizer: string): boolean {
  return object?.metadata.finalizers?.includes(finalizer) ?? false;
}

function nameOf(object: KubeObject | undefined): string {
  return `${object?.kind ?? ""} ${object?.metadata.namespace ?? ""}/${object?.metadata.name ?? ""}`;
}

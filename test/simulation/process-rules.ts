/**
 * What one process of the DaemonSet controller may send, given what it has been shown and what the truth is:
 * I1 (waits for terminating pods), I2, I3, I4, I5, I8, I10, I11. Checked when a call leaves the process.
 * A decision is right if it was right in the state shown, or in the true one; never if in neither.
 * Invariants by number: docs/spec/invariants.md.
 */
import type { DaemonSet, Pod } from "../../src/api/index.ts";
import {
  keyOf,
  type KubeList,
  type KubeObject,
  type RequestInfo,
  requestInfoOf,
  selectorFromLabelSelector,
} from "../../src/machinery/index.ts";
import type { Explained, TransportObserver } from "../../src/testing/faulty-transport.ts";
import { verdictTroubles } from "../../src/testing/verdict-rules.ts";
import type { DeleteOptions, TransportCall, TransportReply, WatchEvent } from "../../src/client/index.ts";
import { eligibility } from "./eligibility.ts";
import type { RevisionLog } from "./log.ts";
import {
  countedNodes,
  deleteReasons,
  desiredNodes,
  fits,
  hashLabel,
  isAvailable,
  isFinished,
  isLive,
  isOfUnknownRevision,
  isReady,
  isRolling,
  isTerminating,
  isUpToDate,
  limits,
  mayHavePairs,
  nodeOf,
  ownerUid,
  passedOver,
  podsOf,
  podsOn,
} from "./model.ts";
import { type ClusterState, daemonSetOf, FoldedState, type KindName, kinds } from "./state.ts";

export interface ProcessRulesOptions {
  readonly log: () => RevisionLog;
  readonly nowMs: () => number;
  /** Names of all nodes that there can be. */
  readonly nodes: readonly string[];
  /** Something stands between the planners and what is sent: then verdicts do not tell what is sent. */
  readonly isPlanTampered: boolean;
  /** Longest time from a decision to its last call, in ms. */
  readonly syncMs: number;
  readonly shared: SharedFacts;
  /** Most creates of one step. */
  readonly burst: number;
}

/** What all processes of the controller have done. Only the checker knows this. */
export class SharedFacts {
  /** UIDs of pods for which a delete is under way. */
  readonly deleting: Set<string> = new Set();
  /** UIDs of pods that a process of the controller has deleted. */
  readonly deleted: Set<string> = new Set();
  /** `uid/node` of creates under way, and whether pairs were allowed. */
  readonly creating: Map<string, number> = new Map();
  readonly surges: Set<string> = new Set();
  /** UIDs of pods that had ended and run again: about these no controller can be right in time. */
  readonly risen: Set<string> = new Set();
}

/** A state, and when the process looked at it. */
interface Picture extends ClusterState {
  readonly atMs: number;
}

/** Events that may come between a decision and its first call: one of each cache. */
const eventsOnTheWay = 3;

export class ProcessRules implements TransportObserver {
  readonly #options: ProcessRulesOptions;
  readonly #shown = new FoldedState();
  /** The picture at the beginning of the present step of a DaemonSet, by UID. */
  readonly #decided = new Map<string, { readonly state: Picture; lastMs: number }>();
  /** The pictures at the last decision about pods, by UID of the DaemonSet. */
  readonly #decisions = new Map<string, readonly Picture[]>();
  /** What own patches have been answered with, until the watch shows it: by kind and key. */
  readonly #answered = new Map<string, { readonly kind: KindName; readonly object: KubeObject }>();
  /** What the verdicts of the last decision have named, by UID of the DaemonSet. */
  readonly #promised = new Map<string, ReadonlySet<string>>();
  readonly #underWay = new Map<TransportCall, { readonly uid: string; done(): void }>();
  readonly #deletionSeenMs = new Map<string, number>();
  /** The pictures before the last events, if they came in this instant: a decision may be on its way when they come. */
  #before: { readonly atMs: number; readonly states: Picture[] } = { atMs: -1, states: [] };

  constructor(options: ProcessRulesOptions) {
    this.#options = options;
  }

  listed(call: TransportCall, list: KubeList<KubeObject>): void {
    const { resource, parts } = requestInfoOf(call);
    if (parts.length > 1 || !isKind(resource)) return;
    this.#keepPicture();
    const version = list.metadata.resourceVersion ?? "0";
    this.#shown.replace(resource, list.items, version);
    for (const [id, { kind, object }] of this.#answered)
      if (kind === resource && versionOf(object) <= Number(version)) this.#answered.delete(id);
    if (resource === "daemonsets") list.items.forEach((item) => this.#deletionSeen(item));
  }

  delivered(call: TransportCall, { type, object }: WatchEvent): void {
    const { resource } = requestInfoOf(call);
    if (!isKind(resource) || type === "BOOKMARK" || type === "ERROR") return;
    this.#keepPicture();
    this.#shown.change(resource, type === "DELETED" ? "delete" : "put", object);
    const id = `${resource} ${keyOf(object)}`;
    const answered = this.#answered.get(id);
    if (answered !== undefined && versionOf(answered.object) <= versionOf(object)) this.#answered.delete(id);
    if (resource === "daemonsets") this.#deletionSeen(object);
  }

  #keepPicture(): void {
    const atMs = this.#options.nowMs();
    if (this.#before.atMs !== atMs) this.#before = { atMs, states: [] };
    this.#before.states.push({ ...this.#shown.copy(), atMs });
    if (this.#before.states.length > eventsOnTheWay) this.#before.states.shift();
  }

  /** A defect of a rule must not look like a failed call to the process. */
  sending(call: TransportCall): void {
    try {
      this.#sending(call);
    } catch (error) {
      this.#report("defect", `a rule failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  #sending(call: TransportCall): void {
    const target = requestInfoOf(call);
    if (call.method === "GET") {
      this.#look(call, target);
      return;
    }
    if (target.resource === "leases" || target.resource === "events") return;
    if (target.resource === "pods" && call.method === "POST") this.#create(call, call.body as Pod);
    else if (target.resource === "pods" && call.method === "DELETE") this.#delete(call, target);
    else if (call.method === "PATCH") this.#patch(call, target);
    else if (target.resource === "daemonsets")
      this.#leavesDeletedAlone((call.body as DaemonSet).metadata.uid!);
    else if (target.resource === "controllerrevisions" && call.method === "DELETE")
      this.#removeRevision(`${target.namespace}/${target.name}`);
    else if (target.resource === "controllerrevisions") this.#revise(call);
  }

  /** I9: the revision of a live pod stays, unless another one carries the same hash. */
  #removeRevision(key: string): void {
    const { state } = this.#options.log();
    const revision = state.controllerrevisions.get(key);
    const uid = revision === undefined ? undefined : ownerUid(revision);
    if (revision === undefined || uid === undefined) return;
    this.#leavesDeletedAlone(uid);
    const hash = revision.metadata.labels?.[hashLabel];
    const hasTwin = [...state.controllerrevisions.values()].some(
      (other) => other !== revision && ownerUid(other) === uid && other.metadata.labels?.[hashLabel] === hash,
    );
    const user = podsOf(state, uid).find(
      (pod) => !isTerminating(pod) && pod.metadata.labels?.[hashLabel] === hash,
    );
    if (user !== undefined && !hasTwin)
      this.#report("I9", `revision ${key} was removed while ${user.metadata.name} uses it`);
  }

  /** A live look, before an adoption or after a lost answer, belongs to the step. */
  #look(call: TransportCall, { resource, namespace, name, parts }: RequestInfo): void {
    if (parts.length === 1 || !isKind(resource)) return;
    // Pods and revisions bear the name of their DaemonSet in front of theirs.
    const of = resource === "daemonsets" ? name : name.slice(0, name.lastIndexOf("-"));
    const uid = this.#shown.daemonsets.get(`${namespace}/${of}`)?.metadata.uid;
    if (uid === undefined) return;
    this.#pictures(uid);
    this.#underWay.set(call, { uid, done: () => {} });
  }

  /** The history comes first in a sync: what it was begun with may be decided upon afterwards. */
  #revise(call: TransportCall): void {
    const uid = ownerUid(call.body as KubeObject);
    if (uid === undefined) return;
    this.#leavesDeletedAlone(uid);
    this.#pictures(uid);
    this.#underWay.set(call, { uid, done: () => {} });
  }

  deciding(uid: string, explained: Explained): void {
    this.#decisions.set(uid, this.#seen());
    this.#explain(uid, explained);
  }

  /** Reasons and actions of each verdict must fit together, and only what verdicts name may be sent afterwards. */
  #explain(uid: string, explained: Explained): void {
    const daemonSet = daemonSetOf(this.#shown, uid);
    if (daemonSet === undefined || this.#options.isPlanTampered) return;
    const promised = new Set<string>();
    for (const node of this.#options.nodes) {
      const verdict = explained(keyOf(daemonSet), node);
      if (verdict === undefined) continue;
      for (const text of verdictTroubles(verdict)) this.#report("explained", text);
      for (const action of verdict.actions) promised.add(action.do === "create" ? action.node : action.uid);
    }
    this.#promised.set(uid, promised);
  }

  /** @param what the node of a create, the UID of a deleted pod. */
  #isPromised(uid: string, what: string): boolean {
    return this.#promised.get(uid)?.has(what) ?? true;
  }

  /** What the process may go by in this instant: what it was shown, before and after events that are just arriving. */
  #seen(): Picture[] {
    const atMs = this.#options.nowMs();
    const seen = [{ ...this.#shown.copy(), atMs }];
    if (this.#before.atMs === atMs) seen.push(...this.#before.states);
    if (this.#answered.size > 0) seen.push({ ...this.#shown.copyWith([...this.#answered.values()]), atMs });
    return seen;
  }

  done(call: TransportCall, reply?: TransportReply): void {
    const object = reply?.object as KubeObject | undefined;
    const { resource } = requestInfoOf(call);
    if (call.method === "PATCH" && reply?.status === 200 && object !== undefined && isKind(resource))
      if (this.#shown.versionOf(resource) < versionOf(object))
        this.#answered.set(`${resource} ${keyOf(object)}`, { kind: resource, object });
    const mine = this.#underWay.get(call);
    if (mine === undefined) return;
    this.#underWay.delete(call);
    mine.done();
    const decided = this.#decided.get(mine.uid);
    if (decided !== undefined) decided.lastMs = this.#options.nowMs();
  }

  died(): void {
    for (const { done } of this.#underWay.values()) done();
    this.#underWay.clear();
  }

  #report(invariant: string, message: string): void {
    this.#options.log().report(invariant, message);
  }

  #deletionSeen({ metadata }: KubeObject): void {
    if (metadata.deletionTimestamp === undefined || this.#deletionSeenMs.has(metadata.uid!)) return;
    this.#deletionSeenMs.set(metadata.uid!, this.#options.nowMs());
  }

  /** I8: nothing is done for a DaemonSet that is known to be on its way out, but for what had begun. */
  #leavesDeletedAlone(uid: string): void {
    const since = this.#deletionSeenMs.get(uid);
    if (since !== undefined && this.#options.nowMs() - since > this.#options.syncMs)
      this.#report("I8", `a DaemonSet that is being deleted was worked on (${uid})`);
  }

  /** The states in which a decision for this DaemonSet may have been taken. */
  #pictures(uid: string): Picture[] {
    const atMs = this.#options.nowMs();
    const [shown, ...beside] = this.#seen() as [Picture, ...Picture[]];
    let decided = this.#decided.get(uid);
    const isSameStep =
      decided !== undefined &&
      (decided.lastMs === atMs || [...this.#underWay.values()].some((call) => call.uid === uid));
    if (decided === undefined || !isSameStep) {
      decided = { state: shown, lastMs: atMs };
      this.#decided.set(uid, decided);
    }
    const truth = { ...this.#options.log().state.copy(), atMs };
    return [decided.state, shown, truth, ...beside, ...(this.#decisions.get(uid) ?? [])];
  }

  #create(call: TransportCall, pod: Pod): void {
    const uid = ownerUid(pod);
    const node = nodeOf(pod);
    if (uid === undefined || node === undefined) return;
    this.#leavesDeletedAlone(uid);
    if (!this.#isPromised(uid, node))
      this.#report("explained", `a pod is created for ${node}, and no verdict says so`);
    const together = [...this.#underWay].filter(
      ([other, mine]) => other.method === "POST" && mine.uid === uid,
    );
    if (together.length >= this.#options.burst)
      this.#report("burst", `${together.length + 1} pods are created at once, ${this.#options.burst} may be`);
    const pictures = this.#pictures(uid);
    const { shared } = this.#options;
    const id = `${uid}/${node}`;
    const sets = pictures.map((state) => daemonSetOf(state, uid));
    const isWanted = pictures.some((state) =>
      sets.some((daemonSet) => {
        const at = state.nodes.get(node);
        return daemonSet !== undefined && at !== undefined && eligibility(daemonSet, at).shouldRun;
      }),
    );
    if (!isWanted) this.#report("I4", `a pod was created for ${node}, where none should run`);
    const pairs = sets.some((daemonSet) => daemonSet !== undefined && mayHavePairs(daemonSet));
    if (pairs) shared.surges.add(id);
    else shared.surges.delete(id);
    const isFree = pictures.some(
      (state) =>
        !podsOn(state, uid, node).some(
          (other) => !hasDeparted(other) && fits(daemonSetOf(state, uid), other),
        ),
    );
    if (!isFree && !pairs)
      this.#report("I1", `a pod was created for ${node} while the one before it was still there`);
    if (!isFree) this.#surge(uid, node, pictures);
    shared.creating.set(id, (shared.creating.get(id) ?? 0) + 1);
    this.#underWay.set(call, {
      uid,
      done: () => {
        const left = (shared.creating.get(id) ?? 1) - 1;
        if (left === 0) shared.creating.delete(id);
        else shared.creating.set(id, left);
      },
    });
  }

  /** I3: pairs whose new pod is not available yet, on nodes that were served by an available old one. */
  #surge(uid: string, node: string, pictures: readonly Picture[]): void {
    const truth = this.#options.log().state;
    const isLegal = pictures.some((state) =>
      pictures.some((source) => {
        const nowMs = state.atMs;
        const daemonSet = daemonSetOf(source, uid);
        if (daemonSet === undefined) return false;
        const here = podsOn(state, uid, node).filter(isLive);
        const served = here.some((pod) => isAvailable(pod, daemonSet, nowMs));
        if (!served) return true;
        const { surge } = limits(daemonSet, desiredNodes(source, daemonSet).length);
        const surging = new Set<string>();
        for (const pod of podsOf(truth, uid).filter(isLive)) {
          const on = nodeOf(pod);
          // On a node that is gone nothing runs: what stands there is the pod garbage collector's.
          if (on === undefined || on === node || !state.nodes.has(on)) continue;
          if (isOld(state, truth, daemonSet, pod)) continue;
          const shown = state.pods.get(`${pod.metadata.namespace}/${pod.metadata.name}`) ?? pod;
          // A neighbour for an old pod that serves nobody is not counted.
          const hasOld = podsOn(truth, uid, on)
            .filter((other) => isLive(other) && isOld(state, truth, daemonSet, other))
            .map((other) => state.pods.get(`${other.metadata.namespace}/${other.metadata.name}`) ?? other)
            .some((other) => isAvailable(other, daemonSet, nowMs));
          if (hasOld && !isAvailable(shown, daemonSet, nowMs) && !isAvailable(pod, daemonSet, nowMs))
            surging.add(on);
        }
        const prefix = `${uid}/`;
        for (const id of this.#options.shared.creating.keys()) {
          if (!id.startsWith(prefix)) continue;
          const on = id.slice(prefix.length);
          const old = podsOn(state, uid, on).filter(
            (pod) => isLive(pod) && isAvailable(pod, daemonSet, nowMs),
          );
          if (old.length > 0) surging.add(on);
        }
        return surging.size < surge;
      }),
    );
    if (!isLegal) this.#report("I3", `a pod was added beside the one on ${node} beyond maxSurge`);
  }

  #delete(call: TransportCall, target: RequestInfo): void {
    const key = `${target.namespace}/${target.name}`;
    const { shared } = this.#options;
    const shown = this.#shown.pods.get(key);
    const truth = this.#options.log().state.pods.get(key);
    // The controller knows of an adoption before its cache does, and not yet of a release when it decides.
    const decided = [...this.#decisions.values()].flat().map((state) => state.pods.get(key));
    const answered = this.#answered.get(`pods ${key}`)?.object as Pod | undefined;
    // Another pod may have the name by now; then the server refuses the call.
    const { preconditions } = (call.body ?? {}) as DeleteOptions;
    const meant = preconditions?.uid;
    const known = [shown, truth, answered, ...decided].flatMap((one) =>
      one !== undefined && (meant === undefined || one.metadata.uid === meant) ? [one] : [],
    );
    const pod = known[0];
    if (pod === undefined) {
      if (meant !== undefined) this.#report("I5", `${key} was deleted by a UID that no pod has had`);
      return;
    }
    const uid = known.map(ownerUid).find(Boolean) ?? "";
    const podUid = pod.metadata.uid!;
    this.#leavesDeletedAlone(uid);
    const pictures = this.#pictures(uid);
    if (!this.#isPromised(uid, podUid))
      this.#report("explained", `${key} is deleted, and no verdict says so`);
    this.#checkDelete(uid, { pod, onlyAs: preconditions?.resourceVersion }, pictures);
    shared.deleting.add(podUid);
    shared.deleted.add(podUid);
    this.#underWay.set(call, {
      uid,
      done: () => {
        shared.deleting.delete(podUid);
        const now = this.#options.log().state.pods.get(key);
        if (now?.metadata.uid === podUid && !isTerminating(now)) shared.deleted.delete(podUid);
      },
    });
  }

  /** @param subject `onlyAs` is the version to which the delete is tied. */
  #checkDelete(
    uid: string,
    { pod, onlyAs }: { readonly pod: Pod; readonly onlyAs: string | undefined },
    pictures: readonly Picture[],
  ): void {
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const reasons = new Set<string>();
    let isOnDelete = true;
    for (const state of pictures) {
      for (const source of pictures) {
        const daemonSet = daemonSetOf(source, uid);
        const named = state.pods.get(key);
        const seen = named !== undefined && named.metadata.uid === pod.metadata.uid ? named : pod;
        if (daemonSet === undefined || ownerUid(seen) !== uid) continue;
        if (isRolling(daemonSet)) isOnDelete = false;
        const view = { ...state, controllerrevisions: this.#revisions(state) };
        for (const reason of deleteReasons(view, daemonSet, { pod: seen, nowMs: state.atMs }))
          if (reason !== "waiting" || seen.metadata.resourceVersion === onlyAs) reasons.add(reason);
      }
    }
    if (this.#options.shared.risen.has(pod.metadata.uid!)) return;
    const firm = [...reasons].filter((reason) => reason !== "outdated");
    if (firm.length > 0) return;
    if (reasons.size === 0) {
      const name = isOnDelete ? "I8" : "I5";
      this.#report(
        name,
        `${pod.metadata.name} on ${nodeOf(pod)} was deleted without a reason: ${this.#served(uid, pictures)}`,
      );
      return;
    }
    if (!pictures.some((state) => this.#isWithinBudget(uid, pod, state)))
      this.#report(
        "I2",
        `${pod.metadata.name} on ${nodeOf(pod)} was deleted beyond maxUnavailable: ${this.#served(uid, pictures)}`,
      );
  }

  /** For people: what the pictures show of the DaemonSet's pods. */
  #served(uid: string, pictures: readonly Picture[]): string {
    const texts = pictures.map((state) =>
      podsOf(state, uid)
        .map((pod) => `${nodeOf(pod)}${isTerminating(pod) ? "-" : isReady(pod) ? "+" : "?"}`)
        .join(" "),
    );
    const gone = [...this.#options.shared.deleting].length;
    return `decided on [${texts[0]}], shown [${texts[1]}], true [${texts[2]}], ${gone} deletes under way`;
  }

  /** Revisions shown, and those that are there in truth: the controller knows its own before its cache does. */
  #revisions(state: ClusterState): ClusterState["controllerrevisions"] {
    return new Map([...this.#options.log().state.controllerrevisions, ...state.controllerrevisions]);
  }

  /** I2: counts as available what the controller was shown so or is so, but nothing that the controller itself took away. */
  #isWithinBudget(uid: string, pod: Pod, state: Picture): boolean {
    const truth = this.#options.log().state;
    const daemonSet = daemonSetOf(state, uid);
    if (daemonSet === undefined) return false;
    const available = (one: Pod): boolean => isAvailable(one, daemonSet, state.atMs);
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const isServing = [state.pods.get(key), truth.pods.get(key)].every(
      (one) => one !== undefined && one.metadata.uid === pod.metadata.uid && isLive(one) && available(one),
    );
    if (!isServing) return true;
    const desired = desiredNodes(state, daemonSet);
    const here = nodeOf(pod);
    if (here === undefined || !desired.includes(here)) return true;
    const served = new Set<string>();
    for (const source of [state, truth]) {
      for (const other of podsOf(source, uid)) {
        if (other.metadata.uid === pod.metadata.uid || this.#options.shared.deleted.has(other.metadata.uid!))
          continue;
        if (isTerminating(other) || !available(other)) continue;
        served.add(nodeOf(other) ?? "");
      }
    }
    const unserved = countedNodes(state, daemonSet).filter((node) => !served.has(node));
    const others = unserved.filter((node) => node !== here);
    const unavailable = unserved.length - passedOver(state, daemonSet, others);
    return unavailable <= limits(daemonSet, desired.length).unavailable;
  }

  /** I11: adoption and release. */
  #patch(call: TransportCall, target: RequestInfo): void {
    const body = call.body as { metadata?: { ownerReferences?: { uid: string; $patch?: string }[] } };
    const reference = body.metadata?.ownerReferences?.[0];
    if (reference === undefined || !isKind(target.resource)) return;
    const key = `${target.namespace}/${target.name}`;
    const pictures = this.#pictures(reference.uid);
    this.#underWay.set(call, { uid: reference.uid, done: () => {} });
    const objects = pictures.flatMap((state) => state[target.resource as KindName].get(key) ?? []);
    const sets = pictures.flatMap((state) => daemonSetOf(state, reference.uid) ?? []);
    const matches = (object: KubeObject, daemonSet: DaemonSet): boolean =>
      selectorFromLabelSelector(daemonSet.spec.selector).matches(object.metadata.labels ?? {});
    const isRelease = reference.$patch === "delete";
    if (isRelease) {
      if (!objects.some((object) => sets.some((daemonSet) => !matches(object, daemonSet))))
        this.#report("I11", `${key} was released although it matches`);
      return;
    }
    if (!sets.some((daemonSet) => daemonSet.metadata.deletionTimestamp === undefined))
      this.#report("I11", `${key} was adopted by a DaemonSet that is gone or being deleted`);
    const isFree = (object: KubeObject): boolean =>
      !object.metadata.ownerReferences?.some(({ controller }) => controller === true);
    if (!objects.some((object) => isFree(object) && sets.some((daemonSet) => matches(object, daemonSet))))
      this.#report("I11", `${key} was adopted although it is owned or does not match`);
  }
}

function isOld(state: ClusterState, truth: ClusterState, daemonSet: DaemonSet, pod: Pod): boolean {
  if (!isOfUnknownRevision(state, daemonSet, pod)) return !isUpToDate(state, daemonSet, pod);
  return !isUpToDate(truth, daemonSet, pod);
}

function versionOf(object: KubeObject): number {
  return Number(object.metadata.resourceVersion);
}

function hasDeparted(pod: Pod): boolean {
  return isTerminating(pod) && isFinished(pod);
}

function isKind(resource: string): resource is KindName {
  return (kinds as readonly string[]).includes(resource);
}

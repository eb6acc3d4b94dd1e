/**
 * From events of the caches to slots, expectations and queued keys (docs/spec/daemonset-controller.md#2).
 * Not here: what an event means for a slot (tracker.ts, tracked-daemonset.ts), the sync (reconcile.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, addPod … updateNode.
 * Differs: node events change slots at once and enqueue only the DaemonSets for which something changed, so there is no
 * queue of node names; deleted nodes are watched (#23.12); deletions count per UID (#23.2).
 */
import type { ControllerRevision, DaemonSet, Node, Pod } from "../../api/index.ts";
import type { Expectations, InformerHandler } from "../../client/index.ts";
import { controllerOf, type KubeObject } from "../../machinery/index.ts";
import type { TrackedDaemonSet } from "./tracked-daemonset.ts";
import type { Tracker } from "./tracker.ts";

export interface HandlerDependencies {
  readonly tracker: Tracker;
  readonly expectations: Expectations;
  enqueue(key: string): void;
}

export interface Handlers {
  readonly daemonSets: InformerHandler<DaemonSet>;
  readonly pods: InformerHandler<Pod>;
  readonly nodes: InformerHandler<Node>;
  readonly revisions: InformerHandler<ControllerRevision>;
}

export function createHandlers(dependencies: HandlerDependencies): Handlers {
  return {
    daemonSets: daemonSetHandler(dependencies),
    pods: podHandler(dependencies),
    nodes: nodeHandler(dependencies),
    revisions: revisionHandler(dependencies),
  };
}

function daemonSetHandler({
  tracker,
  expectations,
  enqueue,
}: HandlerDependencies): InformerHandler<DaemonSet> {
  const forget = (tracked: TrackedDaemonSet | undefined): void => {
    if (tracked === undefined) return;
    expectations.delete(tracked.uid);
    tracker.drop(tracked.key);
    enqueue(tracked.key);
  };
  const put = (daemonSet: DaemonSet): void => {
    const known = tracker.get(keyOfObject(daemonSet));
    if (known !== undefined && known.uid !== daemonSet.metadata.uid) forget(known);
    enqueue(tracker.put(daemonSet).key);
  };
  return {
    added: put,
    updated: (_before, after) => put(after),
    rewound: () => {
      for (const { writes, key } of tracker.all()) {
        writes.rewound("daemonsets");
        enqueue(key);
      }
    },
    deleted: (daemonSet) => {
      forget(tracker.get(keyOfObject(daemonSet)));
      enqueue(keyOfObject(daemonSet));
    },
  };
}

function podHandler({ tracker, expectations, enqueue }: HandlerDependencies): InformerHandler<Pod> {
  /** The start of a deletion counts as the deletion. */
  const deletionSeen = (pod: Pod): void => {
    const owner = tracker.ownerOf(pod);
    if (owner === undefined) return;
    expectations.deletionObserved(owner.uid, pod.metadata.uid ?? "");
    enqueue(owner.key);
  };
  const enqueueMatching = (pod: Pod): void => {
    for (const tracked of tracker.matching(pod)) enqueue(tracked.key);
  };
  const enqueueAll = (changed: readonly TrackedDaemonSet[]): void => {
    for (const { key } of changed) enqueue(key);
  };
  return {
    added: (pod) => {
      enqueueAll(tracker.putPod(undefined, pod));
      const owner = tracker.ownerOf(pod);
      if (owner !== undefined) expectations.creationObserved(owner.uid, pod.metadata.name ?? "");
      if (isTerminating(pod)) deletionSeen(pod);
      else if (owner !== undefined) enqueue(owner.key);
      else if (controllerOf(pod) === undefined) enqueueMatching(pod);
    },
    updated: (before, after) => {
      enqueueAll(tracker.putPod(before, after));
      if (isTerminating(after)) {
        deletionSeen(after);
        return;
      }
      const isMoved = controllerOf(before)?.uid !== controllerOf(after)?.uid;
      const previous = isMoved ? tracker.ownerOf(before) : undefined;
      if (previous !== undefined) enqueue(previous.key);
      const owner = tracker.ownerOf(after);
      if (owner !== undefined) enqueue(owner.key);
      else if (controllerOf(after) === undefined && (isMoved || !sameLabels(before, after)))
        enqueueMatching(after);
    },
    /** Versions of pods are compared, and pods are awaited, that the server may not know any more. */
    rewound: () => {
      for (const tracked of tracker.all()) {
        expectations.delete(tracked.uid);
        tracked.writes.rewound("pods");
        tracked.invalidate();
        enqueue(tracked.key);
      }
    },
    deleted: (pod) => {
      enqueueAll(tracker.dropPod(pod));
      deletionSeen(pod);
    },
  };
}

function nodeHandler({ tracker, enqueue }: HandlerDependencies): InformerHandler<Node> {
  const enqueueAll = (changed: readonly TrackedDaemonSet[]): void => {
    for (const { key } of changed) enqueue(key);
  };
  return {
    added: (node) => enqueueAll(tracker.putNode(undefined, node)),
    updated: (before, after) => enqueueAll(tracker.putNode(before, after)),
    deleted: (node) => enqueueAll(tracker.dropNode(node)),
  };
}

/** An owned new revision must not wake the controller: the conformance suite expects a duplicate to stay for a while. */
function revisionHandler({ tracker, enqueue }: HandlerDependencies): InformerHandler<ControllerRevision> {
  const enqueueOwner = (revision: ControllerRevision): void => {
    const owner = tracker.ownerOf(revision);
    if (owner !== undefined) enqueue(owner.key);
  };
  const enqueueMatching = (revision: ControllerRevision): void => {
    for (const tracked of tracker.matching(revision)) enqueue(tracked.key);
  };
  return {
    added: (revision) => {
      if (isTerminating(revision)) enqueueOwner(revision);
      else if (controllerOf(revision) === undefined) enqueueMatching(revision);
    },
    updated: (before, after) => {
      const isMoved = controllerOf(before)?.uid !== controllerOf(after)?.uid;
      if (isMoved) enqueueOwner(before);
      if (controllerOf(after) !== undefined) enqueueOwner(after);
      else if (isMoved || !sameLabels(before, after)) enqueueMatching(after);
    },
    rewound: () => {
      for (const { writes, key } of tracker.all()) {
        writes.rewound("controllerrevisions");
        enqueue(key);
      }
    },
    deleted: enqueueOwner,
  };
}

function isTerminating(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

function keyOfObject({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}

function sameLabels(before: KubeObject, after: KubeObject): boolean {
  const a = before.metadata.labels ?? {};
  const b = after.metadata.labels ?? {};
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

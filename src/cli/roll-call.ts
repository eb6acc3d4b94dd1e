/**
 * The table that `lares up` shows while DaemonSets settle: one row for each, one column for each node as long as they fit.
 * Pure: data in, lines out. Not here: when it is drawn (main/up.ts).
 *
 *   NAMESPACE  DAEMONSET      READY  kube-master  kube-worker1  kube-worker2
 *   default    node-exporter  1/2    -            Running       Starting
 */
import { type DaemonSet, isPodReady, type Pod } from "../api/index.ts";

export interface RollCallFacts {
  readonly daemonSets: readonly DaemonSet[];
  readonly nodeNames: readonly string[];
  /** Pods of a DaemonSet, by its uid. */
  podsOf(uid: string): readonly Pod[];
  /** Characters that a line may have. */
  readonly width: number;
}

/** Most nodes that get a column of their own. */
const nodeColumnsMax = 6;

/** One word for what a pod does on its node. */
export function podWord(pod: Pod): string {
  if (pod.metadata.deletionTimestamp !== undefined) return "Terminating";
  const waiting = pod.status?.containerStatuses?.find(({ state }) => state?.waiting?.reason !== undefined)
    ?.state?.waiting?.reason;
  if (waiting !== undefined && waiting !== "ContainerCreating" && waiting !== "PodInitializing")
    return waiting;
  if (isPodReady(pod)) return "Running";
  if (pod.status?.phase === "Running") return "NotReady";
  return pod.status?.phase === "Failed" ? "Failed" : pod.spec?.nodeName ? "Starting" : "Pending";
}

function counts(daemonSet: DaemonSet): string {
  return `${daemonSet.status?.numberReady ?? 0}/${daemonSet.status?.desiredNumberScheduled ?? 0}`;
}

/** True when the controller has observed the last change and every desired pod is updated and available. */
export function isSettled(daemonSet: DaemonSet): boolean {
  const { status, metadata } = daemonSet;
  const desired = status?.desiredNumberScheduled ?? 0;
  return (
    (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (status?.updatedNumberScheduled ?? 0) >= desired &&
    (status?.numberAvailable ?? 0) >= desired
  );
}

function row(daemonSet: DaemonSet, facts: RollCallFacts, hasColumns: boolean): readonly string[] {
  const { metadata } = daemonSet;
  const pods = facts.podsOf(metadata.uid ?? "");
  const first = [metadata.namespace ?? "", metadata.name ?? "", counts(daemonSet)];
  if (hasColumns) {
    return [
      ...first,
      ...facts.nodeNames.map((node) => {
        const here = pods.filter((pod) => pod.spec?.nodeName === node);
        return here.length === 0 ? "-" : here.map(podWord).join("+");
      }),
    ];
  }
  const words = new Map<string, number>();
  for (const pod of pods) words.set(podWord(pod), (words.get(podWord(pod)) ?? 0) + 1);
  return [
    ...first,
    [...words]
      .map(([word, count]) => `${count} ${word}`)
      .sort()
      .join(", ") || "-",
  ];
}

/** Aligned lines, heading first; sorted by namespace and name; cut to the width. */
export function rollCall(facts: RollCallFacts): readonly string[] {
  const hasColumns = facts.nodeNames.length <= nodeColumnsMax;
  const sorted = [...facts.daemonSets].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const heading = ["NAMESPACE", "DAEMONSET", "READY", ...(hasColumns ? facts.nodeNames : ["PODS"])];
  const table = [heading, ...sorted.map((daemonSet) => row(daemonSet, facts, hasColumns))];
  const widths = heading.map((_, column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  return table.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd()
      .slice(0, facts.width),
  );
}

function rank(daemonSet: DaemonSet): string {
  return `${daemonSet.metadata.namespace ?? ""}/${daemonSet.metadata.name ?? ""}`;
}

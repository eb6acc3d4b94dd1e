/**
 * What happens to a pod on a node: which event leads from which state to which, and what is done. Pure, and complete by type.
 * Not here: its containers one by one (container-table.ts), how an effect is done (pod-worker.ts).
 * Upstream: kubernetes v1.35, pkg/kubelet/pod_workers.go (SyncPod, TerminatingPod, TerminatedPod). The page is SPEC.md.
 *
 *   adopting ─▶ syncing ─▶ terminating ─▶ terminated ─▶ gone
 *      │           └─▶ ended ─┘
 *      └───────────────┘
 */

export type PodState =
  /** Seen, and the runtime is being asked what it has of the pod. */
  | "adopting"
  /** Its containers are started and kept running. */
  | "syncing"
  /** Its phase is Failed or Succeeded: nothing of it is started any more. */
  | "ended"
  /** It is being deleted, and its containers are on their way out. */
  | "terminating"
  /** Nothing of it runs. The server has to hear of it and to remove the object. */
  | "terminated"
  /** The object is gone, or the agent has let go of it. */
  | "gone";

export type PodEvent =
  | "found-nothing"
  /** The runtime has all its containers, and they run. */
  | "found-running"
  | "images-changed"
  /** Somebody has marked it as not ready; the node knows better. */
  | "contradicted"
  /** The object says Failed or Succeeded. */
  | "phase-ended"
  /** The object has a time of deletion, or another one than before. */
  | "deleted"
  /** All of them have ended by themselves. */
  | "containers-exited"
  /** The runtime or the node will not run it any more: it has failed. */
  | "given-up"
  /** Its containers, which had been running, have all ended. */
  | "stopped"
  /** As `stopped`, but none had been running. */
  | "stopped-idle"
  /** The object is gone. */
  | "removed"
  /** The agent stops, or is not responsible any more. */
  | "detached";

export type PodEffect =
  | "start-containers"
  | "replace-containers"
  | "restart-containers"
  /** Ends what still runs, at once, without waiting for it. */
  | "end-containers"
  | "say-killing"
  /** Begins to stop the containers within the grace of the deletion, or begins anew with another grace. */
  | "stop"
  | "report"
  /** What was not told to the server yet need not be. */
  | "drop-report"
  /** Removes the object, after what is still to be told. */
  | "remove-object"
  | "remove-sandbox"
  /** Stops every timer and attempt; what runs goes on. */
  | "let-go";

type Cell = readonly [next: PodState, ...effects: PodEffect[]];

export const podTable: Readonly<Record<PodState, Readonly<Record<PodEvent, Cell>>>> = {
  adopting: {
    "found-nothing": ["syncing", "start-containers"],
    "found-running": ["syncing"],
    "images-changed": ["adopting"],
    contradicted: ["adopting"],
    "phase-ended": ["ended", "end-containers"],
    deleted: ["terminating", "say-killing", "stop"],
    "containers-exited": ["adopting"],
    "given-up": ["adopting"],
    stopped: ["adopting"],
    "stopped-idle": ["adopting"],
    removed: ["gone", "remove-sandbox"],
    detached: ["gone", "let-go"],
  },
  syncing: {
    "found-nothing": ["syncing"],
    "found-running": ["syncing"],
    "images-changed": ["syncing", "replace-containers"],
    contradicted: ["syncing", "report"],
    "phase-ended": ["ended", "end-containers", "drop-report"],
    deleted: ["terminating", "say-killing", "stop"],
    "containers-exited": ["syncing", "restart-containers"],
    "given-up": ["ended", "end-containers", "report"],
    stopped: ["syncing"],
    "stopped-idle": ["syncing"],
    removed: ["gone", "drop-report", "remove-sandbox"],
    detached: ["gone", "drop-report", "let-go"],
  },
  ended: {
    "found-nothing": ["ended"],
    "found-running": ["ended"],
    "images-changed": ["ended"],
    contradicted: ["ended"],
    "phase-ended": ["ended"],
    deleted: ["terminating", "stop"],
    "containers-exited": ["ended"],
    "given-up": ["ended"],
    stopped: ["ended"],
    "stopped-idle": ["ended"],
    removed: ["gone", "drop-report", "remove-sandbox"],
    detached: ["gone", "drop-report", "let-go"],
  },
  terminating: {
    "found-nothing": ["terminating"],
    "found-running": ["terminating"],
    "images-changed": ["terminating"],
    contradicted: ["terminating"],
    "phase-ended": ["terminating"],
    deleted: ["terminating", "stop"],
    "containers-exited": ["terminating"],
    "given-up": ["terminating"],
    stopped: ["terminated", "report", "remove-object"],
    "stopped-idle": ["terminated", "remove-object"],
    removed: ["gone", "drop-report", "remove-sandbox"],
    detached: ["gone", "drop-report", "let-go"],
  },
  terminated: {
    "found-nothing": ["terminated"],
    "found-running": ["terminated"],
    "images-changed": ["terminated"],
    contradicted: ["terminated"],
    "phase-ended": ["terminated"],
    deleted: ["terminated"],
    "containers-exited": ["terminated"],
    "given-up": ["terminated"],
    stopped: ["terminated"],
    "stopped-idle": ["terminated"],
    removed: ["gone", "drop-report", "remove-sandbox"],
    detached: ["gone", "drop-report", "let-go"],
  },
  gone: {
    "found-nothing": ["gone"],
    "found-running": ["gone"],
    "images-changed": ["gone"],
    contradicted: ["gone"],
    "phase-ended": ["gone"],
    deleted: ["gone"],
    "containers-exited": ["gone"],
    "given-up": ["gone"],
    stopped: ["gone"],
    "stopped-idle": ["gone"],
    removed: ["gone"],
    detached: ["gone"],
  },
};

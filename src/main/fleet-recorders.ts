/**
 * Event recorders for simulated nodes, over one broadcaster. One correlator for each node would take more memory than the
 * nodes, and thousands of writers would delay the writes of pod status.
 * Not here: recorders of controllers (control-plane.ts).
 */
import { createEventBroadcaster, type EventBroadcasterOptions, type EventRecorder } from "../client/index.ts";

/** Writes at once for the whole fleet: an eighth of the writes of its pods and Leases. */
const fleetEventWritersMax = 32;
/** Five per pod of a DaemonSet on 25,000 nodes; beyond that events are dropped. */
const fleetQueuedEventsMax = 131_072;

export type FleetRecorderOptions = Omit<
  EventBroadcasterOptions,
  "component" | "writersMax" | "queuedEventsMax"
>;

/** Component `kubelet`; the host is the node's name. */
export function fleetRecorders(options: FleetRecorderOptions): (node: string) => EventRecorder {
  const broadcaster = createEventBroadcaster({
    ...options,
    component: "kubelet",
    writersMax: fleetEventWritersMax,
    queuedEventsMax: fleetQueuedEventsMax,
  });
  return (node) => broadcaster.recorderFor(node);
}

/**
 * Event recorders for simulated nodes. One for all of them: thousands of memories of their own took more room than the
 * nodes, and thousands of writers pushed the pods' own status aside.
 * Not here: recorders of controllers (control-plane.ts).
 */
import { createEventBroadcaster, type EventBroadcasterOptions, type EventRecorder } from "../client/index.ts";

/** Writes at once for the whole fleet: an eighth of those that its pods and leases may have under way. */
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

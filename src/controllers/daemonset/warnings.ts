/**
 * Events on a DaemonSet about mistakes that upstream does not report: host ports with surge
 * (docs/spec/daemonset-controller.md#23.19) and selectors that overlap (#23.27); an annotation of ours that cannot be read;
 * and pods that get no place. Nothing is decided by it.
 */
import { type DaemonSet, daemonSetAnnotationWarnings } from "../../api/index.ts";
import type { EventRecorder } from "../../client/index.ts";
import { hasSurge } from "./rolling-update.ts";
import { strategyOf } from "./observe.ts";
import { rejectHoldMs } from "./plan.ts";
import type { TrackedDaemonSet } from "./tracked-daemonset.ts";
import type { Tracker } from "./tracker.ts";

/** Names of other DaemonSets in one event; more would not help. */
const namesMax = 3;

export class Warnings {
  readonly #recorder: EventRecorder;
  readonly #tracker: Tracker;
  /** Generation of which each DaemonSet was warned last. */
  readonly #warned = new WeakMap<TrackedDaemonSet, number>();
  /** What each DaemonSet was told last of its annotation. */
  readonly #unreadable = new WeakMap<TrackedDaemonSet, string>();

  constructor(dependencies: { readonly recorder: EventRecorder; readonly tracker: Tracker }) {
    this.#recorder = dependencies.recorder;
    this.#tracker = dependencies.tracker;
  }

  /** Nodes that want a pod and cannot take one, with `controller-legacy` placement: upstream's event (#19.2). */
  tellRefusals(daemonSet: DaemonSet, tracked: TrackedDaemonSet): void {
    for (const [node, reason] of tracked.holds.takeRefusals()) {
      const message = `failed to place pod on ${JSON.stringify(node)}: ${reason}`;
      this.#recorder.event(daemonSet, "Warning", "FailedPlacement", message);
    }
  }

  /** Nodes that want a pod, have one, and the scheduler does not find room for it there (#23.31). Once per pod. */
  tellUnscheduled(daemonSet: DaemonSet, tracked: TrackedDaemonSet): void {
    const waiting = [
      ...tracked.unscheduled.take((node) => tracked.slots.slotOf(node).eligibility === "eligible"),
    ];
    for (const [at, [node, reason]] of waiting.slice(0, namesMax).entries()) {
      const more = waiting.length - namesMax;
      const others = at === namesMax - 1 && more > 0 ? `; ${more} other nodes wait for theirs as well` : "";
      const message = `failed to place pod on ${JSON.stringify(node)}: ${reason}${others}`;
      this.#recorder.event(daemonSet, "Warning", "FailedPlacement", message);
    }
  }

  /** Nodes whose pods others keep taking away (#23.28). */
  tellHeld(daemonSet: DaemonSet, tracked: TrackedDaemonSet): void {
    const held = [...tracked.holds.takeRejects()];
    for (const [node, rejects] of held.slice(0, namesMax)) {
      const more = held.length > namesMax ? `, and so do ${held.length - namesMax} other nodes` : "";
      this.#recorder.event(
        daemonSet,
        "Warning",
        "PodsRejected",
        `${rejects} pods for node ${node} were taken away before they were ready, by somebody else; it waits ${rejectHoldMs(rejects) / 1000}s for the next one${more}`,
      );
    }
  }

  /** An annotation that cannot be read counts as absent; told once per value (#23.16). */
  tellUnreadable(daemonSet: DaemonSet, tracked: TrackedDaemonSet): void {
    const [message] = daemonSetAnnotationWarnings(daemonSet);
    if (message === undefined || this.#unreadable.get(tracked) === message) return;
    this.#unreadable.set(tracked, message);
    this.#recorder.event(daemonSet, "Warning", "InvalidAnnotation", message);
  }

  /** Warns once per generation. Overlapping selectors are told only before the controller has ever acted on the DaemonSet. */
  tellSpec(daemonSet: DaemonSet, tracked: TrackedDaemonSet): void {
    const generation = daemonSet.metadata.generation ?? 0;
    const before = this.#warned.get(tracked);
    if (before === generation) return;
    this.#warned.set(tracked, generation);
    if (hasSurge(strategyOf(daemonSet)) && usesHostPorts(daemonSet)) {
      this.#recorder.event(
        daemonSet,
        "Warning",
        "SurgeWithHostPorts",
        "maxSurge places a new pod beside the old one, but the template uses host ports, which only one of them can have.",
      );
    }
    const isNew = before === undefined && (daemonSet.status?.observedGeneration ?? 0) === 0;
    if (isNew) this.#warnOfOverlap(daemonSet, tracked);
  }

  #warnOfOverlap(daemonSet: DaemonSet, tracked: TrackedDaemonSet): void {
    const names = this.#tracker.overlapping(tracked).map(({ key }) => key.slice(key.indexOf("/") + 1));
    if (names.length === 0) return;
    const more = names.length > namesMax ? ` and ${names.length - namesMax} more` : "";
    this.#recorder.event(
      daemonSet,
      "Warning",
      "OverlappingSelectors",
      `The selector overlaps with that of ${names.slice(0, namesMax).join(", ")}${more}: each adopts pods without owner that match both.`,
    );
  }
}

function usesHostPorts(daemonSet: DaemonSet): boolean {
  const spec = daemonSet.spec.template.spec;
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return ports.some((port) => (port.hostPort ?? 0) > 0 || spec?.hostNetwork === true);
}

/**
 * The status of a DaemonSet from the counts of its slots (docs/spec/daemonset-controller.md#15), and whether it has to be
 * written. Pure.
 * Not here: writing it (status-writer.ts). Conditions belong to others and stay as they are.
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, storeDaemonSetStatus.
 */
import type { DaemonSet, DaemonSetStatus } from "../../api/index.ts";
import type { SlotCounts } from "./slots.ts";

export interface StatusNumbers {
  readonly desiredNumberScheduled: number;
  readonly currentNumberScheduled: number;
  readonly numberMisscheduled: number;
  readonly numberReady: number;
  readonly updatedNumberScheduled: number;
  readonly numberAvailable: number;
  readonly numberUnavailable: number;
}

export function statusNumbers(counts: SlotCounts): StatusNumbers {
  return {
    desiredNumberScheduled: counts.desired,
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misscheduled,
    numberReady: counts.ready,
    updatedNumberScheduled: counts.updated,
    numberAvailable: counts.available,
    numberUnavailable: counts.desired - counts.available,
  };
}

/**
 * The DaemonSet with its new status, or undefined when nothing would change.
 * @param observedGeneration the generation that a full sync has acted on; undefined leaves the stored one untouched.
 */
export function withStatus(
  daemonSet: DaemonSet,
  numbers: StatusNumbers,
  observedGeneration: number | undefined,
): DaemonSet | undefined {
  const stored = daemonSet.status;
  const isObserved =
    observedGeneration === undefined || (stored?.observedGeneration ?? 0) >= observedGeneration;
  if (isObserved && sameNumbers(stored, numbers)) return undefined;
  return { ...daemonSet, status: mergedStatus(stored, numbers, observedGeneration) };
}

function sameNumbers(stored: DaemonSetStatus | undefined, numbers: StatusNumbers): boolean {
  return (Object.keys(numbers) as (keyof StatusNumbers)[]).every(
    (name) => (stored?.[name] ?? 0) === numbers[name],
  );
}

/** The first four counters and zero-valued ones follow the wire form: the others are left out when zero. */
function mergedStatus(
  stored: DaemonSetStatus | undefined,
  numbers: StatusNumbers,
  observedGeneration: number | undefined,
): DaemonSetStatus {
  const { collisionCount, conditions } = stored ?? {};
  const observed = Math.max(observedGeneration ?? 0, stored?.observedGeneration ?? 0);
  return {
    currentNumberScheduled: numbers.currentNumberScheduled,
    numberMisscheduled: numbers.numberMisscheduled,
    desiredNumberScheduled: numbers.desiredNumberScheduled,
    numberReady: numbers.numberReady,
    ...(observed === 0 ? {} : { observedGeneration: observed }),
    ...(numbers.updatedNumberScheduled === 0
      ? {}
      : { updatedNumberScheduled: numbers.updatedNumberScheduled }),
    ...(numbers.numberAvailable === 0 ? {} : { numberAvailable: numbers.numberAvailable }),
    ...(numbers.numberUnavailable === 0 ? {} : { numberUnavailable: numbers.numberUnavailable }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
  };
}

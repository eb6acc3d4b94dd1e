/**
 * Priority: the number and the preemption policy of a new pod come from its priority class.
 * Not here: what is valid in a class (api/), what the scheduler makes of the number.
 * Upstream: kubernetes v1.35, plugin/pkg/admission/priority.
 * Differs: a preemption policy that the pod gives itself is kept; a second default class is not refused.
 */
import { type Pod, pods, type PriorityClass, priorityclasses } from "../../api/index.ts";
import { type Draft, forbidden } from "../../machinery/index.ts";
import type { AdmissionPlugin } from "../admission/chain.ts";
import type { ObjectLister } from "../admission/lister.ts";

export function priority(lister: ObjectLister): AdmissionPlugin {
  return {
    name: "Priority",
    handles: { operations: ["CREATE"], resources: [pods] },
    admit({ object, name }) {
      const { spec } = object as Partial<Draft<Pod>>;
      if (spec === undefined) return;
      const asked = spec.priorityClassName ?? "";
      const found =
        asked === "" ? defaultClass(lister) : lister.get<PriorityClass>(priorityclasses, { name: asked });
      if (found === undefined && asked !== "")
        throw forbidden(pods, name, `no PriorityClass with name ${asked} was found`);
      const value = found?.value ?? 0;
      if (spec.priority !== undefined && spec.priority !== value) {
        const detail = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
        throw forbidden(pods, name, detail);
      }
      if (found !== undefined) spec.priorityClassName = found.metadata.name!;
      spec.priority = value;
      spec.preemptionPolicy ??= found?.preemptionPolicy ?? "PreemptLowerPriority";
    },
  };
}

/** Several defaults can only come from a race; the lowest wins, as upstream. */
function defaultClass(lister: ObjectLister): PriorityClass | undefined {
  let best: PriorityClass | undefined;
  for (const candidate of lister.list(priorityclasses)) {
    if (candidate.globalDefault !== true) continue;
    if (best === undefined || (candidate.value ?? 0) < (best.value ?? 0)) best = candidate;
  }
  return best;
}

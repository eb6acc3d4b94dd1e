/**
 * The Events that an agent writes about a pod, with a kubelet's reasons and words. Pure but for the recorder that it is given.
 * Not here: when which is said (container-table.ts, pod-table.ts).
 */
import type { Pod } from "../../api/index.ts";
import type { EventRecorder } from "../../client/index.ts";
import type { PulledImage } from "../runtime/pod-runtime.ts";

export interface EventText {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** About one container of the pod. */
export function recordContainerEvent(
  recorder: EventRecorder,
  about: { readonly pod: Pod; readonly container: string },
  { type, reason, message }: EventText,
): void {
  const { name, namespace, uid, resourceVersion } = about.pod.metadata;
  const reference = {
    apiVersion: "v1",
    kind: "Pod",
    name: name!,
    namespace: namespace!,
    uid: uid!,
    resourceVersion: resourceVersion ?? "",
    fieldPath: `spec.containers{${about.container}}`,
  };
  recorder.event(reference, type, reason, message);
}

const normal = (reason: string, message: string): EventText => ({ type: "Normal", reason, message });
const warning = (reason: string, message: string): EventText => ({ type: "Warning", reason, message });

export const eventTexts = {
  pulling: (image: string): EventText => normal("Pulling", `Pulling image "${image}"`),
  pulled: (image: string, { tookMs, sizeBytes }: PulledImage): EventText =>
    normal(
      "Pulled",
      `Successfully pulled image "${image}" in ${tookMs}ms (${tookMs}ms including waiting). Image size: ${sizeBytes} bytes.`,
    ),
  present: (image: string): EventText =>
    normal("Pulled", `Container image "${image}" already present on machine`),
  pullFailed: (image: string, why: string): EventText =>
    warning("Failed", `Failed to pull image "${image}": ${why}`),
  pullBackOff: (image: string): EventText => normal("BackOff", `Back-off pulling image "${image}"`),
  /** @param why a reason such as `ErrImagePull`, or a runtime's own text. */
  failed: (why: string): EventText => warning("Failed", `Error: ${why}`),
  created: (name: string): EventText => normal("Created", `Created container: ${name}`),
  started: (name: string): EventText => normal("Started", `Started container ${name}`),
  crashBackOff: (name: string, { metadata }: Pod): EventText =>
    warning(
      "BackOff",
      `Back-off restarting failed container ${name} in pod ${metadata.name}_${metadata.namespace}(${metadata.uid})`,
    ),
  replaced: (name: string): EventText =>
    normal("Killing", `Container ${name} definition changed, will be restarted`),
  stopping: (name: string): EventText => normal("Killing", `Stopping container ${name}`),
} as const;

/**
 * Annotations of ours on DaemonSets: how they are read, and what their author is told. Pure.
 * Not here: what follows from them (controllers/daemonset).
 */
import type { IntOrString } from "../../../machinery/index.ts";
import type { DaemonSet } from "../../generated/types.gen.ts";

/** How many unreachable nodes, or what share of the desired ones, a roll-out may pass over. */
export const maxUnreachableAnnotation = "lares.dev/max-unreachable";

/** The annotation's value; undefined when it is absent or neither a number from 0 on nor a percentage up to 100. */
export function maxUnreachableOf({ metadata }: DaemonSet): IntOrString | undefined {
  const text = metadata.annotations?.[maxUnreachableAnnotation] ?? "";
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  return /^(100|[0-9]{1,2})%$/.test(text) ? text : undefined;
}

/** Letters of a value in a warning: an annotation may have 256 KiB. */
const textMax = 40;

/** What the author of the DaemonSet should know of its annotations. */
export function daemonSetAnnotationWarnings(daemonSet: DaemonSet): string[] {
  const text = daemonSet.metadata.annotations?.[maxUnreachableAnnotation];
  if (text === undefined || maxUnreachableOf(daemonSet) !== undefined) return [];
  const shown = JSON.stringify(text.slice(0, textMax));
  return [
    `metadata.annotations[${maxUnreachableAnnotation}]: ${shown} is neither a number from 0 on nor a percentage up to 100%; every unreachable node uses up maxUnavailable`,
  ];
}

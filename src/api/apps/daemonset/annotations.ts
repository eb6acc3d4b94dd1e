/**
 * Our own annotations of DaemonSets: how each is read, and which warnings its author gets.
 * Not here: what follows from them (controllers/daemonset).
 */
import type { IntOrString } from "../../../machinery/index.ts";
import type { DaemonSet } from "../../generated/types.gen.ts";

/** How many unreachable nodes a roll-out may pass over: a number, or a percentage of the desired nodes. */
export const maxUnreachableAnnotation = "lares.dev/max-unreachable";

/**
 * The value of `maxUnreachableAnnotation`.
 * @returns undefined when it is absent, and when it is neither a number from 0 on nor a percentage up to 100%.
 */
export function maxUnreachableOf({ metadata }: DaemonSet): IntOrString | undefined {
  const text = metadata.annotations?.[maxUnreachableAnnotation] ?? "";
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  return /^(100|[0-9]{1,2})%$/.test(text) ? text : undefined;
}

/** Characters of a value that a warning quotes. An annotation may have 256 KiB. */
const textMax = 40;

/** Warnings for the author of the DaemonSet. */
export function daemonSetAnnotationWarnings(daemonSet: DaemonSet): string[] {
  const text = daemonSet.metadata.annotations?.[maxUnreachableAnnotation];
  if (text === undefined || maxUnreachableOf(daemonSet) !== undefined) return [];
  const shown = JSON.stringify(text.slice(0, textMax));
  return [
    `metadata.annotations[${maxUnreachableAnnotation}]: ${shown} is neither a number from 0 on nor a percentage up to 100%; every unreachable node uses up maxUnavailable`,
  ];
}

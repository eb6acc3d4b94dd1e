/** How long a pod's containers have from SIGTERM to SIGKILL. Pure. */
import type { Pod } from "../../api/index.ts";

/** Upstream's, for a pod that names none. */
const defaultGraceSeconds = 30;

/** The grace of its deletion; before that, the one that it asks for. */
export function graceMsOf({ metadata, spec }: Pod): number {
  const seconds =
    metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds;
  return seconds * 1_000;
}

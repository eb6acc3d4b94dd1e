/**
 * Where an answer of ours may differ from upstream's, and why: the entries of differences.json.
 * docs/differences.md is made from the same file (scripts/draw-differences.mjs). Not here: the comparison (compare.ts).
 */
import entries from "./differences.json" with { type: "json" };
import type { RecordingName, Scenario, Step } from "./scenario.ts";

export interface Difference {
  readonly recording: RecordingName;
  /** Names; `*` stands for any text. */
  readonly scenario: string;
  readonly step: string;
  /** Pointers into the answer, `/status` and `/body/message` say; the rest of it is compared. Empty: nothing is. */
  readonly at: readonly string[];
  /** A pattern: warnings of ours that upstream does not give are left out, and all else is compared. Then `at` has no meaning. */
  readonly warnings?: string;
  /** Chosen: ours answers so on purpose. Unstable: it depends on time or chance. */
  readonly sort: "chosen" | "unstable";
  readonly reason: string;
}

export const allDifferences = entries as readonly Difference[];

/** The entries for one step. */
export function differencesOf(
  recording: RecordingName,
  scenario: Scenario,
  step: Step,
  among: readonly Difference[] = allDifferences,
): readonly Difference[] {
  return among.filter(
    (entry) =>
      entry.recording === recording && fits(entry.scenario, scenario.scenario) && fits(entry.step, step.name),
  );
}

export function fits(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(name);
}

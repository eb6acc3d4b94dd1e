/**
 * What a person is told of a failing seed: the command that replays it, a shorter script that fails too, the last revisions.
 */
import { run, type RunOptions, type RunResult } from "./run.ts";
import type { Script, TimedStep } from "./script.ts";

/** Runs spent on making a script shorter. */
const attemptsMax = 40;
/** Lines of the trace that are shown. */
const linesMax = 40;

/** Empty when nothing is wrong. */
export async function explain(script: Script, result: RunResult, options: RunOptions = {}): Promise<string> {
  if (result.violations.length === 0) return "";
  const { steps, result: shorter } = await shortened(script, result, options);
  const { invariant, message, revision } = shorter.violations[0] ?? result.violations[0]!;
  return [
    `seed ${script.seed} (${script.profile}, ${script.nodes} nodes, placement by ${script.placement}) breaks ${invariant} at revision ${revision}: ${message}`,
    `replay: npm run simulate -- --from ${script.seed} --seeds 1 --profile ${script.profile}`,
    `strategies: ${JSON.stringify(script.strategies)}`,
    `shortest script found (${steps.length} of ${script.steps.length} steps):`,
    ...steps.map((step) => `  ${JSON.stringify(step)}`),
    "last revisions:",
    ...shorter.trace.slice(-linesMax),
  ].join("\n");
}

/** Leaves out steps, halves first, as long as the same invariant breaks. */
async function shortened(
  script: Script,
  result: RunResult,
  options: RunOptions,
): Promise<{ readonly steps: readonly TimedStep[]; readonly result: RunResult }> {
  const { invariant } = result.violations[0]!;
  let best = { steps: script.steps, result };
  let attempts = 0;
  for (
    let size = Math.ceil(script.steps.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < best.steps.length && attempts < attemptsMax;) {
      const steps = best.steps.filter((_, index) => index < at || index >= at + size);
      attempts++;
      const tried = await run({ ...script, steps }, options);
      if (tried.violations[0]?.invariant === invariant) best = { steps, result: tried };
      else at += size;
    }
  }
  return best;
}

/**
 * Runs measurements in fresh processes, alternating, and prints them side by side. Noise of the machine affects all cases
 * alike, so the ratio within one round counts.
 */
import { spawnSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";

export function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

/** `--controller ours|reference|both`, both when absent. */
export function controllersToRun(): readonly ("ours" | "reference")[] {
  const asked = option("controller", "both");
  if (asked === "both") return ["ours", "reference"];
  if (asked === "ours" || asked === "reference") return [asked];
  throw new Error(`--controller ${asked}: ours, reference or both`);
}

export function machineLine(): string {
  const { model = "unknown" } = cpus()[0] ?? {};
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `Node ${process.version}, ${cpus().length} cores (${model.trim()}), ${memory} GiB, load ${loadavg()[0]!.toFixed(1)}`;
}

/**
 * In the parent process: runs every case of each round in a process of its own, in reverse order in odd rounds. In such a
 * process: measures one case, prints the figures and ends.
 */
export async function runRounds<C, F>(
  cases: readonly C[],
  rounds: number,
  measure: (one: C) => Promise<F>,
): Promise<ReadonlyMap<C, readonly F[]>> {
  const child = process.argv.indexOf("--child");
  if (child >= 0) {
    const figures = await measure(cases[Number(process.argv[child + 1])]!);
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    process.exit(0);
  }
  const results = new Map<C, F[]>(cases.map((one) => [one, []]));
  for (let round = 0; round < rounds; round++) {
    const order = cases.map((_, index) => index);
    if (round % 2 === 1) order.reverse();
    for (const index of order) {
      const args = [...process.execArgv, ...process.argv.slice(1), "--child", String(index)];
      const run = spawnSync(process.execPath, args, {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      });
      if (run.status !== 0) throw new Error(`round ${round + 1} failed: ${JSON.stringify(cases[index])}`);
      results.get(cases[index]!)!.push(JSON.parse(run.stdout) as F);
    }
  }
  return results;
}

/** Median, with the least and the most when there are several. */
export function spread(values: readonly number[], digits: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const show = (value: number): string => value.toFixed(digits);
  const median = show(quantile(sorted, 0.5));
  return sorted.length === 1 ? median : `${median} (${show(sorted[0]!)}-${show(sorted.at(-1)!)})`;
}

/** The smallest value that is at least as large as `part` of all. `sorted` ascending, not empty. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!;
}

/** The ratios of one figure, round by round: the reference's over ours. */
export function ratios<F>(
  ours: readonly F[],
  reference: readonly F[],
  of: (figures: F) => number,
): readonly number[] {
  return ours.map((figures, round) => of(reference[round]!) / of(figures));
}

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] ?? "").length)),
  );
  for (const row of [head, ...rows])
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join("   ")
        .trimEnd(),
    );
}

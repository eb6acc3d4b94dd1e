/**
 * Lists of the steps whose answers are upstream's, in same/: one line for each scenario, `name: 1-3 5`, sorted by name.
 * A list only grows. Where two changes meet, git keeps the lines of both (.gitattributes), and a scenario that has
 * several lines has the steps of them all. The next update makes one of them.
 * Not here: which steps are the same today (suite.ts).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RecordingName } from "./scenario.ts";

/** Numbers of steps, which count from 1, by the name of the scenario. */
export type SameSteps = ReadonlyMap<string, ReadonlySet<number>>;

const header = `# Steps that are answered as upstream answers them. Written by: UPDATE_RECORDINGS=1 npm run test:recordings\n`;

const pathOf = (name: RecordingName): string => join(import.meta.dirname, "same", `${name}.txt`);

export function readSameSteps(name: RecordingName): SameSteps {
  return parseSameSteps(readFileSync(pathOf(name), "utf8"));
}

/** Adds to the list as it is on disk; whatever is in it stays. */
export function addSameSteps(name: RecordingName, more: SameSteps): void {
  writeFileSync(pathOf(name), formatSameSteps(union(readSameSteps(name), more)));
}

/** @throws for a line that is none of a list */
export function parseSameSteps(text: string): SameSteps {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.reduce((steps, line) => {
    const match = /^(.+): ([\d -]+)$/.exec(line);
    if (match === null) throw new Error(`not a line of a list of steps: ${line}`);
    return union(steps, new Map([[match[1]!, numbersOf(match[2]!)]]));
  }, new Map() as SameSteps);
}

export function formatSameSteps(steps: SameSteps): string {
  const lines = [...steps]
    .filter(([, numbers]) => numbers.size > 0)
    .map(([scenario, numbers]) => `${scenario}: ${rangesOf([...numbers].sort((a, b) => a - b))}\n`);
  return header + lines.sort().join("");
}

function union(some: SameSteps, more: SameSteps): SameSteps {
  const all = new Map(some);
  for (const [scenario, numbers] of more)
    all.set(scenario, new Set([...(all.get(scenario) ?? []), ...numbers]));
  return all;
}

function numbersOf(ranges: string): ReadonlySet<number> {
  const numbers = ranges.split(" ").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, at) => first! + at);
  });
  return new Set(numbers);
}

function rangesOf(sorted: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of sorted) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === number - 1) range[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(" ");
}

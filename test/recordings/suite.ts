/**
 * The tests of one recording over one transport: one for each scenario, side by side on planes of their own.
 * A step of the list has to be the same; a step that is the same has to be in the list.
 *
 *   UPDATE_RECORDINGS=1   steps that are newly the same are added to the list
 *   SHOW_DIFFERENCES=1    every difference is printed
 *   -t TEXT               only scenarios whose names hold the text
 *
 * Not here: the parts (player.ts, compare.ts, same-list.ts, deliberate.ts, plane.ts).
 */
import { afterAll, describe, expect, test } from "vitest";
import { differences, isOwnWarning } from "./compare.ts";
import { allDifferences, type Difference, differencesOf } from "./deliberate.ts";
import { PlanePool, startPlane } from "./plane.ts";
import { type Exchange, play } from "./player.ts";
import { readRecording, type RecordingName, type Scenario } from "./scenario.ts";
import { addSameSteps, readSameSteps, type SameSteps } from "./same-list.ts";
import type { Sender } from "./senders.ts";

const isUpdate = process.env["UPDATE_RECORDINGS"] === "1";
const isShown = process.env["SHOW_DIFFERENCES"] === "1";

/** Milliseconds that a condition is waited for where it is known to come true. */
const patienceMs = 20_000;
/** The same where it is not known: most of these never come true, and an update may take longer than a check. */
const doubtMs = isUpdate ? 5_000 : 2_000;
/** Characters of a scenario's own word: shorter ones are not told apart from other texts. */
const wordLength = 4;
const howToAdd = "UPDATE_RECORDINGS=1 npm run test:recordings adds it to the list";

export interface SuiteOptions {
  readonly over: Sender["over"];
  readonly planesMax: number;
  /** Whether steps that are the same have to be in the list; one transport of a recording decides it. */
  readonly decides: boolean;
}

export function suite(name: RecordingName, options: SuiteOptions): void {
  const run = new Run(name, options);
  describe(`${name} over ${options.over}`, () => {
    afterAll(() => run.end());
    for (const [at, scenario] of longestFirst(readRecording(name)))
      test.concurrent(scenario.scenario, async () => expect(await run.faults(scenario, at)).toEqual([]));
    test("the differences on purpose are still there", () => expect(run.staleDifferences()).toEqual([]));
  });
}

/** With their places in the recording. A long one that comes last would run alone. */
function longestFirst(scenarios: readonly Scenario[]): readonly (readonly [number, Scenario])[] {
  const lengthOf = ({ steps }: Scenario): number =>
    steps.reduce((sum, { wait = 0, until }) => sum + wait + (until === undefined ? 0 : doubtMs), 0);
  return [...scenarios.entries()].toSorted(([, a], [, b]) => lengthOf(b) - lengthOf(a));
}

/** The steps of one scenario by what is found about them, as texts for people, and the numbers of those that are the same. */
interface Found {
  readonly same: ReadonlySet<number>;
  readonly different: ReadonlyMap<number, string>;
}

class Run {
  readonly #name: RecordingName;
  readonly #options: SuiteOptions;
  readonly #listed: SameSteps;
  readonly #pool: PlanePool;
  readonly #same = new Map<string, ReadonlySet<number>>();
  readonly #needed = new Set<Difference>();
  #steps = 0;

  constructor(name: RecordingName, options: SuiteOptions) {
    this.#name = name;
    this.#options = options;
    this.#listed = readSameSteps(name);
    this.#pool = new PlanePool(() => startPlane(options.over), options.planesMax);
  }

  /** What is wrong with the answers to a scenario. */
  async faults(scenario: Scenario, at: number): Promise<readonly string[]> {
    const { scenario: name, steps } = scenario;
    const listed = this.#listed.get(name) ?? new Set();
    const patience = (step: number): number => (listed.has(step) ? patienceMs : doubtMs);
    const word = at.toString(36).padStart(wordLength, "0");
    const exchanges = await this.#pool.with((plane) =>
      play(scenario, { ...plane, word, patienceMs: patience }),
    );
    const { same, different } = this.#found(scenario, exchanges);
    this.#steps += steps.length;
    this.#same.set(name, same);
    if (isShown) console.log([...different.values()].join("\n"));
    const lost = [...listed].filter((step) => !same.has(step)).map((step) => different.get(step));
    const gained = this.#options.decides && !isUpdate ? [...same].filter((step) => !listed.has(step)) : [];
    return [
      ...lost.map((text) => `was the same as upstream's, and differs: ${text}`),
      ...gained.map(
        (step) => `is the same as upstream's now: step ${step}, ${steps[step - 1]!.name} (${howToAdd})`,
      ),
    ];
  }

  #found(scenario: Scenario, exchanges: readonly Exchange[]): Found {
    const same = new Set<number>();
    const different = new Map<number, string>();
    for (const { step, number, answer } of exchanges) {
      const onPurpose = differencesOf(this.#name, scenario, step);
      const byWarning = onPurpose.filter((entry) => entry.warnings !== undefined);
      const byPlace = onPurpose.filter((entry) => entry.warnings === undefined);
      const ownWarnings = byWarning.map((entry) => entry.warnings!);
      const apart = byPlace.flatMap((entry) => entry.at);
      const compared = (without: readonly string[]): readonly string[] =>
        answer instanceof Error
          ? [String(answer)]
          : differences({ scenario, step, apart: without, ownWarnings }, answer);
      const all = compared([]).length;
      for (const entry of byPlace)
        if (entry.at.length === 0 ? all > 0 : compared(entry.at).length < all) this.#needed.add(entry);
      const warned = answer instanceof Error ? [] : answer.warnings;
      for (const entry of byWarning)
        if (warned.some((text) => isOwnWarning(text, [entry.warnings!]))) this.#needed.add(entry);
      const left = compared(apart);
      const where = `${this.#name} / ${scenario.scenario} / ${number} ${step.name}`;
      if (byPlace.some((entry) => entry.at.length === 0)) different.set(number, `${where}: not compared`);
      else if (left.length === 0) same.add(number);
      else different.set(number, [where, ...left].join("\n    "));
    }
    return { same, different };
  }

  /** Entries of differences.json that no answer needs. */
  staleDifferences(): readonly Difference[] {
    if (!this.#options.decides) return [];
    return allDifferences.filter(
      (entry) => entry.recording === this.#name && entry.sort !== "unstable" && !this.#needed.has(entry),
    );
  }

  async end(): Promise<void> {
    await this.#pool.stop();
    if (this.#options.decides && isUpdate) addSameSteps(this.#name, this.#same);
    const same = [...this.#same.values()].reduce((sum, steps) => sum + steps.size, 0);
    console.log(`${this.#name} over ${this.#options.over}: ${same} of ${this.#steps} answers are upstream's`);
  }
}

/** The lists beside the recordings: steps that are the same, and differences on purpose. */
import { expect, test } from "vitest";
import { allDifferences, type Difference, differencesOf, fits } from "./deliberate.ts";
import { formatSameSteps, parseSameSteps, readSameSteps } from "./same-list.ts";
import { readRecording, recordings, type Scenario } from "./scenario.ts";

test("a list is read and written, sorted, with its steps as ranges", () => {
  const steps = new Map([
    ["z: last", new Set([3, 1, 2, 7])],
    ["a", new Set([2])],
    ["nothing", new Set<number>()],
  ]);
  const text = formatSameSteps(steps);
  expect(text.split("\n").slice(1)).toEqual(["a: 2", "z: last: 1-3 7", ""]);
  expect(parseSameSteps(text)).toEqual(new Map([...steps].filter(([name]) => name !== "nothing")));
});

test("of two lines for one scenario, as git keeps them, the steps are put together", () => {
  expect(parseSameSteps("a: 1-2 5\na: 2-3\n")).toEqual(new Map([["a", new Set([1, 2, 5, 3])]]));
});

test("what is no line of a list is refused", () => {
  expect(() => parseSameSteps("a: 1\n<<<<<<< HEAD\n")).toThrow("not a line of a list");
});

test.each(recordings)("the list of %s names scenarios and steps that are there", (name) => {
  const lengths = new Map(readRecording(name).map(({ scenario, steps }) => [scenario, steps.length]));
  for (const [scenario, numbers] of readSameSteps(name)) {
    expect(lengths.has(scenario), scenario).toBe(true);
    expect(Math.max(...numbers), scenario).toBeLessThanOrEqual(lengths.get(scenario)!);
    expect(Math.min(...numbers), scenario).toBeGreaterThan(0);
  }
});

test("a star stands for any text, and nothing else is special", () => {
  expect(fits("a binding to *", "a binding to nothing")).toBe(true);
  expect(fits("*", "anything\nat all")).toBe(true);
  expect(fits("a.b (c)", "a.b (c)")).toBe(true);
  expect(fits("a.b", "axb")).toBe(false);
  expect(fits("a", "ab")).toBe(false);
});

test("an entry counts for the steps that it names, in its recording", () => {
  const answer = { status: 200, type: "", warnings: [], body: {} };
  const step = { name: "create it", path: "/", answer };
  const scenario: Scenario = { scenario: "Pod: defaults", steps: [step] };
  const entry: Difference = {
    ...allDifferences[0]!,
    recording: "objects",
    scenario: "Pod: *",
    step: "create *",
  };
  expect(differencesOf("objects", scenario, step, [entry])).toEqual([entry]);
  expect(differencesOf("access", scenario, step, [entry])).toEqual([]);
  expect(differencesOf("objects", scenario, { ...step, name: "get it" }, [entry])).toEqual([]);
});

test("every entry names a step that is there, gives a reason, and the entries are sorted", () => {
  for (const entry of allDifferences) {
    const steps = readRecording(entry.recording).flatMap((scenario) =>
      scenario.steps.filter((step) => differencesOf(entry.recording, scenario, step, [entry]).length > 0),
    );
    expect(steps, `${entry.scenario} / ${entry.step}`).not.toEqual([]);
    expect(entry.reason).toMatch(/^[A-Z].*\.$/);
    for (const pointer of entry.at) expect(pointer).toMatch(/^\/(status|type|warnings|body|headers)\b/);
  }
  const words = allDifferences.map(({ recording, scenario, step }) => `${recording}\n${scenario}\n${step}`);
  expect(words).toEqual(words.toSorted());
});

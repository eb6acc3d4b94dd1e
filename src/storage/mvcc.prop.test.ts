/** Values and their history, however they are kept, against plain copies of what was written. Seeds are printed on failure. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Mvcc } from "./mvcc.ts";

interface Step {
  readonly key: string;
  /** Absent for a deletion. */
  readonly size: number | undefined;
  readonly seed: number;
}

/** Large values push older ones out of the fresh; small ones stay a while. */
const step: fc.Arbitrary<Step> = fc.record({
  key: fc.constantFrom("/a/x/1", "/a/x/2", "/a/y/1"),
  size: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(0, 30, 3_000, 60_000, 200_000) },
    fc.constant(undefined),
  ),
  seed: fc.nat(5),
});

function valueOf(size: number, seed: number): Uint8Array {
  const value = Buffer.alloc(size, `{"kind":"Thing","number":${seed},"text":"always the same"}`);
  if (size > 10) value.writeUInt32LE(seed, size >> 1);
  return value;
}

type Told = readonly [key: string, value: string | undefined];

test("every state that is not compacted can be read and told, whatever became of it since", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), fc.nat(20), (steps, compacted) => {
      const core = new Mvcc();
      const states: ReadonlyMap<string, string>[] = [new Map()];
      const log: Told[] = [];
      for (const { key, size, seed } of steps) {
        const before = core.get(key);
        if (size === undefined && before === undefined) continue;
        const value = size === undefined ? undefined : valueOf(size, seed);
        if (value === undefined) core.prepareDelete(key, before!.modRevision);
        else if (before === undefined) core.prepareCreate(key, value);
        else core.prepareUpdate(key, value, before.modRevision);
        core.commit(core.preparedRevision);
        const text = value && Buffer.from(value).toString("latin1");
        const state = new Map(states.at(-1));
        if (text === undefined) state.delete(key);
        else state.set(key, text);
        states.push(state);
        log.push([key, text]);
      }
      core.compact(Math.min(compacted, core.currentRevision));
      for (let revision = core.compactedRevision; revision <= core.currentRevision; revision++) {
        const { items } = core.list({ prefix: "/", revision });
        const read = new Map(items.map(({ key, value }) => [key, Buffer.from(value).toString("latin1")]));
        expect(read).toEqual(states[revision]);
        for (const { value, kept } of items) {
          expect(kept!.byteLength).toBe(value.byteLength);
          expect(kept!.holds(value)).toBe(true);
          expect(kept!.holds(Buffer.concat([value, Buffer.from("x")]))).toBe(false);
        }
      }
      core.compact(core.currentRevision);
      expect(core.historyBytes).toBe(0);
      // What was fresh when it was forgotten is not counted later.
      core.prepareCreate("/b/x/1", valueOf(1_000_000, 0));
      core.commit(core.preparedRevision);
      core.compact(core.currentRevision);
      expect(core.historyBytes).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test("a value that is kept by others stays what it was when it becomes history and is forgotten", () => {
  const core = new Mvcc();
  const kept: { readonly kept: () => Uint8Array; readonly value: Uint8Array }[] = [];
  for (let at = 0; at < 200; at++) {
    const value = valueOf(20_000, at);
    const before = core.get("/a/x/1");
    if (before === undefined) core.prepareCreate("/a/x/1", value);
    else core.prepareUpdate("/a/x/1", value, before.modRevision);
    core.commit(core.preparedRevision);
    const state = core.get("/a/x/1")!;
    kept.push({ kept: () => state.kept!.bytes(), value });
    if (at % 50 === 49) core.compact(at - 10);
  }
  kept.forEach(({ kept, value }, at) => expect(Buffer.compare(kept(), value), `value ${at}`).toBe(0));
});

test("of superseded values only what changed is held, but for every sixteenth, so that none is far away", () => {
  const core = new Mvcc();
  const value = Buffer.alloc(6_000);
  // Nothing in it comes twice, and no dictionary takes more than 4 KiB of it: only its successor can stand for the rest.
  for (let i = 0, x = 1; i < value.length; i++)
    value[i] = (x = Math.imul(x, 1_664_525) + 1_013_904_223) >>> 24;
  core.prepareCreate("/a/x/1", value);
  for (let at = 1; at < 20_000; at++) {
    const next = Buffer.from(value);
    next.writeUInt32LE(at, 5_000);
    core.prepareUpdate("/a/x/1", next, at);
    core.commit(core.preparedRevision);
  }
  // 200 for each entry of the log, and a sixteenth of what no dictionary has.
  expect(core.historyBytes / 20_000).toBeGreaterThan(200 + 2_000 / 17);
  expect(core.historyBytes / 20_000).toBeLessThan(200 + 2_000 / 10);
  expect(Buffer.compare(core.list({ prefix: "/", revision: 1 }).items[0]!.value, value)).toBe(0);
});

/** Which revision a read has to see, and the wait for it. */
import { expect, test } from "vitest";
import { settleMicrotasks, SimulatedClock } from "../../base/index.ts";
import { NewestRevision, RevisionWaiters } from "./freshness.ts";

/** A store that is asked; each question is answered by hand. */
class AskedStore {
  readonly questions: { readonly answer: (revision: number) => void; readonly fail: (e: Error) => void }[] =
    [];

  currentRevision(): Promise<number> {
    return new Promise((answer, fail) => this.questions.push({ answer, fail }));
  }
}

test("readers share the next question, never one that was asked before they began", async () => {
  const store = new AskedStore();
  const newest = new NewestRevision(store);
  const got: string[] = [];
  const read = (name: string): void =>
    void Promise.resolve(newest.ask()).then(
      (revision) => got.push(`${name} ${revision}`),
      (error: Error) => got.push(`${name} ${error.message}`),
    );
  read("first");
  for (let at = 0; at < 100; at++) read("second");
  expect(store.questions.length).toBe(1);
  store.questions[0]!.answer(7);
  await settleMicrotasks();
  expect([got, store.questions.length]).toEqual([["first 7"], 2]);
  read("third");
  store.questions[1]!.fail(new Error("gone"));
  await settleMicrotasks();
  expect(got.slice(1)).toEqual(Array.from({ length: 100 }, () => "second gone"));
  expect(store.questions.length).toBe(3);
  store.questions[2]!.answer(9);
  await settleMicrotasks();
  expect(got.at(-1)).toBe("third 9");
  read("fourth");
  expect(store.questions.length).toBe(4);
});

test("where the store knows, there is nothing to wait for", () => {
  let revision = 1;
  const newest = new NewestRevision({ currentRevision: () => revision });
  expect(newest.ask()).toBe(1);
  revision = 2;
  expect(newest.ask()).toBe(2);
});

test("a wait ends when the revision is reached, when it takes too long, or at once when nothing will come", async () => {
  const clock = new SimulatedClock();
  const waiters = new RevisionWaiters(clock);
  const got: string[] = [];
  const wait = (revision: number, ms: number): void =>
    void waiters.wait(revision, ms).then((outcome) => got.push(`${revision} ${outcome}`));
  for (const revision of [5, 3, 4, 9, 3]) wait(revision, 1_000);
  wait(4, 10);
  waiters.reach(2);
  await settleMicrotasks();
  expect(got).toEqual([]);
  await clock.advance(10);
  waiters.reach(4);
  await settleMicrotasks();
  expect(got).toEqual(["4 late", "3 reached", "3 reached", "4 reached"]);
  await clock.advance(990);
  expect(got.slice(4)).toEqual(["5 late", "9 late"]);
  wait(9, 1_000);
  waiters.stop();
  wait(10, 1_000);
  await settleMicrotasks();
  expect(got.slice(6)).toEqual(["9 stopped", "10 stopped"]);
  waiters.reach(11);
  await settleMicrotasks();
  expect([got.length, clock.untilNextMs()]).toEqual([8, undefined]);
});

/**
 * A store compared with a naive model under random histories: every outcome, lists at random revisions (I20),
 * watches from random revisions (I18, I21), compare-and-set (I17), revisions (I16).
 * The model is a plain array of all changes; whatever it answers is a fold over it.
 * Invariants by number: docs/spec/invariants.md.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type EmbeddedStore,
  type Store,
  storageFailureOf,
  type StoreEvent,
  type StoreWatch,
} from "../../src/storage/index.ts";
import { openCounted, type StoreMaker } from "./store-contract.ts";

interface Change {
  readonly revision: number;
  readonly key: string;
  readonly value: string | undefined;
}

type Step =
  | { readonly do: "create" | "update" | "delete"; readonly key: string; readonly isStale: boolean }
  | {
      readonly do: "list";
      readonly prefix: string;
      readonly start: string;
      readonly limit: number;
      readonly at: number;
    }
  | { readonly do: "watch"; readonly prefix: string; readonly at: number }
  | { readonly do: "cancel" | "ask" | "compact"; readonly at: number }
  | { readonly do: "wait" };

const keys = ["/p/a", "/p/a/b", "/p/aa", "/p/b", "/q/a", "/q/\u{1f600}", "/q/\uffee", "/r"];
const prefixes = ["", "/", "/p/", "/p/a", "/q/", "/s"];
/** A place between the oldest and the newest revision, as a share; slightly outside now and then. */
const place = fc.double({ min: -0.1, max: 1.1, noNaN: true });
const key = fc.constantFrom(...keys);
const isStale = fc.boolean();
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("create" as const), key, isStale }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("update" as const), key, isStale }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("delete" as const), key, isStale }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("list" as const),
      prefix: fc.constantFrom(...prefixes),
      start: fc.constantFrom("", ...keys),
      limit: fc.integer({ min: 0, max: 6 }),
      at: place,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("watch" as const),
      prefix: fc.constantFrom(...prefixes),
      at: place,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("cancel" as const, "ask" as const, "compact" as const),
      at: place,
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "wait" as const }) },
);

class Model {
  readonly log: Change[] = [];

  /** The last change of each key up to `revision`, deletions left out, in byte order. */
  fold(revision: number, prefix: string): Change[] {
    const last = new Map<string, Change>();
    for (const change of this.log.slice(0, revision)) last.set(change.key, change);
    return [...last.values()]
      .filter((change) => change.value !== undefined && change.key.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  /** What a write must answer: its revision or the code of its refusal. */
  write(step: Step & { readonly key: string }, expected: number): number | string {
    const last = this.log.findLast((change) => change.key === step.key);
    const isThere = last?.value !== undefined;
    if (step.do === "create" && isThere) return "exists";
    if (step.do !== "create" && !isThere) return "not-found";
    if (step.do !== "create" && last?.revision !== expected) return "conflict";
    const revision = this.log.length + 1;
    const value = step.do === "delete" ? undefined : `value of ${revision}`;
    this.log.push({ revision, key: step.key, value });
    return revision;
  }
}

interface Watching {
  readonly prefix: string;
  readonly after: number;
  readonly events: StoreEvent[];
  /** What it ends with, when it begins outside of what is known. */
  readonly refusal: string | undefined;
  readonly failures: unknown[];
  /** Each progress, with the number of events that had come before it. */
  readonly progressed: { readonly revision: number; readonly count: number }[];
  readonly watch: StoreWatch;
  /** Set when it was cancelled: how many events had come. */
  frozenAt?: number;
}

class Comparison {
  readonly #store: Store;
  readonly #maker: StoreMaker;
  #oldest = 0;
  readonly #model = new Model();
  readonly #watchings: Watching[] = [];
  #answers: Promise<void>[] = [];

  constructor(store: Store, maker: StoreMaker) {
    this.#store = store;
    this.#maker = maker;
  }

  async take(step: Step): Promise<void> {
    await this.#perform(step);
    if ("recount" in this.#store) expect((this.#store as EmbeddedStore).recount()).toEqual([]);
  }

  async #perform(step: Step): Promise<void> {
    switch (step.do) {
      case "create":
      case "update":
      case "delete":
        return this.#write(step);
      case "list":
        return this.#list(step);
      case "watch":
        return this.#watch(step);
      case "cancel":
        return this.#cancel(step.at);
      case "ask":
        return this.#watchings[this.#pick(step.at)]?.watch.requestProgress();
      case "compact":
        return this.#compact(step.at);
      case "wait":
        return this.#settle();
    }
  }

  async finish(): Promise<void> {
    await this.#settle();
    for (const { prefix, after, events, frozenAt, refusal, failures, progressed } of this.#watchings) {
      if (refusal !== undefined) {
        expect([events, failures]).toEqual([[], frozenAt === undefined ? [refusal] : []]);
        continue;
      }
      expect(failures).toEqual([]);
      const due = this.#model.log.filter(
        (change) => change.revision > after && change.key.startsWith(prefix),
      );
      const got = events.map((event) => [event.type, event.key, event.revision]);
      const wanted = due.map((change) => [
        change.value === undefined ? "delete" : "put",
        change.key,
        change.revision,
      ]);
      for (const { revision, count } of progressed)
        expect(count).toBe(due.filter((change) => change.revision <= revision).length);
      if (frozenAt === undefined) expect(progressed.length).toBeGreaterThan(0);
      expect(got).toEqual(frozenAt === undefined ? wanted : wanted.slice(0, frozenAt));
      for (const event of events) this.#checkStates(event);
    }
  }

  #checkStates(event: StoreEvent): void {
    const before = this.#model.log
      .slice(0, event.revision - 1)
      .findLast((change) => change.key === event.key);
    const previous = event.previous && textOf(event.previous.value);
    expect(previous).toBe(before?.value);
    const now = this.#model.log[event.revision - 1];
    expect(textOf(event.current.value)).toBe(event.type === "put" ? now?.value : before?.value);
  }

  /** Not waited for where the order of calls tells the answer. */
  async #write(step: Step & { readonly key: string; readonly isStale: boolean }): Promise<void> {
    const last = this.#model.log.findLast((change) => change.key === step.key);
    const expected = (last?.revision ?? 0) - (step.isStale ? 1 : 0);
    const value = new TextEncoder().encode(`value of ${this.#model.log.length + 1}`);
    const wanted = this.#model.write(step, expected);
    const answer =
      step.do === "create"
        ? this.#store.create(step.key, value)
        : step.do === "update"
          ? this.#store.update(step.key, value, expected)
          : this.#store.delete(step.key, expected);
    const outcome = answer.catch((error: unknown) => storageFailureOf(error)?.code ?? error);
    this.#answers.push(outcome.then((got) => expect(got).toEqual(wanted)));
    if (!this.#maker.isEmbedded) await outcome;
  }

  async #list(step: Step & { readonly do: "list" }): Promise<void> {
    const revision = this.#revisionAt(step.at);
    const { prefix, start, limit } = step;
    const [compactedRevision, currentRevision] = [this.#oldest, this.#current()];
    const answer = this.#store.list({ prefix, start, limit, revision });
    if (revision > currentRevision || revision < compactedRevision) {
      const code = revision > currentRevision ? "future" : "compacted";
      return expect(answer).rejects.toMatchObject({ failure: { code } });
    }
    const all = this.#model
      .fold(revision, prefix)
      .filter((change) => Buffer.compare(Buffer.from(change.key), Buffer.from(start)) >= 0);
    const { items, remaining } = await answer;
    const got = items.map((item) => [item.key, item.modRevision, textOf(item.value)]);
    expect(got).toEqual(all.slice(0, limit).map((change) => [change.key, change.revision, change.value]));
    expect(remaining).toBe(Math.max(0, all.length - limit));
  }

  async #watch(step: Step & { readonly do: "watch" }): Promise<void> {
    const after = this.#revisionAt(step.at);
    const events: StoreEvent[] = [];
    const failures: unknown[] = [];
    const progressed: { readonly revision: number; readonly count: number }[] = [];
    const watcher = {
      events: (batch: readonly StoreEvent[]) => void events.push(...batch),
      progress: (revision: number) => void progressed.push({ revision, count: events.length }),
      failed: (error: unknown) => void failures.push(storageFailureOf(error)?.code ?? error),
    };
    const isFuture = after > this.#current();
    const refusal = isFuture ? "future" : after < this.#oldest ? "compacted" : undefined;
    const watch = this.#store.watch({ prefix: step.prefix, after }, watcher);
    this.#watchings.push({ prefix: step.prefix, after, events, refusal, failures, progressed, watch });
    // Before the question has arrived the future may have become the present.
    if (isFuture && !this.#maker.isEmbedded) await this.#maker.settle();
  }

  #cancel(at: number): void {
    const watching = this.#watchings[this.#pick(at)];
    if (watching === undefined || watching.frozenAt !== undefined) return;
    if (watching.failures.length > 0) return;
    watching.watch.cancel();
    watching.frozenAt = watching.events.length;
  }

  /** What readers see: all of the model's log, but for writes under way. */
  #current(): number {
    return this.#maker.isEmbedded ? (this.#store.currentRevision() as number) : this.#model.log.length;
  }

  #pick(share: number): number {
    return Math.floor(Math.abs(share) * this.#watchings.length);
  }

  async #compact(at: number): Promise<void> {
    const revision = this.#revisionAt(at * 0.5);
    if (revision > this.#current()) return;
    // A watch that has still to tell what is forgotten may fail.
    if (!this.#maker.isEmbedded) await this.#maker.settle();
    await this.#store.compact(revision);
    this.#oldest = Math.max(this.#oldest, revision);
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#answers);
    this.#answers = [];
    await this.#maker.settle();
    expect(await this.#store.currentRevision()).toBe(this.#model.log.length);
  }

  #revisionAt(share: number): number {
    const [compactedRevision, currentRevision] = [this.#oldest, this.#current()];
    return Math.max(0, Math.round(compactedRevision + share * (currentRevision - compactedRevision)));
  }
}

function textOf(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

/** FC_SEED and FC_PATH replay a run that fast-check reported. */
export function replay(): { seed?: number; path?: string } {
  const { FC_SEED: seed, FC_PATH: path } = process.env;
  return { ...(seed === undefined ? {} : { seed: Number(seed) }), ...(path === undefined ? {} : { path }) };
}

export function storeAgainstModel(maker: StoreMaker): void {
  test("every answer, list and watch is what a fold over the log says (I16, I17, I18, I20, I21)", async () => {
    const histories = fc.array(step, { minLength: 10, maxLength: 120, size: "max" });
    const property = fc.asyncProperty(histories, async (steps) => {
      const store = await openCounted(maker);
      try {
        const comparison = new Comparison(store, maker);
        for (const taken of steps) await comparison.take(taken);
        await comparison.finish();
      } finally {
        await store.close();
      }
    });
    await fc.assert(property, { numRuns: maker.modelRuns, ...replay() });
  });
}

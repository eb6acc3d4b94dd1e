/**
 * Property: a cache that is added while the store is followed always shows what the store held at the cacher's revision, and its
 * history is what happened since; whatever is written, broken or forgotten while it loads. Others are not disturbed.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom, silentLog, silentMetrics, SimulatedClock } from "../../base/index.ts";
import type { KubeObject } from "../../machinery/index.ts";
import { ForeignDatabase } from "../../testing/foreign-database.ts";
import { ForeignStore } from "../../testing/foreign-store.ts";
import { replay } from "../../testing/replay.ts";
import { TimeDriver } from "../../testing/time-driver.ts";
import { Cacher, type LoadedResource, type ResourceCache } from "./cacher.ts";
import { WrittenObjects } from "./encode.ts";

const [there, added] = ["/core/configmaps/", "/example.com/widgets/"];
const parse = (value: Uint8Array): KubeObject => JSON.parse(Buffer.from(value).toString()) as KubeObject;
const resourceOf = (prefix: string) => ({ prefix, namespaced: true, parse });

type Step =
  | { readonly do: "write" | "delete"; readonly at: string }
  | { readonly do: "load" | "show" | "drop" | "remove" | "compact" | "break" }
  | { readonly do: "pass"; readonly ms: number };

const at = fc
  .tuple(fc.constantFrom(there, added), fc.constantFrom("a", "b", "c"))
  .map(([prefix, name]) => `${prefix}default/${name}`);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom("write" as const, "delete" as const), at }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "load" as const,
        "load" as const,
        "load" as const,
        "load" as const,
        "show" as const,
        "show" as const,
        "show" as const,
        "show" as const,
        "drop" as const,
        "remove" as const,
        "compact" as const,
        "break" as const,
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 60 }) }),
  },
);

class World {
  readonly clock = new SimulatedClock();
  readonly driver = new TimeDriver(this.clock);
  readonly database = new ForeignDatabase();
  readonly store: ForeignStore;
  readonly cacher: Cacher;
  #loading: Promise<void> | undefined;
  #loaded: LoadedResource | undefined;
  #shown: ResourceCache | undefined;
  /** Revision of the removed cache when it was removed, and what it held. */
  #removed: { readonly cache: ResourceCache; readonly held: unknown } | undefined;
  readonly #defects: unknown[] = [];
  #n = 0;

  constructor(seed: number) {
    const { clock } = this;
    this.store = new ForeignStore(this.database, { clock, random: seededRandom(seed) });
    const written = new WrittenObjects({ freeze: true });
    const parts = { store: this.store, written, clock, log: silentLog, metrics: silentMetrics };
    this.cacher = new Cacher([resourceOf(there)], parts);
  }

  /** @param isEarly the steps begin before the first list is in. */
  async run(steps: readonly Step[], isEarly: boolean): Promise<void> {
    const started = this.cacher.start((error) => {
      throw error;
    });
    if (!isEarly) await this.driver.until(started);
    for (const step of steps) {
      await this.#do(step);
      this.#check();
    }
    this.store.faults = {};
    await this.driver.until(started);
    await this.driver.pass(20_000);
    this.#check();
    this.cacher.stop();
    await this.driver.until(Promise.all([this.#loading, this.store.close()]));
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case "write":
      case "delete":
        return this.#write(step.at, step.do === "write");
      case "load":
        if (this.#loading !== undefined || this.#loaded !== undefined) return;
        this.#loading = this.cacher
          .load(resourceOf(added))
          .then((loaded) => void (this.#loaded = loaded))
          .catch((error: unknown) => {
            // Refused while the store is away: nothing is left of it, and it may be tried again.
            if (String(error).includes("defect")) this.#defects.push(error);
          })
          .finally(() => (this.#loading = undefined));
        return;
      case "show":
        // What has missed changes is dropped, and loaded again at some time.
        if (this.#loaded?.isCurrent() === true) this.#shown = this.#loaded.show();
        else this.#loaded?.drop();
        this.#loaded = undefined;
        return;
      case "drop":
        this.#loaded?.drop();
        this.#loaded = undefined;
        return;
      case "remove":
        if (this.#shown === undefined) return;
        this.cacher.remove(added);
        this.#removed = { cache: this.#shown, held: heldBy(this.#shown) };
        this.#shown = undefined;
        return;
      case "compact":
        return this.database.compact(this.database.revision);
      case "break":
        this.store.faults = { broken: 0.5 };
        return;
      case "pass":
        await this.driver.pass(step.ms);
    }
  }

  #write(key: string, isWrite: boolean): void {
    if (!isWrite) return void this.database.transact([{ key }]);
    const metadata = { name: key.split("/").at(-1), namespace: "default" };
    const value = Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "X", metadata, n: ++this.#n }));
    this.database.transact([{ key, value }]);
  }

  #check(): void {
    expect(this.#defects).toEqual([]);
    this.#checkCache(this.cacher.cache(there), there);
    if (this.#shown !== undefined) this.#checkCache(this.#shown, added);
    if (this.#removed !== undefined) expect(heldBy(this.#removed.cache)).toEqual(this.#removed.held);
  }

  #checkCache(cache: ResourceCache, prefix: string): void {
    const { revision } = this.cacher;
    if (!this.cacher.isLoaded) return;
    const rows = this.database.at(revision, prefix);
    expect(heldBy(cache)).toEqual(rows.map(({ key, revision: at }) => `${key}@${at}`));
    // What was compacted the database has forgotten; the cache need not.
    const from = Math.max(cache.historyStart, this.database.oldest);
    const happened = this.database
      .after(from)
      .flat()
      .filter((row) => row.key.startsWith(prefix) && row.revision <= revision);
    const told = (cache.eventsAfter(from) ?? []).map((event) => `${event.current.key}@${event.revision}`);
    expect(told).toEqual(happened.map(({ key, revision: at }) => `${key}@${at}`));
  }
}

function heldBy(cache: ResourceCache): readonly string[] {
  return cache.candidates({}).map(({ key, revision }) => `${key}@${revision}`);
}

test("an added cache is as new as the others, and complete", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 120 }),
      fc.integer({ min: 1, max: 1_000 }),
      fc.boolean(),
      (steps, seed, isEarly) => new World(seed).run(steps, isEarly),
    ),
    { numRuns: 200, ...replay() },
  );
});

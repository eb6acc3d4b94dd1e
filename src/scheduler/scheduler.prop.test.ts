/**
 * The scheduler against the real API server, with any pods, nodes, priorities and lost calls: no node is ever given more than
 * it has, nobody goes for one who does not count more, and in the end nobody waits who could have a place or make one.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { events, type Node, nodes, type Pod, podCondition, pods } from "../api/index.ts";
import { type Random, seededRandom, sleep } from "../base/index.ts";
import type { Client } from "../client/index.ts";
import { isNotFound } from "../machinery/index.ts";
import { makeNode, makePod } from "../testing/cluster-objects.ts";
import { type TestCluster, withCluster } from "../testing/cluster.ts";
import { createScheduler } from "./index.ts";

const nodeNames = ["a", "b", "c"];
/** A call of the scheduler takes no longer; pods may come faster. */
const delayMsMax = 60;
/** Cpus of a node. */
const nodeCpus = 4;
const classes = [undefined, "system-cluster-critical", "system-node-critical"];

type Step =
  | {
      readonly do: "pod";
      readonly cpu: number;
      readonly class: number;
      readonly never: boolean;
      readonly graceful: boolean;
    }
  | { readonly do: "end"; readonly pick: number }
  | { readonly do: "node"; readonly name: string }
  | { readonly do: "drop-node"; readonly name: string }
  | { readonly do: "cordon"; readonly name: string; readonly isOn: boolean }
  | { readonly do: "pass"; readonly ms: number };

const name = fc.constantFrom(...nodeNames);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("pod" as const),
      cpu: fc.integer({ min: 1, max: 4 }),
      class: fc.nat(2),
      never: fc.boolean(),
      graceful: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("end" as const), pick: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("node" as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop-node" as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cordon" as const), name, isOn: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 10, max: 4_000 }) }),
  },
);

/** Calls of the scheduler take time. Until they are healed some get lost, before or after the server has carried them out. */
function lossy({ client, clock }: TestCluster, random: Random): { readonly client: Client; heal(): void } {
  let loss = 0.15;
  const may = <A extends unknown[], T>(call: (...given: A) => Promise<T>) => ({
    value: async (...given: A): Promise<T> => {
      await sleep(clock, Math.floor(random.next() * delayMsMax));
      const dice = random.next();
      if (dice < loss / 2) throw new Error("the request was lost");
      const reply = await call(...given);
      if (dice < loss) throw new Error("the reply was lost");
      return reply;
    },
  });
  const faulty: Client = Object.create(client, {
    patch: may(client.patch.bind(client)),
    delete: may(client.delete.bind(client)),
    createSubresource: may(client.createSubresource.bind(client)),
  });
  return { client: faulty, heal: () => (loss = 0) };
}

const cpuOf = (pod: Pod): number => Number(pod.spec.containers[0]!.resources!.requests!["cpu"]);
const priorityOf = (pod: Pod): number => pod.spec.priority ?? 0;

class World {
  readonly #cluster: TestCluster;
  readonly #priorities = new Map<string, number>();
  #serial = 0;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  async act(one: Step): Promise<void> {
    const { client } = this.#cluster;
    switch (one.do) {
      case "pod":
        return this.#addPod(one);
      case "end": {
        const all = await this.#pods();
        const pod = all[one.pick];
        if (pod !== undefined)
          await client.delete(
            pods,
            { namespace: "default", name: pod.metadata.name! },
            { gracePeriodSeconds: 0 },
          );
        return;
      }
      case "node": {
        const { metadata, ...rest } = makeNode(one.name);
        if ((await this.#cluster.find(nodes, one.name)) === undefined)
          await client.create<Node>(nodes, { ...rest, metadata: { name: metadata.name! } });
        return;
      }
      case "drop-node":
        await client.delete(nodes, { name: one.name }).catch(unlessNotFound);
        return;
      case "cordon": {
        const body = { spec: { unschedulable: one.isOn } };
        await client.patch(nodes, { name: one.name }, { type: "merge", body }).catch(unlessNotFound);
        return;
      }
      case "pass":
        await this.#cluster.advance(one.ms);
    }
  }

  async #addPod(one: Step & { readonly do: "pod" }): Promise<void> {
    const priorityClassName = classes[one.class];
    const spec = {
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
      ...(one.never && priorityClassName === undefined ? { preemptionPolicy: "Never" } : {}),
      terminationGracePeriodSeconds: one.graceful ? 30 : 0,
    };
    const pod = makePod(`p${this.#serial++}`, { requests: { cpu: `${one.cpu}` }, spec });
    const { uid: _uid, ...metadata } = pod.metadata;
    const made = await this.#cluster.client.create<Pod>(pods, { ...pod, metadata });
    this.#priorities.set(made.metadata.uid!, priorityOf(made));
  }

  async #pods(): Promise<readonly Pod[]> {
    return (await this.#cluster.client.list(pods, { namespace: "default" })).items;
  }

  async #nodes(): Promise<readonly Node[]> {
    return (await this.#cluster.client.list(nodes)).items;
  }

  /** What holds at every moment. */
  async check(): Promise<void> {
    const all = await this.#pods();
    for (const { metadata } of await this.#nodes()) {
      const there = all.filter(({ spec }) => spec.nodeName === metadata.name);
      expect(there.reduce((sum, pod) => sum + cpuOf(pod), 0)).toBeLessThanOrEqual(nodeCpus);
    }
    for (const pod of all) {
      const condition = podCondition(pod, "DisruptionTarget");
      if (condition !== undefined) expect(condition.reason).toBe("PreemptionByScheduler");
    }
    for (const { reason, message, involvedObject } of (await this.#cluster.client.list(events)).items) {
      if (reason !== "Preempted") continue;
      const uid = /^Preempted by pod (\S+) on node [abc]$/.exec(message ?? "")?.[1] ?? "";
      expect(this.#priorities.get(uid)).toBeGreaterThan(this.#priorities.get(involvedObject.uid!)!);
    }
  }

  /** Victims end, calls are tried again, and those that wait long are looked at, until nothing is left to happen. */
  async settle(): Promise<void> {
    for (let round = 0; round < 6; round++) {
      for (const pod of await this.#pods())
        if (pod.metadata.deletionTimestamp !== undefined)
          await this.#cluster.client.delete(
            pods,
            { namespace: "default", name: pod.metadata.name! },
            { gracePeriodSeconds: 0 },
          );
      await this.#cluster.advance(round % 2 === 0 ? 15_000 : 340_000);
      await this.check();
    }
  }

  /** Nobody waits who would suit a node, or could make it suit; and nobody is promised anything. */
  async checkEnd(): Promise<void> {
    const all = await this.#pods();
    expect(all.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([]);
    const open = (await this.#nodes()).filter(({ spec }) => spec.unschedulable !== true);
    for (const pod of all.filter(({ spec }) => !spec.nodeName)) {
      expect(pod.status?.nominatedNodeName).toBeUndefined();
      for (const { metadata } of open) {
        const there = all.filter(({ spec }) => spec.nodeName === metadata.name);
        const stays = (other: Pod): boolean =>
          pod.spec.preemptionPolicy === "Never" || priorityOf(other) >= priorityOf(pod);
        const taken = there.filter(stays).reduce((sum, other) => sum + cpuOf(other), 0);
        expect(nodeCpus - taken).toBeLessThan(cpuOf(pod));
      }
    }
  }
}

function unlessNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

/** A pod that lost its promise while its status was on its way was parked with others, and its status kept the promise. */
const pod = { do: "pod", cpu: 4, class: 1, never: false, graceful: false } as const;
const stalePromise: Step[] = [
  { ...pod, cpu: 1, class: 2 },
  { ...pod, class: 0 },
  { ...pod, cpu: 1, class: 0 },
  { do: "drop-node", name: "a" },
  { do: "cordon", name: "a", isOn: false },
  pod,
  { do: "cordon", name: "a", isOn: false },
  pod,
];

test("no node is given too much, nobody goes for an equal, and in the end nobody waits in vain", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer(), async (steps, seed) => {
      await withCluster(async (cluster) => {
        const world = new World(cluster);
        const { client, heal } = lossy(cluster, seededRandom(seed));
        for (const one of ["a", "b"]) await world.act({ do: "node", name: one });
        await cluster.start(createScheduler({}, { ...cluster.dependencies("default-scheduler"), client }));
        for (const one of steps) {
          await world.act(one);
          await cluster.advance(10);
          await world.check();
        }
        heal();
        await world.settle();
        await world.checkEnd();
      });
    }),
    { numRuns: 50, examples: [[stalePromise, 994247835]] },
  );
});

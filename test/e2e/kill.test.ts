/**
 * `lares up` is killed in the middle of its work and started again: the work goes on, and watchers that come back see
 * every change once. I14, I16 and I18 of docs/spec/invariants.md.
 * The moments of the kills follow LARES_E2E_SEED, which is printed.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster, eventually } from "./cluster.ts";
import { Follower, type Seen } from "./follower.ts";
import { daemonSet, merge } from "./hostile/rows.ts";
import { Api } from "./https.ts";

const seed = Number(process.env["LARES_E2E_SEED"] ?? Date.now() % 1_000_000);
const workers = 6;
const args = [
  "--workers",
  String(workers),
  "--pull-seconds",
  "0.1",
  "--start-seconds",
  "0.1",
  "--stop-seconds",
  "0.1",
];

const collection = "/apis/apps/v1/namespaces/default/daemonsets";
const podsPath = "/api/v1/namespaces/default/pods";
const nodesPath = "/api/v1/nodes";

/** Numbers from 0 to 1, the same ones for the same seed: mulberry32. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Starts `lares up` and kills it `ms` later. */
async function killedStart(cluster: Cluster, ms: number): Promise<void> {
  const start = cluster.start(args).catch(() => {});
  await pause(ms);
  await cluster.end("SIGKILL");
  await start;
}

interface PodFacts {
  readonly name: string;
  readonly uid: string;
  readonly node: string | undefined;
  readonly image: string;
  readonly restarts: number;
  readonly isTerminating: boolean;
}

async function podsOf(api: Api, set: string): Promise<readonly PodFacts[]> {
  const { items } = await api.must("GET", `${podsPath}?labelSelector=app%3D${set}`);
  // oxlint-disable-next-line typescript/no-explicit-any -- issue 2: replies have no types here.
  return items.map(({ metadata, spec, status }: any) => ({
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName,
    image: spec.containers[0].image,
    restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    isTerminating: metadata.deletionTimestamp !== undefined,
  }));
}

function withImage(image: string): object {
  return { spec: { template: { spec: { containers: [{ name: "main", image }] } } } };
}

async function setImage(api: Api, set: string, image: string): Promise<void> {
  const body = withImage(image);
  await api.must("PATCH", `${collection}/${set}`, { headers: { "content-type": merge }, body });
}

async function settled(api: Api, set: string): Promise<void> {
  await eventually(
    async () => {
      const { metadata, status } = await api.must("GET", `${collection}/${set}`);
      const isDone =
        status.observedGeneration === metadata.generation &&
        status.desiredNumberScheduled === workers &&
        status.updatedNumberScheduled === workers &&
        status.numberAvailable === workers;
      return isDone || undefined;
    },
    `${set} to settle`,
    30_000,
  );
}

/** The events of one unbroken watch over the same part of the history. */
async function unbroken(cluster: Cluster, path: string, follower: Follower): Promise<readonly Seen[]> {
  const api = new Api(cluster.kubeconfig);
  const seen: Seen[] = [];
  const last = follower.events.at(-1)?.resourceVersion;
  const stop = new AbortController();
  const watch = api.watch(
    `${path}?watch=1&resourceVersion=${follower.from}`,
    ({ type, object }) => {
      const { name, namespace, resourceVersion } = object.metadata;
      seen.push({ type, name: namespace === undefined ? name : `${namespace}/${name}`, resourceVersion });
      if (resourceVersion === last) stop.abort();
    },
    stop.signal,
  );
  await watch.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return seen;
}

/** Checks that the follower saw every event once and in order, and that its state equals the current list. */
async function expectWhole(cluster: Cluster, path: string, follower: Follower): Promise<void> {
  const api = new Api(cluster.kubeconfig);
  const list = await eventually(async () => {
    const { items } = await api.must("GET", path);
    // oxlint-disable-next-line typescript/no-explicit-any -- issue 2: replies have no types here.
    const now = items.map(({ metadata }: any) => [
      metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`,
      metadata.resourceVersion,
    ]);
    return JSON.stringify(now) === JSON.stringify([...follower.state].sort()) ? now : undefined;
  }, `the watcher of ${path} to see what the list shows`).finally(() => api.close());
  expect(follower.faults).toEqual([]);
  expect(list.length).toBeGreaterThan(0);
  expect(await unbroken(cluster, path, follower)).toEqual(follower.events);
}

describe("in the middle of a roll-out", () => {
  let cluster: Cluster;
  let api: Api;
  let follower: Follower;

  beforeAll(async () => {
    cluster = await Cluster.up({ args });
    api = new Api(cluster.kubeconfig);
    await api.must("POST", collection, { body: daemonSet("agent") });
    await settled(api, "agent");
    follower = new Follower(cluster.kubeconfig, podsPath);
    await follower.start();
  });

  afterAll(async () => {
    await follower.stop();
    api.close();
    await cluster.stop();
  });

  test("the roll-out finishes, and no pod is replaced twice", async () => {
    await setImage(api, "agent", "httpd:2.5");
    const done = await eventually(async () => {
      // One that has no node yet gets it after the kill.
      const updated = (await podsOf(api, "agent")).filter(
        ({ image, isTerminating, node }) => image === "httpd:2.5" && !isTerminating && node !== undefined,
      );
      return updated.length >= 3 ? updated : undefined;
    }, "half of the roll-out");
    expect(done.length).toBeLessThan(workers);
    await cluster.end("SIGKILL");
    api.close();

    await cluster.start(args);
    api = new Api(cluster.kubeconfig);
    await settled(api, "agent");

    const after = await podsOf(api, "agent");
    expect(after.map(({ image }) => image)).toEqual(Array.from({ length: workers }, () => "httpd:2.5"));
    expect(new Set(after.map(({ node }) => node)).size).toBe(workers);
    expect(after.map(({ restarts }) => restarts)).toEqual(Array.from({ length: workers }, () => 0));
    for (const { uid, name, node } of done)
      expect(after).toContainEqual(expect.objectContaining({ uid, name, node }));
  });

  test("a watcher that reconnects has seen every change once", async () => {
    await expectWhole(cluster, podsPath, follower);
    expect(follower.connections).toBeGreaterThan(1);
    const replaced = follower.events.filter(({ type }) => type === "DELETED").length;
    expect(replaced).toBe(workers);
    expect(follower.events.filter(({ type }) => type === "ADDED")).toHaveLength(workers);
  });
});

describe(`at random moments, seed ${seed}`, () => {
  const random = randomFrom(seed);
  const kills = 6;

  test(`${kills} kills under way`, async () => {
    console.log(`LARES_E2E_SEED=${seed}`);
    const cluster = await Cluster.up({ args });
    let api = new Api(cluster.kubeconfig);
    await api.must("POST", collection, { body: daemonSet("agent") });
    const follower = new Follower(cluster.kubeconfig, podsPath);
    const sets = new Follower(cluster.kubeconfig, collection);
    await Promise.all([follower.start(), sets.start()]);
    try {
      for (let kill = 0; kill < kills; kill++) {
        // The first kill comes right after the answer to the write, the others at any time in the roll-out.
        await setImage(api, "agent", `httpd:${kill}`);
        await pause(kill === 0 ? 0 : random() * 1_000);
        await cluster.end("SIGKILL");
        api.close();
        // Every second time there is another kill while it starts again.
        if (kill % 2 === 1) await killedStart(cluster, random() * 800);
        await cluster.start(args);
        api = new Api(cluster.kubeconfig);
        const { spec } = await api.must("GET", `${collection}/agent`);
        expect(spec.template.spec.containers[0].image).toBe(`httpd:${kill}`);
      }
      await settled(api, "agent");
      const pods = await podsOf(api, "agent");
      expect(pods.map(({ image, restarts }) => `${image} ${restarts}`)).toEqual(
        Array.from({ length: workers }, () => `httpd:${kills - 1} 0`),
      );
      await expectWhole(cluster, podsPath, follower);
      await expectWhole(cluster, collection, sets);
    } finally {
      await Promise.all([follower.stop(), sets.stop()]);
      api.close();
      await cluster.stop();
    }
  });

  test("kills while it starts for the first time and registers its nodes", async () => {
    for (let kill = 0; kill < 5; kill++) {
      const cluster = Cluster.at();
      try {
        for (let times = 0; times < 2; times++) {
          await killedStart(cluster, 150 + random() * 500);
        }
        await cluster.start(args);
        const api = new Api(cluster.kubeconfig);
        await api.must("POST", collection, { body: daemonSet("agent") });
        await settled(api, "agent");
        expect((await api.must("GET", nodesPath)).items).toHaveLength(workers + 1);
        expect((await podsOf(api, "agent")).map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0, 0, 0]);
        api.close();
      } finally {
        await cluster.stop();
      }
    }
  });
});

/**
 * Control plane and nodes as two processes, `lares server` and `lares fleet`. Each may die and come back; the other one
 * continues. I18 and I25 of docs/spec/invariants.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster, eventually, kubectls } from "./cluster.ts";
import { Follower } from "./follower.ts";
import { daemonSet, merge } from "./hostile/rows.ts";
import { Api } from "./https.ts";
import { LaresProcess } from "./lares-process.ts";

const size = 20;
/** A node counts as silent after 50 s; upstream's grace. */
const graceMs = 50_000;
const daemonsetsPath = "/apis/apps/v1/namespaces/default/daemonsets";
const podsPath = "/api/v1/namespaces/default/pods";

let folder: string;
let kubeconfig: string;
let server: LaresProcess;
let fleet: LaresProcess;
let api: Api;

async function startServer(port: number): Promise<void> {
  server = new LaresProcess(["server", "--port", String(port), "--data-dir", folder]);
  await server.says("export KUBECONFIG=");
  api = new Api(kubeconfig);
}

async function startFleet(): Promise<void> {
  const timings = ["--pull-seconds", "0.1", "--start-seconds", "0.1", "--stop-seconds", "0.1"];
  fleet = new LaresProcess(["fleet", "--nodes", String(size), "--kubeconfig", kubeconfig, ...timings]);
  await fleet.says(`${size} simulated nodes against`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lares-fleet-"));
  kubeconfig = join(folder, "kubeconfig");
  await startServer(0);
  await startFleet();
});

afterAll(async () => {
  await fleet?.end("SIGTERM");
  await server?.end("SIGTERM");
  api?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function settled(): Promise<void> {
  await eventually(
    async () => {
      const { metadata, status } = await api.must("GET", `${daemonsetsPath}/agent`);
      const isDone =
        status.observedGeneration === metadata.generation &&
        status.updatedNumberScheduled === size &&
        status.numberAvailable === size;
      return isDone || undefined;
    },
    "the DaemonSet to settle",
    30_000,
  );
}

/** Container ids and restart counts, which change when a container is started again. */
async function containers(): Promise<readonly string[]> {
  const { items } = await api.must("GET", `${podsPath}?labelSelector=app%3Dagent`);
  // oxlint-disable-next-line typescript/no-explicit-any -- issue 2: replies have no types here.
  return items.map(({ metadata, status }: any) => {
    const { containerID, restartCount, state } = status.containerStatuses[0];
    return `${metadata.name} ${metadata.uid} ${containerID} ${restartCount} ${state.running?.startedAt}`;
  });
}

/** Nodes by the status of their condition Ready. */
async function nodesBy(): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  const { items } = await api.must("GET", "/api/v1/nodes");
  for (const { status } of items) {
    // oxlint-disable-next-line typescript/no-explicit-any -- issue 2: replies have no types here.
    const ready = status.conditions?.find(({ type }: any) => type === "Ready")?.status ?? "none";
    counts[ready] = (counts[ready] ?? 0) + 1;
  }
  return counts;
}

async function setImage(image: string): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: "main", image }] } } } };
  await api.must("PATCH", `${daemonsetsPath}/agent`, { headers: { "content-type": merge }, body });
}

test("a DaemonSet settles on the nodes of the other process", async () => {
  const body = daemonSet("agent");
  await api.must("POST", daemonsetsPath, { body });
  await settled();
  expect(await nodesBy()).toEqual({ True: size });
  expect(new Set(await containers()).size).toBe(size);
});

test.each(kubectls())("$name shows the logs of a pod of the other process", async (kubectl) => {
  const client = Cluster.at(folder);
  const { items } = await api.must("GET", `${podsPath}?labelSelector=app%3Dagent&limit=1`);
  const { name } = items[0].metadata;
  const logs = await client.run(kubectl, `logs ${name}`);
  expect(logs.stderr).toBe("");
  expect(logs.stdout.split("\n").length).toBeGreaterThan(1);
  const tail = await client.run(kubectl, `logs ds/agent --tail=1 --timestamps`);
  expect(tail.stdout).toMatch(/^\d{4}-\d\d-\d\dT\S+Z \S[^\n]*\n$/);
  rmSync(client.home, { recursive: true });
});

describe("the fleet dies", () => {
  let before: readonly string[];

  test("its nodes are NotReady after the grace period, and nothing is evicted when all fall silent at once", async () => {
    before = await containers();
    await fleet.end("SIGKILL");
    expect(await nodesBy()).toEqual({ True: size });
    await eventually(
      async () => ((await nodesBy())["Unknown"] === size ? true : undefined),
      "all nodes to be NotReady",
      graceMs + 20_000,
    );
    // As upstream: their taint keeps new pods away, so the pods there are misscheduled, but stay.
    await eventually(async () => {
      const { status } = await api.must("GET", `${daemonsetsPath}/agent`);
      return (status.desiredNumberScheduled === 0 && status.numberMisscheduled === size) || undefined;
    }, "the status to show it");
    const { items } = await api.must("GET", podsPath);
    // oxlint-disable-next-line typescript/no-explicit-any -- issue 2: replies have no types here.
    expect(items.filter(({ metadata }: any) => metadata.deletionTimestamp !== undefined)).toEqual([]);
  });

  test("and comes back: the same containers go on", async () => {
    await startFleet();
    await eventually(
      async () => ((await nodesBy())["True"] === size ? true : undefined),
      "all nodes to be Ready",
    );
    await settled();
    expect(await containers()).toEqual(before);
    expect((await api.must("GET", `${daemonsetsPath}/agent`)).status.numberReady).toBe(size);
  });
});

describe("the server dies under a running fleet", () => {
  test("watches resume, no container is started again, and work goes on", async () => {
    const follower = new Follower(kubeconfig, podsPath);
    await follower.start();
    const before = await containers();
    const port = Number(api.url.port);
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await server.end(signal);
      api.close();
      await startServer(port);
    }
    await settled();
    expect(await containers()).toEqual(before);
    await setImage("httpd:2.5");
    await settled();
    await eventually(
      () => follower.events.filter(({ type }) => type === "DELETED").length === size || undefined,
    );
    await follower.stop();
    expect(follower.faults).toEqual([]);
    expect(follower.connections).toBeGreaterThanOrEqual(3);
    expect(follower.events.filter(({ type }) => type === "ADDED")).toHaveLength(size);
    expect(await nodesBy()).toEqual({ True: size });
    expect(fleet.hasEnded).toBe(false);
  });

  test("each stops cleanly on its own", async () => {
    const stopped = await fleet.end("SIGTERM");
    expect(stopped.code).toBe(0);
    const { code, stderr } = await server.end("SIGTERM");
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });
});

test("a fleet without a server fails with one line", async () => {
  const { code, stderr } = await new LaresProcess(["fleet", "--kubeconfig", join(folder, "none")]).ended();
  expect(stderr).toMatch(/^lares: [^\n]+\n {7}name a kubeconfig with --kubeconfig, or set KUBECONFIG\n$/);
  expect(code).toBe(1);
});

/**
 * CPU time of the writes that a fleet makes most, each through client, loopback and API server, but with the memory store:
 * `node bench/run.mjs writes [--objects 3000] [--rounds 5]`
 *
 * Not here: controllers and the disk (fan-out.ts, store.ts). To compare two states of the code, run them in turn on one machine.
 */
import { createApiServer } from "../src/apiserver/index.ts";
import {
  daemonsets,
  type Event,
  events,
  type Lease,
  leases,
  nodes,
  type Pod,
  pods,
} from "../src/api/index.ts";
import { seededRandom, silentLog, silentMetrics } from "../src/base/index.ts";
import { type Client, createClient, loopbackTransport } from "../src/client/index.ts";
import { systemClock } from "../src/main/system.ts";
import type { Resource } from "../src/machinery/index.ts";
import { createMemoryStore } from "../src/storage/index.ts";

/** Writes under way at once, as by a fleet. */
const inFlight = 64;

async function open(signal: AbortSignal): Promise<Client> {
  const random = seededRandom(1);
  const server = createApiServer(
    { freeze: false, taintsNewNodes: false },
    { store: createMemoryStore(), clock: systemClock, random, log: silentLog, metrics: silentMetrics },
  );
  void server.run(signal);
  await server.ready;
  const user = { username: "bench", groups: ["system:masters"] };
  const client = createClient(loopbackTransport(server.handler, { user, userAgent: "bench" }), {
    userAgent: "bench",
  });
  // Every resource has a watcher, as with informers.
  for (const resource of [pods, nodes, leases, daemonsets] as readonly Resource[]) {
    const options = { resourceVersion: "0", timeoutSeconds: 3_600, signal };
    await client.watch(resource, options, { events: () => {}, end: () => {} });
  }
  return client;
}

function newPod(index: number): Pod {
  const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "fan-out", uid: "0b1c", controller: true };
  const matchFields = [{ key: "metadata.name", operator: "In", values: [`node-${index}`] }];
  const keys = ["not-ready", "unreachable"].map((word) => `node.kubernetes.io/${word}`);
  const pressures = ["disk", "memory", "pid"].map((word) => `node.kubernetes.io/${word}-pressure`);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: "fan-out-",
      namespace: "default",
      labels: { app: "fan-out", "controller-revision-hash": "7f6d9c", "pod-template-generation": "1" },
      ownerReferences: [{ ...owner, blockOwnerDeletion: true }],
    },
    spec: {
      containers: [{ name: "agent", image: "agent:1", resources: { requests: { cpu: "10m" } } }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
        },
      },
      tolerations: [
        ...keys.map((key) => ({ key, operator: "Exists", effect: "NoExecute" })),
        ...pressures.map((key) => ({ key, operator: "Exists", effect: "NoSchedule" })),
      ],
    },
  };
}

function statusOf(pod: Pod, isRunning: boolean): Pod {
  const time = "2026-11-21T10:00:00Z";
  const types = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
  const state = isRunning ? { running: { startedAt: time } } : { waiting: { reason: "ContainerCreating" } };
  const status = String(isRunning ? "True" : "False");
  return {
    ...pod,
    status: {
      phase: isRunning ? "Running" : "Pending",
      conditions: types.map((type) => ({ type, status, lastTransitionTime: time })),
      hostIP: "172.16.0.2",
      hostIPs: [{ ip: "172.16.0.2" }],
      startTime: time,
      containerStatuses: [
        {
          name: "agent",
          image: "agent:1",
          imageID: "",
          ready: isRunning,
          started: isRunning,
          restartCount: 0,
          state,
          lastState: {},
        },
      ],
      qosClass: "Burstable",
    },
  };
}

function eventOf(pod: Pod, index: number): Event {
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  const time = "2026-11-21T10:00:00Z";
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.${index.toString(16)}`, namespace: namespace! },
    involvedObject: {
      apiVersion: "v1",
      kind: "Pod",
      name: name!,
      namespace: namespace!,
      uid: uid!,
      resourceVersion: resourceVersion!,
    },
    reason: "Pulling",
    message: 'Pulling image "agent:1"',
    type: "Normal",
    source: { component: "kubelet", host: `node-${index}` },
    reportingComponent: "kubelet",
    reportingInstance: `node-${index}`,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

/** @returns microseconds of CPU per call, of all threads. */
async function cost(count: number, one: (index: number) => Promise<void>): Promise<number> {
  let next = 0;
  const before = process.cpuUsage();
  const caller = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

async function round(count: number): Promise<Map<string, number>> {
  const stop = new AbortController();
  const client = await open(stop.signal);
  const made: Pod[] = [];
  const renewed: Lease[] = [];
  const renew = (index: number, second: number): Lease["spec"] => ({
    holderIdentity: `node-${index}`,
    leaseDurationSeconds: 40,
    renewTime: `2026-11-21T10:00:0${second}.123456Z`,
  });
  const results = new Map<string, number>();
  const measure = async (name: string, one: (index: number) => Promise<void>): Promise<void> => {
    results.set(name, await cost(count, one));
  };
  await measure("pod create", async (at) => void (made[at] = await client.create(pods, newPod(at))));
  await measure("pod bind", async (at) => {
    const { name, namespace } = made[at]!.metadata;
    const target = { kind: "Node", name: `node-${at}` };
    const address = { name: name!, namespace: namespace!, subresource: "binding" };
    await client.createSubresource(pods, address, {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name },
      target,
    });
    made[at] = await client.get(pods, { name: name!, namespace: namespace! });
  });
  for (const isRunning of [false, true]) {
    await measure(`pod status ${isRunning ? 2 : 1}`, async (at) => {
      made[at] = await client.update(pods, statusOf(made[at]!, isRunning), { subresource: "status" });
    });
  }
  await measure("event create", async (at) => void (await client.create(events, eventOf(made[at]!, at))));
  await measure("lease create", async (at) => {
    const metadata = { name: `node-${at}`, namespace: "kube-node-lease" };
    renewed[at] = await client.create(leases, { metadata, spec: renew(at, 0)! });
  });
  await measure("lease renew", async (at) => {
    renewed[at] = await client.update(leases, { ...renewed[at]!, spec: renew(at, 1)! });
  });
  stop.abort();
  return results;
}

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const all = new Map<string, number[]>();
// The first round warms the code up and does not count.
for (let at = 0; at <= option("rounds", 5); at++) {
  const results = await round(option("objects", 3_000));
  if (at > 0) for (const [name, value] of results) all.set(name, [...(all.get(name) ?? []), value]);
}
console.log("microseconds of CPU per write: median (least-most)\n");
for (const [name, values] of all) {
  const sorted = values.toSorted((a, b) => a - b);
  const show = (value: number): string => value.toFixed(1);
  console.log(
    `${name.padEnd(14)} ${show(sorted[sorted.length >> 1]!)} (${show(sorted[0]!)}-${show(sorted.at(-1)!)})`,
  );
}
const least = [...all.values()].map((values) => Math.min(...values));
console.log(`\nsum of the least: ${least.reduce((sum, value) => sum + value, 0).toFixed(1)}`);

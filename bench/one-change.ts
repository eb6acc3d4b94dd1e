/**
 * One change in a large cluster: from its acknowledgement to the durable write of the pod that it causes.
 * `node bench/run.mjs one-change [--nodes 1500,15000] [--sets 20] [--matching 100] [--changes 40] [--rounds 2]
 *   [--controller ours|reference|both]`
 *
 * Every DaemonSet has its own node selector and pods on `matching` nodes. Nodes are objects without agents, whose heartbeats
 * would be most of the work. A write is durable when a watch shows it. CPU is that of the whole process (server, scheduler,
 * controllers) from a change to the next, minus that of pauses of the same length before and after. A difference below the
 * noise of such pauses is shown as "<0.1" and counts as 0.1. Writes to pods, revisions and DaemonSets that the change does
 * not concern are counted; there must be none.
 */
import { nodeObject } from "../src/agent/index.ts";
import {
  controllerrevisions,
  type DaemonSet,
  daemonsets,
  nodes as nodeResource,
  type Pod,
  pods as podResource,
} from "../src/api/index.ts";
import { createLimiter } from "../src/base/index.ts";
import type { WatchEvent } from "../src/client/index.ts";
import { controllerOf, type KubeObject } from "../src/machinery/index.ts";
import {
  type BenchPlane,
  cpuMs,
  nodeName,
  pause,
  startBenchPlane,
  until,
  type Which,
} from "./support/bench-plane.ts";
import {
  controllersToRun,
  machineLine,
  option,
  printTable,
  quantile,
  ratios,
  runRounds,
  spread,
} from "./support/rounds.ts";

const sizes = option("nodes", "15000").split(",").map(Number);
const sets = Number(option("sets", "20"));
const matching = Number(option("matching", "100"));
const changes = Number(option("changes", "40"));
const rounds = Number(option("rounds", "2"));
/** From one change to the next, in ms: longer than any change takes. */
const intervalMs = 200;
/** Intervals without changes before the changes of a kind, and as many after them: CPU at rest comes in bursts. */
const restIntervals = 15;
/** Least CPU of one change that differs measurably from rest, in ms. */
const cpuLeastMs = 0.1;
/** Longest wait for the write that a change causes, in ms. */
const writeMaxMs = 30_000;
/** Calls under way at once while the cluster is built. */
const buildersMax = 64;
const resources = { cpu: "4", memory: "16Gi", pods: "110" };
const groupLabel = "bench/group";

const kinds = ["label set", "label removed", "node added", "taint NoExecute", "pod deleted"] as const;
type KindOfChange = (typeof kinds)[number];

interface Figures {
  readonly latenciesMs: readonly number[];
  readonly cpuMs: number;
  readonly unrelated: number;
}
interface Case {
  readonly nodes: number;
  readonly which: Which;
}
type AllFigures = Readonly<Record<KindOfChange, Figures>>;

function manifest(set: number): DaemonSet {
  const labels = { app: `set-${set}` };
  const containers = [{ name: "agent", image: "agent:1", resources: { requests: { cpu: "10m" } } }];
  const spec = { nodeSelector: { [groupLabel]: String(set) }, terminationGracePeriodSeconds: 0, containers };
  return {
    metadata: { name: `set-${set}`, namespace: "default" },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

/** What the watches show. */
class Watcher {
  /** Writes of pods, revisions and DaemonSets, by DaemonSet. */
  readonly writes = new Map<string, number>();
  readonly podOf = new Map<string, Pod>();
  #waiting:
    { readonly isIt: (event: WatchEvent<Pod>) => boolean; readonly seen: (atMs: number) => void } | undefined;

  async watch({ client }: BenchPlane): Promise<void> {
    const { signal } = new AbortController();
    const end = (): void => {};
    const count = (batch: readonly WatchEvent[]): void =>
      batch.forEach(({ object }) =>
        this.#count(object.kind === "DaemonSet" ? object.metadata.name : ownerOf(object)),
      );
    await client.watch(
      podResource,
      { signal },
      { events: (batch) => batch.forEach((one) => this.#pod(one)), end },
    );
    await client.watch(daemonsets, { signal }, { events: count, end });
    await client.watch(controllerrevisions, { signal }, { events: count, end });
  }

  /** Resolves with the time of the first write for which `isIt` is true. @throws when that takes too long. */
  next(isIt: (event: WatchEvent<Pod>) => boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no pod was written")), writeMaxMs);
      const seen = (atMs: number): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve(atMs);
      };
      this.#waiting = { isIt, seen };
    });
  }

  /** Writes since the last call that belong to other DaemonSets than these. */
  unrelated(concerned: readonly string[]): number {
    let sum = 0;
    for (const [set, writes] of this.writes) if (!concerned.includes(set)) sum += writes;
    this.writes.clear();
    return sum;
  }

  #pod(event: WatchEvent<Pod>): void {
    const pod = event.object;
    const key = `${ownerOf(pod)}/${pod.spec.nodeName}`;
    this.#count(ownerOf(pod));
    if (event.type === "DELETED") this.podOf.delete(key);
    else if (pod.spec.nodeName !== undefined) this.podOf.set(key, pod);
    if (this.#waiting?.isIt(event)) this.#waiting.seen(performance.now());
  }

  #count(set: string | undefined): void {
    if (set !== undefined) this.writes.set(set, (this.writes.get(set) ?? 0) + 1);
  }
}

function ownerOf(object: KubeObject): string | undefined {
  return controllerOf(object)?.name;
}

/** The cluster: nodes of which the first `sets × matching` have a group, and all DaemonSets with their pods. */
async function build(bench: BenchPlane, watcher: Watcher, nodes: number): Promise<void> {
  const limiter = createLimiter(buildersMax);
  const all = Array.from({ length: nodes }, (_, index) =>
    limiter.run(() =>
      addNode(bench, nodeName(index), index < sets * matching ? String(index % sets) : undefined),
    ),
  );
  await Promise.all(all);
  await watcher.watch(bench);
  for (let set = 0; set < sets; set++) await bench.client.create(daemonsets, manifest(set));
  await until(() => watcher.podOf.size === sets * matching, "all pods are bound");
  await pause(3_000);
}

/** Creates a node that pods may go to in one write, so that its effects follow from this write. */
async function addNode({ client }: BenchPlane, name: string, group: string | undefined): Promise<void> {
  const labels = group === undefined ? {} : { [groupLabel]: group };
  const status = { capacity: resources, allocatable: resources };
  const created = await client.create(nodeResource, { ...nodeObject({ name, labels }), status });
  if (created.status?.allocatable === undefined || (created.spec.taints ?? []).length > 0)
    throw new Error(`node ${name} was not stored as it was sent: no pod can go there yet`);
}

interface Change {
  readonly set: number;
  /** A node in the group of the DaemonSet, and one in no group. */
  readonly member: string;
  readonly outsider: string;
  readonly number: number;
}

/** Makes the change; resolves when it is acknowledged. */
async function make(bench: BenchPlane, watcher: Watcher, kind: KindOfChange, change: Change): Promise<void> {
  const { client } = bench;
  const { set, member, outsider, number } = change;
  const setLabel = (value: string | null): Promise<unknown> =>
    client.patch(
      nodeResource,
      { name: outsider },
      { type: "merge", body: { metadata: { labels: { [groupLabel]: value } } } },
    );
  switch (kind) {
    case "label set":
      await setLabel(String(set));
      return;
    case "label removed":
      await setLabel(null);
      return;
    case "node added":
      await addNode(bench, `extra-${number}`, String(set));
      return;
    case "taint NoExecute": {
      const taints = [{ key: "bench/away", effect: "NoExecute" }];
      await client.patch(nodeResource, { name: member }, { type: "merge", body: { spec: { taints } } });
      return;
    }
    case "pod deleted": {
      const { name } = watcher.podOf.get(`set-${set}/${member}`)!.metadata;
      await client.delete(podResource, { namespace: "default", name: name! }, { gracePeriodSeconds: 0 });
      return;
    }
  }
}

/** Recognizes the write that a change causes: the creation of a pod, or its deletion. */
function follows(kind: KindOfChange, set: number): (event: WatchEvent<Pod>) => boolean {
  const isDeletion = kind === "label removed" || kind === "taint NoExecute";
  return ({ type, object }) =>
    ownerOf(object) === `set-${set}` &&
    (isDeletion ? type === "DELETED" || object.metadata.deletionTimestamp !== undefined : type === "ADDED");
}

async function measure({ nodes, which }: Case): Promise<AllFigures> {
  // These controllers would soon count nodes without agents as unreachable.
  const bench = await startBenchPlane(which, ["node-lifecycle-controller", "taint-eviction-controller"]);
  try {
    const watcher = new Watcher();
    await build(bench, watcher, nodes);
    const figures: Partial<Record<KindOfChange, Figures>> = {};
    for (const kind of kinds) figures[kind] = await series(bench, watcher, { kind, nodes });
    return figures as AllFigures;
  } finally {
    await bench.stop();
  }
}

async function series(
  bench: BenchPlane,
  watcher: Watcher,
  { kind, nodes }: { readonly kind: KindOfChange; readonly nodes: number },
): Promise<Figures> {
  const restBeforeMs = await restMs();
  const latenciesMs: number[] = [];
  let unrelated = 0;
  watcher.writes.clear();
  const before = process.cpuUsage();
  for (let number = 0; number < changes; number++) {
    const set = number % sets;
    const change: Change = {
      set,
      number,
      // Node i belongs to group i % sets. Tainted nodes stay so: the next series takes others.
      member: nodeName(((kind === "pod deleted" ? changes : 0) + number) * sets + set),
      outsider: nodeName(nodes - 1 - number),
    };
    const written = watcher.next(follows(kind, set));
    const started = performance.now();
    await make(bench, watcher, kind, change);
    const acknowledged = performance.now();
    latenciesMs.push((await written) - acknowledged);
    await pause(Math.max(0, intervalMs - (performance.now() - started)));
    // The status write of the change before may come late.
    unrelated += watcher.unrelated([`set-${set}`, `set-${(set + sets - 1) % sets}`]);
  }
  const busyMs = cpuMs(before) / changes;
  const idleMs = (restBeforeMs + (await restMs())) / 2;
  return { latenciesMs, cpuMs: Math.max(cpuLeastMs, busyMs - idleMs), unrelated };
}

/** CPU of one interval in which nothing is changed. */
async function restMs(): Promise<number> {
  const before = process.cpuUsage();
  await pause(restIntervals * intervalMs);
  return cpuMs(before) / restIntervals;
}

function cpuText(values: readonly number[]): string {
  return Math.max(...values) <= cpuLeastMs ? `<${cpuLeastMs}` : spread(values, 1);
}

const who = controllersToRun();
if (Math.min(...sizes) < sets * matching + changes || matching < 2 * changes)
  throw new Error(
    "too few nodes: --nodes must be --sets × --matching + --changes, --matching twice --changes",
  );
const cases = sizes.flatMap((nodes) => who.map((which): Case => ({ nodes, which })));
const results = await runRounds(cases, rounds, measure);
const of = (nodes: number, which: Which): readonly AllFigures[] =>
  results.get(cases.find((one) => one.nodes === nodes && one.which === which)!)!;
const sorted = (figures: readonly AllFigures[], kind: KindOfChange): readonly number[] =>
  figures.flatMap((one) => one[kind].latenciesMs).sort((a, b) => a - b);

console.log(
  `one-change: ${sets} DaemonSets on ${matching} nodes each, ${changes} changes of each kind; ${rounds} rounds; median (least-most)`,
);
console.log(`${machineLine()}\n`);
printTable(
  ["nodes", "change", "controller", "p50 ms", "p99 ms", "CPU ms/change", "writes elsewhere"],
  sizes.flatMap((nodes) =>
    kinds.flatMap((kind) =>
      who.map((which) => {
        const figures = of(nodes, which);
        const latencies = sorted(figures, kind);
        return [
          String(nodes),
          kind,
          which,
          quantile(latencies, 0.5).toFixed(1),
          quantile(latencies, 0.99).toFixed(1),
          cpuText(figures.map((one) => one[kind].cpuMs)),
          String(figures.reduce((sum, one) => sum + one[kind].unrelated, 0)),
        ];
      }),
    ),
  ),
);
console.log("");
const largest = sizes.at(-1)!;
if (who.length === 2)
  for (const kind of kinds) {
    const [ours, reference] = [of(largest, "ours"), of(largest, "reference")];
    const cpu = spread(
      ratios(ours, reference, (one) => one[kind].cpuMs),
      1,
    );
    const half = quantile(sorted(reference, kind), 0.5) / quantile(sorted(ours, kind), 0.5);
    console.log(
      `${kind}: the reference takes ${half.toFixed(1)} times the median latency and ${cpu} times the CPU of ours`,
    );
  }
if (sizes.length > 1)
  for (const which of who) {
    const perChange = (one: AllFigures): number => kinds.reduce((sum, kind) => sum + one[kind].cpuMs, 0);
    const growth = spread(ratios(of(sizes[0]!, which), of(largest, which), perChange), 2);
    console.log(`${which}: CPU per change at ${largest} nodes over that at ${sizes[0]}: ${growth} times`);
  }

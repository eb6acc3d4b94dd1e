/**
 * Where the memory is: one DaemonSet on many simulated nodes in one process, as bench/fan-out.ts has it.
 * `node bench/run.mjs memory [--nodes 1000,5000,15000] [--rounds 1] [--snapshot FILE]`
 *
 * Four moments: the control plane alone; all nodes Ready; all pods Ready (what fan-out calls memory); and after a forced
 * collection some seconds later, which leaves what is held on purpose. The snapshot of that last moment opens in a browser.
 */
import { readFileSync } from "node:fs";
import { getHeapSpaceStatistics, setFlagsFromString, writeHeapSnapshot } from "node:v8";
import { runInNewContext } from "node:vm";
import { type DaemonSet, daemonsets, isPodReady, pods as podResource } from "../src/api/index.ts";
import { pause, startBenchPlane, startNodes, until } from "./support/bench-plane.ts";
import { machineLine, option, printTable, runRounds, spread } from "./support/rounds.ts";

const manifest: DaemonSet = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "fan-out", namespace: "default" },
  spec: {
    selector: { matchLabels: { app: "fan-out" } },
    template: {
      metadata: { labels: { app: "fan-out" } },
      spec: { containers: [{ name: "agent", image: "agent:1", resources: { requests: { cpu: "10m" } } }] },
    },
  },
};
/** So that events about what has happened are written. */
const settleMs = 5_000;

type Figures = Readonly<Record<string, number>>;

/** Megabytes by kind, each name with `moment` before it. */
function figuresAt(moment: string): Figures {
  const { rss, heapTotal, heapUsed, arrayBuffers } = process.memoryUsage();
  const spaces = new Map(getHeapSpaceStatistics().map((space) => [space.space_name, space]));
  const held = (name: string): number => spaces.get(name)?.physical_space_size ?? 0;
  const bytes = {
    resident: rss,
    "resident at most": peakResident(),
    "in use on the heap": heapUsed,
    "heap, young": held("new_space"),
    "heap, old": held("old_space") + held("large_object_space"),
    "heap, code and the rest": heapTotal - held("new_space") - held("old_space") - held("large_object_space"),
    buffers: arrayBuffers,
    "outside: Node, threads, SQLite": rss - heapTotal - arrayBuffers,
  };
  return Object.fromEntries(
    Object.entries(bytes).map(([name, value]) => [`${moment}: ${name}`, value / 1_048_576]),
  );
}

/** Linux tells the most that was ever resident; elsewhere Node does, in kilobytes as well. */
function peakResident(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "latin1"))?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

async function measure({ nodes }: { readonly nodes: number }): Promise<Figures> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const bench = await startBenchPlane("ours");
  try {
    const alone = figuresAt("alone");
    await startNodes(bench, nodes);
    const withNodes = figuresAt("nodes");
    let ready = 0;
    bench.plane.informers.for(podResource).addHandler({
      updated: (before, after) => void (!isPodReady(before) && isPodReady(after) && ready++),
    });
    await bench.client.create(daemonsets, manifest);
    await until(() => ready >= nodes, "all pods are ready");
    const withPods = figuresAt("pods");
    await pause(settleMs);
    collect();
    const collected = figuresAt("collected");
    const file = option("snapshot", "");
    // V8 counts the lines before each function unless a stack was asked for once, which takes it minutes.
    if (file !== "" && new Error("a stack").stack !== undefined) writeHeapSnapshot(file);
    return { ...alone, ...withNodes, ...withPods, ...collected };
  } finally {
    await bench.stop();
  }
}

const sizes = option("nodes", "1000,5000,15000").split(",").map(Number);
const cases = sizes.map((nodes) => ({ nodes }));
const results = await runRounds(cases, Number(option("rounds", "1")), measure);
console.log("memory: MB at four moments of a fan-out; median (least-most)");
console.log(`${machineLine()}\n`);
const figures = (one: { readonly nodes: number }): readonly Figures[] => results.get(one)!;
printTable(
  ["moment: kind", ...sizes.map((nodes) => `${nodes} nodes`)],
  Object.keys(figures(cases[0]!)[0]!).map((name) => [
    name,
    ...cases.map((one) =>
      spread(
        figures(one).map((round) => round[name]!),
        1,
      ),
    ),
  ]),
);

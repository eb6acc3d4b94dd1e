/**
 * One DaemonSet on many simulated nodes: from its creation until all its pods are Ready.
 * `node bench/run.mjs fan-out [--nodes 1000,5000] [--rounds 3] [--no-events]`
 *
 * Everything is in one process with the durable store, as `lares up` runs it; each size and round in a fresh process,
 * sizes in turn, so that a noisy machine touches all alike. The floor of the time is one pod's start, 0.8 s.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createFleet } from "../src/agent/index.ts";
import {
  type DaemonSet,
  daemonsets,
  isPodReady,
  nodes as nodeResource,
  pods as podResource,
} from "../src/api/index.ts";
import { silentLog } from "../src/base/index.ts";
import { startControlPlane } from "../src/main/control-plane.ts";

interface Figures {
  readonly nodes: number;
  readonly seconds: number;
  readonly cpuMsPerPod: number;
  readonly rssMb: number;
  readonly writesPerPod: number;
}

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

async function measure(nodes: number): Promise<Figures> {
  const dataDir = mkdtempSync(join(tmpdir(), "lares-fan-out-"));
  const plane = await startControlPlane({
    dataDir,
    port: 0,
    fresh: false,
    placement: "affinity",
    log: silentLog,
  });
  const stop = new AbortController();
  try {
    const wishes = Array.from({ length: nodes }, (_, index) => ({
      name: `node-${String(index).padStart(6, "0")}`,
    }));
    const fleet = createFleet(
      { name: "", nodes: wishes, kubeletVersion: "v1.35.0+lares" },
      plane.agentDependencies("system:nodes"),
    );
    plane.start("fleet", (signal) => fleet.run(signal));
    const nodeCache = plane.informers.for(nodeResource);
    await until(
      () =>
        nodeCache.lister
          .list()
          .filter((node) =>
            node.status?.conditions?.some((one) => one.type === "Ready" && one.status === "True"),
          ).length === nodes,
    );
    const client = plane.client({ username: "bench", groups: ["system:masters"] }, "bench");
    let ready = 0;
    let pods = 0;
    plane.informers.for(podResource).addHandler({
      added: () => void pods++,
      updated: (before, after) => void (!isPodReady(before) && isPodReady(after) && ready++),
    });
    const revision = async (): Promise<number> =>
      Number((await client.list(podResource, { limit: 1 })).metadata.resourceVersion);
    await pause(2_000);
    const [revisionBefore, cpuBefore, started] = [await revision(), process.cpuUsage(), performance.now()];
    await client.create(daemonsets, manifest);
    await until(() => ready >= nodes);
    const seconds = (performance.now() - started) / 1_000;
    const cpu = process.cpuUsage(cpuBefore);
    const writes = (await revision()) - revisionBefore;
    if (pods !== nodes) throw new Error(`${pods} pods were made for ${nodes} nodes`);
    return {
      nodes,
      seconds,
      cpuMsPerPod: (cpu.user + cpu.system) / 1_000 / nodes,
      rssMb: process.memoryUsage.rss() / 1_048_576,
      writesPerPod: writes / nodes,
    };
  } finally {
    stop.abort();
    await plane.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Longest that one phase may take. */
const patienceMs = 300_000;

async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error("the fleet did not get there in time");
    await pause(20);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

function spread(values: readonly number[], digits: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const show = (value: number): string => value.toFixed(digits);
  return `${show(sorted[Math.floor(sorted.length / 2)]!)} (${show(sorted[0]!)}-${show(sorted.at(-1)!)})`;
}

const child = process.argv.indexOf("--child");
if (child >= 0) {
  process.stdout.write(`${JSON.stringify(await measure(Number(process.argv[child + 1])))}\n`);
} else {
  const sizes = option("nodes", "1000,5000").split(",").map(Number);
  const rounds = Number(option("rounds", "3"));
  const results = new Map<number, Figures[]>(sizes.map((size) => [size, []]));
  for (let round = 0; round < rounds; round++) {
    for (const size of sizes) {
      const run = spawnSync(
        process.execPath,
        ["--enable-source-maps", process.argv[1]!, "--child", String(size)],
        { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
      );
      if (run.status !== 0) throw new Error(`the run with ${size} nodes failed`);
      results.get(size)!.push(JSON.parse(run.stdout) as Figures);
    }
  }
  console.log(
    `fan-out: one DaemonSet, ${rounds} rounds, Node ${process.version}, ${cpus().length} cores; median (least-most)\n`,
  );
  console.log(
    "nodes   create to all Ready, s   pods/s              CPU ms/pod           memory MB          writes/pod",
  );
  for (const [size, figures] of results) {
    const column = (of: (one: Figures) => number, digits: number): string => spread(figures.map(of), digits);
    console.log(
      [
        String(size).padEnd(7),
        column((f) => f.seconds, 2).padEnd(24),
        column((f) => f.nodes / f.seconds, 0).padEnd(19),
        column((f) => f.cpuMsPerPod, 2).padEnd(20),
        column((f) => f.rssMb, 0).padEnd(18),
        column((f) => f.writesPerPod, 1),
      ].join(" "),
    );
  }
  const [first, last] = [sizes[0]!, sizes.at(-1)!];
  const growth = results
    .get(last)!
    .map((figures, round) => figures.cpuMsPerPod / results.get(first)![round]!.cpuMsPerPod);
  console.log(`\nCPU per pod at ${last} nodes over that at ${first}: ${spread(growth, 2)} times`);
}

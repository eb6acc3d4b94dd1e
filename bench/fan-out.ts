/**
 * One DaemonSet on many simulated nodes: from its creation until all its pods are Ready.
 * `node bench/run.mjs fan-out [--nodes 1000,5000,15000] [--rounds 2] [--controller ours|reference|both]`
 *
 * Everything runs in one process with the durable store, as in `lares up`. Each case and round has a fresh process.
 * The least possible time is one pod's start, 0.8 s. The reference is upstream's algorithm without its limit of 20 requests
 * a second, which alone would take 250 s for 5,000 pods.
 */
import { type DaemonSet, daemonsets, isPodReady, pods as podResource } from "../src/api/index.ts";
import { cpuMs, pause, startBenchPlane, startNodes, until, type Which } from "./support/bench-plane.ts";
import {
  controllersToRun,
  machineLine,
  option,
  printTable,
  ratios,
  runRounds,
  spread,
} from "./support/rounds.ts";

interface Case {
  readonly nodes: number;
  readonly which: Which;
}

interface Figures {
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
/** Pause after the start of the nodes, in ms, so that what they leave to do does not count. */
const restMs = 2_000;

async function measure({ nodes, which }: Case): Promise<Figures> {
  const bench = await startBenchPlane(which);
  try {
    await startNodes(bench, nodes);
    const { client, plane } = bench;
    let ready = 0;
    let pods = 0;
    plane.informers.for(podResource).addHandler({
      added: () => void pods++,
      updated: (before, after) => void (!isPodReady(before) && isPodReady(after) && ready++),
    });
    const revision = async (): Promise<number> =>
      Number((await client.list(podResource, { limit: 1 })).metadata.resourceVersion);
    await pause(restMs);
    const [revisionBefore, cpuBefore, started] = [await revision(), process.cpuUsage(), performance.now()];
    await client.create(daemonsets, manifest);
    await until(() => ready >= nodes, "all pods are ready");
    const seconds = (performance.now() - started) / 1_000;
    const cpu = cpuMs(cpuBefore);
    const writes = (await revision()) - revisionBefore;
    if (pods !== nodes) throw new Error(`${pods} pods were made for ${nodes} nodes`);
    return {
      seconds,
      cpuMsPerPod: cpu / nodes,
      rssMb: process.memoryUsage.rss() / 1_048_576,
      writesPerPod: writes / nodes,
    };
  } finally {
    await bench.stop();
  }
}

const sizes = option("nodes", "1000,5000,15000").split(",").map(Number);
const rounds = Number(option("rounds", "2"));
const who = controllersToRun();
const cases = sizes.flatMap((nodes) => who.map((which): Case => ({ nodes, which })));
const results = await runRounds(cases, rounds, measure);
const of = (nodes: number, which: Which): readonly Figures[] =>
  results.get(cases.find((one) => one.nodes === nodes && one.which === which)!)!;

console.log(
  `fan-out: one DaemonSet from its creation to all pods Ready; ${rounds} rounds; median (least-most)`,
);
console.log(`${machineLine()}\n`);
const head = ["nodes", "controller", "seconds", "pods/s", "CPU ms/pod", "memory MB", "writes/pod"];
printTable(
  head,
  cases.map((one) => {
    const column = (figure: (one: Figures) => number, digits: number): string =>
      spread(results.get(one)!.map(figure), digits);
    return [
      String(one.nodes),
      one.which,
      column((f) => f.seconds, 2),
      column((f) => one.nodes / f.seconds, 0),
      column((f) => f.cpuMsPerPod, 2),
      column((f) => f.rssMb, 0),
      column((f) => f.writesPerPod, 1),
    ];
  }),
);
console.log("");
if (who.length === 2)
  for (const nodes of sizes) {
    const ratio = (figure: (one: Figures) => number): string =>
      spread(ratios(of(nodes, "ours"), of(nodes, "reference"), figure), 2);
    const [time, cpu] = [ratio((f) => f.seconds), ratio((f) => f.cpuMsPerPod)];
    console.log(
      `${nodes} nodes: the reference takes ${time} times the time and ${cpu} times the CPU of ours`,
    );
  }
for (const which of sizes.length > 1 ? who : []) {
  const [first, last] = [of(sizes[0]!, which), of(sizes.at(-1)!, which)];
  const growth = spread(
    ratios(first, last, (f) => f.cpuMsPerPod),
    2,
  );
  console.log(`${which}: CPU per pod at ${sizes.at(-1)} nodes over that at ${sizes[0]}: ${growth} times`);
}

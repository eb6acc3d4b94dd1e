/**
 * Roll-outs of a new template over many simulated nodes, where a pod takes 0.2 s to stop and 0.8 s to start.
 * `node bench/run.mjs roll-out [--nodes 5000] [--rounds 1] [--controller ours|reference|both] [--only "5%"]`
 *
 * Efficiency is the ideal time over the actual. Ideal: steps × (stop + start), where a step replaces as many pods as the budget
 * allows at once. With surge the new pod starts while the old one is available, so a step is only a start, and one stop comes
 * at the end. A check that sees nothing but a watch counts violations of the budget (support/budget.ts).
 */
import { type DaemonSet, daemonsets, pods as podResource } from "../src/api/index.ts";
import {
  type BenchPlane,
  cpuMs,
  pause,
  startBenchPlane,
  startNodes,
  until,
  type Which,
} from "./support/bench-plane.ts";
import { BudgetCheck } from "./support/budget.ts";
import {
  controllersToRun,
  machineLine,
  option,
  printTable,
  ratios,
  runRounds,
  spread,
} from "./support/rounds.ts";

const timings = { pullMs: 0, startMs: 800, stopMs: 200 };
const budgets = [
  { name: "maxUnavailable 5%", maxUnavailable: 0.05, maxSurge: 0 },
  { name: "maxUnavailable 50%", maxUnavailable: 0.5, maxSurge: 0 },
  { name: "maxSurge 5%", maxUnavailable: 0, maxSurge: 0.05 },
].filter(({ name }) => name.includes(option("only", "")));

interface Figures {
  readonly seconds: number;
  readonly efficiency: number;
  readonly cpuMsPerPod: number;
  readonly worst: number;
  readonly violations: number;
}

const address = { namespace: "default", name: "roll-out" };
const nodes = Number(option("nodes", "5000"));

function manifest(): DaemonSet {
  const labels = { app: "roll-out" };
  const containers = [{ name: "agent", image: "agent:0", resources: { requests: { cpu: "10m" } } }];
  return {
    metadata: address,
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

/** All budgets one after the other on one cluster. */
async function measure(which: Which): Promise<readonly Figures[]> {
  const bench = await startBenchPlane(which);
  try {
    await startNodes(bench, nodes, timings);
    const check = new BudgetCheck({ nodes, maxUnavailable: nodes, maxSurge: nodes });
    const events = (batch: readonly Parameters<BudgetCheck["add"]>[0][]): void =>
      batch.forEach((one) => check.add(one));
    const { signal } = new AbortController();
    const { client } = bench;
    await client.watch(podResource, { labelSelector: "app=roll-out", signal }, { events, end() {} });
    await client.create(daemonsets, manifest());
    await until(() => isRolledOut(bench), "the first pods are available");
    const figures: Figures[] = [];
    for (const [index, budget] of budgets.entries()) {
      await pause(2_000);
      figures.push(await rollOut(bench, check, { ...budget, image: `agent:${index + 1}` }));
    }
    return figures;
  } finally {
    await bench.stop();
  }
}

async function rollOut(
  bench: BenchPlane,
  check: BudgetCheck,
  {
    maxUnavailable,
    maxSurge,
    image,
  }: { readonly maxUnavailable: number; readonly maxSurge: number; readonly image: string },
): Promise<Figures> {
  const allowed = {
    maxUnavailable: Math.ceil(maxUnavailable * nodes),
    maxSurge: Math.ceil(maxSurge * nodes),
  };
  check.begin({ nodes, ...allowed });
  const known = check.violations.length;
  const percent = (part: number): number | string => (part === 0 ? 0 : `${part * 100}%`);
  const rollingUpdate = { maxUnavailable: percent(maxUnavailable), maxSurge: percent(maxSurge) };
  const body = {
    spec: {
      updateStrategy: { type: "RollingUpdate", rollingUpdate },
      template: { spec: { containers: [{ name: "agent", image }] } },
    },
  };
  const [cpuBefore, started] = [process.cpuUsage(), performance.now()];
  await bench.client.patch(daemonsets, address, { type: "strategic", body });
  await until(() => isRolledOut(bench), "the roll-out is complete");
  const seconds = (performance.now() - started) / 1_000;
  const steps = Math.ceil(nodes / Math.max(allowed.maxUnavailable, allowed.maxSurge));
  const idealMs =
    maxSurge > 0 ? steps * timings.startMs + timings.stopMs : steps * (timings.stopMs + timings.startMs);
  return {
    seconds,
    efficiency: idealMs / 1_000 / seconds,
    cpuMsPerPod: cpuMs(cpuBefore) / nodes,
    worst: maxSurge > 0 ? check.worstSurge : check.worstUnavailable,
    violations: check.violations.length - known,
  };
}

function isRolledOut({ plane }: BenchPlane): boolean {
  const daemonSet = plane.informers.for(daemonsets).lister.get("default/roll-out");
  if (daemonSet?.status?.observedGeneration !== daemonSet?.metadata.generation) return false;
  const { updatedNumberScheduled = 0, numberAvailable = 0 } = daemonSet?.status ?? {};
  return updatedNumberScheduled === nodes && numberAvailable === nodes;
}

const rounds = Number(option("rounds", "1"));
const who = controllersToRun();
const results = await runRounds(who, rounds, measure);
const of = (which: Which, budget: number): readonly Figures[] =>
  results.get(which)!.map((figures) => figures[budget]!);

console.log(
  `roll-out: a new template on ${nodes} nodes, stop 0.2 s, start 0.8 s; ${rounds} rounds; median (least-most)`,
);
console.log(`${machineLine()}\n`);
printTable(
  ["budget", "controller", "seconds", "efficiency", "CPU ms/pod", "most at once", "violations"],
  budgets.flatMap(({ name }, at) =>
    who.map((which) => [
      name,
      which,
      spread(
        of(which, at).map((f) => f.seconds),
        2,
      ),
      spread(
        of(which, at).map((f) => f.efficiency),
        2,
      ),
      spread(
        of(which, at).map((f) => f.cpuMsPerPod),
        2,
      ),
      spread(
        of(which, at).map((f) => f.worst),
        0,
      ),
      String(of(which, at).reduce((sum, f) => sum + f.violations, 0)),
    ]),
  ),
);
console.log("");
if (who.length === 2)
  for (const [at, { name }] of budgets.entries()) {
    const ratio = (figure: (one: Figures) => number): string =>
      spread(ratios(of("ours", at), of("reference", at), figure), 2);
    const [time, cpu] = [ratio((f) => f.seconds), ratio((f) => f.cpuMsPerPod)];
    console.log(`${name}: the reference takes ${time} times the time and ${cpu} times the CPU of ours`);
  }

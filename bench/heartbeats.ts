/**
 * What a node at rest costs the control plane: nodes of another process renew their Leases over HTTPS.
 * `node bench/run.mjs heartbeats [--nodes 1000,5000] [--seconds 30] [--rounds 1]`
 *
 * Counted is all processor time of the control plane's process while nothing else happens: requests, admission, commits, watches,
 * the node life cycle controller. Each node renews about once in nine seconds and reports its status every five minutes.
 */
import { spawn } from "node:child_process";
import { createFleet } from "../src/agent/index.ts";
import { leases, nodes as nodeResource } from "../src/api/index.ts";
import { silentLog } from "../src/base/index.ts";
import { createClient, createInformerFactory, httpTransport } from "../src/client/index.ts";
import { SharedParts } from "../src/machinery/index.ts";
import { connectionFor } from "../src/main/connection.ts";
import { fleetRecorders } from "../src/main/fleet-recorders.ts";
import { systemClock, systemRandom } from "../src/main/system.ts";
import { cpuMs, nodeName, pause, startBenchPlane, until } from "./support/bench-plane.ts";
import { machineLine, option, printTable, runRounds, spread } from "./support/rounds.ts";

/** Pause after the last node is Ready, in ms, so that what its start leaves to do does not count. */
const restMs = 20_000;

interface Figures {
  readonly cpuMsEach: number;
  readonly coreShare: number;
  readonly perSecond: number;
}

/** In a process of its own, until it is killed. */
async function runFleet(kubeconfig: string, count: number): Promise<void> {
  const [clock, random, log] = [systemClock, systemRandom(), silentLog];
  const connection = await connectionFor({ kubeconfig });
  const client = createClient(httpTransport({ ...connection, clock, log, userAgent: "bench-fleet" }));
  const informers = createInformerFactory(client, { clock, random, log, parts: new SharedParts() });
  const { signal } = new AbortController();
  const recorderFor = fleetRecorders({ client, clock, random, log, signal });
  const names = Array.from({ length: count }, (_, index) => ({ name: nodeName(index) }));
  const fleet = createFleet(
    { name: "", nodes: names, kubeletVersion: "v1.35.0+lares" },
    { client, informers, clock, random, log, recorderFor },
  );
  informers.start(signal);
  await fleet.run(signal);
}

async function measure({ nodes }: { readonly nodes: number }): Promise<Figures> {
  const bench = await startBenchPlane("ours");
  const kubeconfig = bench.plane.kubeconfig;
  const args = [...process.execArgv, process.argv[1]!, "--fleet", kubeconfig, "--count", String(nodes)];
  const fleet = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    const { informers } = bench.plane;
    await until(() => informers.for(nodeResource).lister.list().length === nodes, "all nodes are registered");
    let renewals = 0;
    informers.for(leases).addHandler({
      updated: ({ metadata }) => void (metadata.namespace === "kube-node-lease" && renewals++),
    });
    await pause(restMs);
    const [renewalsBefore, before, started] = [renewals, process.cpuUsage(), performance.now()];
    await pause(Number(option("seconds", "30")) * 1_000);
    const [seconds, cpu, count] = [
      (performance.now() - started) / 1_000,
      cpuMs(before),
      renewals - renewalsBefore,
    ];
    return { cpuMsEach: cpu / count, coreShare: cpu / 10 / seconds, perSecond: count / seconds };
  } finally {
    fleet.kill("SIGKILL");
    await bench.stop();
  }
}

const fleetOf = option("fleet", "");
if (fleetOf !== "") await runFleet(fleetOf, Number(option("count", "0")));
const cases = option("nodes", "1000,5000")
  .split(",")
  .map((count) => ({ nodes: Number(count) }));
const rounds = Number(option("rounds", "1"));
const results = await runRounds(cases, rounds, measure);
console.log(
  "heartbeats: processor time of the control plane for nodes at rest, over HTTPS; median (least-most)",
);
console.log(`${machineLine()}\n`);
printTable(
  ["nodes", "CPU ms each", "% of a core", "renewals/s"],
  cases.map((one) => {
    const figures = results.get(one)!;
    const column = (of: (one: Figures) => number, digits: number): string => spread(figures.map(of), digits);
    return [
      String(one.nodes),
      column((f) => f.cpuMsEach, 2),
      column((f) => f.coreShare, 1),
      column((f) => f.perSecond, 0),
    ];
  }),
);

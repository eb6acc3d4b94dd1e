/**
 * A control plane for benchmarks: everything in one process over the durable store, as `lares up` runs it, with our DaemonSet
 * controller or the reference (test/reference), which is upstream's algorithm on the same client and informers.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFleet, type Timings } from "../../src/agent/index.ts";
import { nodes as nodeResource } from "../../src/api/index.ts";
import { silentLog } from "../../src/base/index.ts";
import { type Client, createEventRecorder } from "../../src/client/index.ts";
import { type ControlPlane, startControlPlane } from "../../src/main/control-plane.ts";
import { nodeFleet } from "../../src/main/identities.ts";
import { systemClock, systemRandom } from "../../src/main/system.ts";
import { ReferenceController } from "../../test/reference/controller.ts";

export type Which = "ours" | "reference";

const daemonSetUser = "system:serviceaccount:kube-system:daemon-set-controller";
/** Longest that one phase may take: 15,000 nodes on a machine that does much else as well. */
const patienceMs = 600_000;

export interface BenchPlane {
  readonly plane: ControlPlane;
  /** As a user. */
  readonly client: Client;
  stop(): Promise<void>;
}

/** @param without controllers that do not run. */
export async function startBenchPlane(which: Which, without: readonly string[] = []): Promise<BenchPlane> {
  const dataDir = mkdtempSync(join(tmpdir(), "lares-bench-"));
  const away = which === "reference" ? [...without, "daemonset-controller"] : without;
  const plane = await startControlPlane({
    dataDir,
    port: 0,
    fresh: false,
    placement: "affinity",
    controllers: ["*", ...away.map((name) => `-${name}`)].join(","),
    log: silentLog,
  });
  if (which === "reference") {
    const client = plane.client(
      { username: daemonSetUser, groups: ["system:masters"] },
      "daemonset-controller",
    );
    const common = { client, clock: systemClock, log: silentLog };
    const recorder = createEventRecorder({
      ...common,
      component: "daemonset-controller",
      random: systemRandom(),
    });
    const controller = new ReferenceController({ ...common, informers: plane.informers, recorder });
    plane.start("reference controller", (signal) => controller.run(signal));
  }
  return {
    plane,
    client: plane.client({ username: "bench", groups: ["system:masters"] }, "bench"),
    stop: async () => {
      await plane.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Simulated nodes, all Ready and free of the taint of new nodes when it resolves. */
export async function startNodes({ plane }: BenchPlane, count: number, timings?: Timings): Promise<void> {
  const nodes = Array.from({ length: count }, (_, index) => ({ name: nodeName(index) }));
  const fleet = createFleet(
    { name: "", nodes, kubeletVersion: "v1.35.0+lares", ...(timings === undefined ? {} : { timings }) },
    plane.agentDependencies(nodeFleet),
  );
  plane.start("fleet", (signal) => fleet.run(signal));
  const cache = plane.informers.for(nodeResource);
  await until(() => {
    const ready = cache.lister
      .list()
      .filter(
        ({ spec, status }) =>
          (spec.taints ?? []).length === 0 &&
          status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
      );
    return ready.length === count;
  }, "nodes are ready");
}

export function nodeName(index: number): string {
  return `node-${String(index).padStart(6, "0")}`;
}

/** @param what completes "…, which did not happen". */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`waited ${patienceMs / 1_000} s until ${what}`);
    await pause(20);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Milliseconds of processor time of this process since `before`. */
export function cpuMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

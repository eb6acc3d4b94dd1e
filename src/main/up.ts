/**
 * `lares up`: the whole cluster in one process, shown while it settles.
 * Not here: the control plane (control-plane.ts), the table's text (cli/).
 */
import { resolve } from "node:path";
import { createFleet, type NodeWish, nodeObject } from "../agent/index.ts";
import { type ConfigMap, configmaps, nodes as nodeResource } from "../api/index.ts";
import { apply, kindOf, readManifests, UsageError } from "../cli/index.ts";
import { isAlreadyExists, isNotFound } from "../machinery/index.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { kubernetesAdmin, nodeFleet } from "./identities.ts";
import { readManifestFiles } from "./manifest-files.ts";
import type { Placement } from "./placement.ts";
import { shortPath, showUntilSettled, watchCluster } from "./screen.ts";
import { runUntilSignal } from "./signals.ts";
import { type LogLevel, systemLog } from "./system.ts";
import { apiVersion, version } from "./version.ts";

export interface UpOptions {
  readonly port: number;
  readonly dataDir: string;
  readonly kubeconfig?: string;
  readonly fresh: boolean;
  readonly placement: Placement;
  readonly controllers: string;
  readonly serviceClusterIpRange?: string;
  readonly serviceNodePortRange?: string;
  readonly logLevel: LogLevel;
  readonly controlPlanes: number;
  readonly workers: number;
  readonly filename: readonly string[];
  readonly pullSeconds: number;
  readonly startSeconds: number;
  readonly stopSeconds: number;
}

/** ConfigMap with the names of the nodes that `up` has created, so that a deleted node does not come back. */
const madeNodes = { name: "lares-up-nodes", namespace: "kube-system" } as const;

/** Runs until SIGINT or SIGTERM. @throws UsageError for what a user can correct. */
export async function up(options: UpOptions): Promise<void> {
  const files = await readManifestFiles(options.filename);
  const manifests = files.flatMap(({ text, path }) => readManifests(text, path));
  if (files.length > 0 && manifests.length === 0)
    throw new UsageError(
      `no objects in ${files.map(({ path }) => path).join(", ")}`,
      "check the names given with -f",
    );
  // Unknown kinds are refused before anything is created.
  for (const manifest of manifests) kindOf(manifest);
  const log = systemLog(options.logLevel);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  await runUntilSignal(async (signal) => {
    const dataDir = resolve(options.dataDir);
    const plane = await startControlPlane({ ...options, dataDir, log });
    try {
      say(
        `lares ${version}: Kubernetes ${apiVersion.gitVersion} API at ${plane.url}, data in ${shortPath(dataDir)}`,
      );
      const nodesMade = await makeNodes(options, plane);
      startFleet(options, plane);
      const client = plane.client(kubernetesAdmin, "lares-up");
      for (const manifest of manifests) {
        const { name, outcome } = await apply(client, manifest);
        say(`${name} ${outcome}`);
      }
      await showUntilSettled({ informers: plane.informers, nodesMade, signal });
      if (!signal.aborted) for (const line of nextSteps(plane.kubeconfig)) say(line);
      plane.start("commentary", (stopping) => watchCluster(plane.informers, stopping));
      await plane.ended(signal);
    } finally {
      await plane.stop();
    }
  });
}

function startFleet(options: UpOptions, plane: ControlPlane): void {
  const fleet = createFleet(
    {
      name: "",
      nodes: [],
      kubeletVersion: apiVersion.gitVersion,
      timings: {
        pullMs: options.pullSeconds * 1_000,
        startMs: options.startSeconds * 1_000,
        stopMs: options.stopSeconds * 1_000,
      },
    },
    plane.agentDependencies(nodeFleet),
  );
  plane.start("fleet", (signal) => fleet.run(signal));
}

/**
 * Creates the wanted nodes that were never created here, so that a deleted one does not come back.
 * @returns the names of those that it created.
 */
async function makeNodes(options: UpOptions, plane: ControlPlane): Promise<readonly string[]> {
  const client = plane.client(kubernetesAdmin, "lares-up");
  const wanted = wantedNodes(options);
  const record = await client.get(configmaps, madeNodes).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const made = new Set((record?.data?.["names"] ?? "").split("\n").filter((name) => name !== ""));
  const missing = wanted.filter(({ name }) => !made.has(name));
  if (missing.length === 0) return [];
  await Promise.all(
    missing.map((wish) =>
      client.create(nodeResource, nodeObject(wish)).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      }),
    ),
  );
  const names = [...made, ...missing.map(({ name }) => name)].join("\n");
  const object: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: madeNodes, data: { names } };
  if (record === undefined) await client.create(configmaps, object);
  else await client.update(configmaps, { ...record, data: { names } });
  return missing.map(({ name }) => name);
}

/** `kube-master` alone, or numbered; workers are always numbered. */
export function wantedNodes(options: {
  readonly controlPlanes: number;
  readonly workers: number;
}): readonly NodeWish[] {
  const masters = Array.from({ length: options.controlPlanes }, (_, index) => ({
    name: index === 0 ? "kube-master" : `kube-master${index + 1}`,
    role: "control-plane" as const,
  }));
  const workers = Array.from({ length: options.workers }, (_, index) => ({
    name: `kube-worker${index + 1}`,
  }));
  return [...masters, ...workers];
}

function nextSteps(kubeconfig: string): readonly string[] {
  return [
    "",
    "Next, in another terminal:",
    "",
    `  export KUBECONFIG=${kubeconfig}`,
    "  kubectl get nodes",
    "  kubectl get daemonsets,pods -A -o wide",
    "",
    "Ctrl-C stops; `lares up` goes on where it was, `lares up --fresh` begins anew.",
  ];
}

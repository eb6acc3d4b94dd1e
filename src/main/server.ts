/** `lares server`: the control plane alone. Not here: its parts (control-plane.ts). */
import { resolve } from "node:path";
import { startControlPlane } from "./control-plane.ts";
import type { Placement } from "./placement.ts";
import { shortPath } from "./screen.ts";
import { runUntilSignal } from "./signals.ts";
import { type LogLevel, systemLog } from "./system.ts";
import { apiVersion, version } from "./version.ts";

export interface ServerOptions {
  readonly port: number;
  readonly dataDir: string;
  readonly kubeconfig?: string;
  readonly fresh: boolean;
  readonly placement: Placement;
  readonly controllers: string;
  readonly serviceClusterIpRange?: string;
  readonly serviceNodePortRange?: string;
  readonly logLevel: LogLevel;
}

/** Runs until SIGINT or SIGTERM. @throws UsageError for what a user can correct. */
export async function server(options: ServerOptions): Promise<void> {
  await runUntilSignal(async (signal) => {
    const dataDir = resolve(options.dataDir);
    const plane = await startControlPlane({ ...options, dataDir, log: systemLog(options.logLevel) });
    process.stdout.write(
      `lares ${version}: Kubernetes ${apiVersion.gitVersion} API at ${plane.url}, data in ${shortPath(dataDir)}\n` +
        `export KUBECONFIG=${plane.kubeconfig}\n`,
    );
    try {
      await plane.ended(signal);
    } finally {
      await plane.stop();
    }
  });
}

/** `lares fleet`: simulated nodes against any API server. Not here: the nodes (agent/). */
import { createFleet } from "../agent/index.ts";
import { createClient, createInformerFactory, httpTransport } from "../client/index.ts";
import { SharedParts } from "../machinery/index.ts";
import { fleetRecorders } from "./fleet-recorders.ts";
import { connectionFor } from "./connection.ts";
import { runUntilSignal } from "./signals.ts";
import { type LogLevel, systemClock, systemLog, systemRandom } from "./system.ts";
import { apiVersion, version } from "./version.ts";

export interface FleetCommandOptions {
  readonly nodes: number;
  readonly prefix: string;
  readonly name: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly logLevel: LogLevel;
  readonly pullSeconds: number;
  readonly startSeconds: number;
  readonly stopSeconds: number;
}

/** Runs until SIGINT or SIGTERM; the nodes stay registered and fall silent. @throws UsageError when no server is named. */
export async function fleet(options: FleetCommandOptions): Promise<void> {
  const log = systemLog(options.logLevel);
  const random = systemRandom();
  await runUntilSignal(async (signal) => {
    const connection = await connectionFor(options);
    const transport = httpTransport({
      ...connection,
      clock: systemClock,
      log,
      userAgent: `lares-fleet/${version}`,
    });
    const client = createClient(transport);
    const informers = createInformerFactory(client, {
      clock: systemClock,
      random,
      log,
      parts: new SharedParts(),
    });
    const names = Array.from({ length: options.nodes }, (_, index) => `${options.prefix}${index + 1}`);
    const running = createFleet(
      {
        name: options.name,
        nodes: names.map((name) => ({ name })),
        kubeletVersion: apiVersion.gitVersion,
        timings: {
          pullMs: options.pullSeconds * 1_000,
          startMs: options.startSeconds * 1_000,
          stopMs: options.stopSeconds * 1_000,
        },
      },
      {
        client,
        informers,
        clock: systemClock,
        random,
        log,
        recorderFor: fleetRecorders({ client, clock: systemClock, random, log, signal }),
      },
    );
    informers.start(signal);
    process.stdout.write(`lares ${version}: ${options.nodes} simulated nodes against ${connection.server}\n`);
    await running.run(signal);
    await transport.close();
  });
}

/**
 * Registers a node: creates its Node object and tries again until the server has one of that name.
 * Not here: what the object says (its caller knows the machine), what follows once it is there (node-agent.ts).
 * Upstream: kubernetes v1.35, pkg/kubelet/kubelet_node_status.go, registerWithAPIServer. Differs: pauses are spread.
 */
import { type Node, nodes } from "../../api/index.ts";
import { type Clock, type Limiter, type Log, type Random, sleep } from "../../base/index.ts";
import type { Client } from "../../client/index.ts";
import { isAlreadyExists } from "../../machinery/index.ts";

/** First pause after a refusal, in ms; doubles up to `pauseMaxMs`. Upstream's figures. */
const pauseBaseMs = 100;
const pauseMaxMs = 7_000;
/** Largest part of a pause that is left out, at random: thousands of nodes refused at once do not come back at once. */
const pauseSpread = 0.5;

export interface RegistrationDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly writes: Limiter;
}

/**
 * Resolves when the server has a node of that name, made by this call or before it, or when the signal aborts.
 * Tries for ever: only the server knows what must change. The first refusal is logged as an error. Never rejects.
 */
export async function registerNode(
  node: Node,
  { client, clock, random, log, writes }: RegistrationDependencies,
  signal: AbortSignal,
): Promise<void> {
  for (let pauseMs = pauseBaseMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, pauseMaxMs)) {
    try {
      await writes.run(() => client.create(nodes, node));
      return;
    } catch (error) {
      if (isAlreadyExists(error) || signal.aborted) return;
      const fields = { node: node.metadata.name, error: String(error) };
      if (pauseMs === pauseBaseMs) log.error("node was not registered, trying again", fields);
      else log.debug("node was not registered", fields);
    }
    await sleep(clock, pauseMs * (1 - pauseSpread * random.next()), signal).catch(() => {});
  }
}

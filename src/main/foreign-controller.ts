/**
 * Checks whether another DaemonSet controller is active on this cluster. Two of them make two pods per node and delete
 * each other's.
 *
 *   before we act:  lower one DaemonSet's observedGeneration by one ─▶ another restores it ─▶ refuse to start
 *                                                                  └─▶ nobody does in time ─▶ start; ours restores it
 *   while we act:   pods of DaemonSets that we did not create ─▶ stop (foreign-pods.ts)
 *
 * Needs only rights that the controller has anyway. Reasons in docs/designs/0002-any-cluster.md.
 * Not here: leader election among our own controllers.
 */
import { type DaemonSet, daemonsets, leases } from "../api/index.ts";
import { type Clock, type Log, sleep } from "../base/index.ts";
import type { Client } from "../client/index.ts";
import { isConflict, isNotFound, keyOf } from "../machinery/index.ts";

/**
 * How long the other may take to restore a status. Upstream's controller does it in milliseconds; a busy one waits for
 * its client's budget of 20 calls a second.
 */
const restoreMs = 5_000;
/** Pause between two reads of the status, in ms. */
const pollMs = 200;
/** DaemonSets tried when one is deleted or changed during the check. */
const triesMax = 5;

export interface ProbeDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ProbeOptions {
  /** Absent means all. */
  readonly namespaces?: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * @returns what the other did, as a text; undefined when no other was found, or there is no DaemonSet to find it by.
 * @throws StatusError when the server refuses the calls (Forbidden: the rights are missing).
 */
export async function findForeignController(
  options: ProbeOptions,
  dependencies: ProbeDependencies,
): Promise<string | undefined> {
  const found = await listDaemonSets(options, dependencies.client);
  for (const daemonSet of found.toSorted(steadiestFirst).slice(0, triesMax)) {
    const answer = await probe(daemonSet, options.signal, dependencies);
    if (answer === "gone") continue;
    return answer === "silent" ? undefined : answer;
  }
  dependencies.log.info("no DaemonSet to find another controller by; pods made by others will be noticed");
  return undefined;
}

async function listDaemonSets(
  { namespaces, signal }: ProbeOptions,
  client: Client,
): Promise<readonly DaemonSet[]> {
  const scopes = namespaces === undefined ? [{}] : namespaces.map((namespace) => ({ namespace }));
  const lists = await Promise.all(scopes.map((scope) => client.list(daemonsets, { ...scope, signal })));
  return lists
    .flatMap(({ items }) => items)
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Observed ones first, because only their status can be lowered and restored. Then old before young. */
function steadiestFirst(a: DaemonSet, b: DaemonSet): number {
  const unobserved = (daemonSet: DaemonSet): number => (isObserved(daemonSet) ? 0 : 1);
  const age = (daemonSet: DaemonSet): string =>
    `${daemonSet.metadata.creationTimestamp ?? ""} ${keyOf(daemonSet)}`;
  return unobserved(a) - unobserved(b) || (age(a) < age(b) ? -1 : 1);
}

function isObserved({ metadata, status }: DaemonSet): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 1);
}

/** @returns "gone" when this DaemonSet was deleted or changed, "silent" when nobody restored it, else who did. */
async function probe(
  daemonSet: DaemonSet,
  signal: AbortSignal,
  { client, clock, log }: ProbeDependencies,
): Promise<string> {
  const address = { name: daemonSet.metadata.name ?? "", namespace: daemonSet.metadata.namespace ?? "" };
  try {
    if (isObserved(daemonSet)) await lower(daemonSet, signal, client);
    const startMs = clock.monotonicMs();
    for (;;) {
      await sleep(clock, pollMs, signal);
      const now = await client.get(daemonsets, address, { signal });
      if (now.metadata.uid !== daemonSet.metadata.uid || now.metadata.deletionTimestamp !== undefined)
        return "gone";
      const tookMs = Math.round(clock.monotonicMs() - startMs);
      if (isObserved(now)) return describe(now, tookMs, await controllerManager(client, signal));
      if (tookMs >= restoreMs) break;
    }
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return "gone";
    throw error;
  }
  log.info("no other DaemonSet controller answered", { daemonSet: keyOf(daemonSet), waitedMs: restoreMs });
  return "silent";
}

async function lower(daemonSet: DaemonSet, signal: AbortSignal, client: Client): Promise<void> {
  const observedGeneration = (daemonSet.metadata.generation ?? 1) - 1;
  const zero = {
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
  };
  const status = { ...zero, ...daemonSet.status, observedGeneration };
  await client.update(daemonsets, { ...daemonSet, status }, { subresource: "status", signal });
}

function describe(daemonSet: DaemonSet, tookMs: number, lease: string): string {
  const writer = daemonSet.metadata.managedFields
    ?.filter(({ subresource }) => subresource === "status")
    .toSorted((a, b) => ((a.time ?? "") < (b.time ?? "") ? 1 : -1))[0]?.manager;
  const who = writer === undefined ? "somebody" : `field manager ${writer}`;
  return `${who} restored the status of daemonset ${keyOf(daemonSet)} within ${tookMs} ms${lease}`;
}

/** The holder of kube-controller-manager's Lease as a text, where we may read it; the check does not need that right. */
async function controllerManager(client: Client, signal: AbortSignal): Promise<string> {
  const address = { namespace: "kube-system", name: "kube-controller-manager" };
  const lease = await client.get(leases, address, { signal }).catch(() => undefined);
  const holder = lease?.spec?.holderIdentity;
  return holder === undefined || holder === "" ? "" : `; kube-controller-manager runs as ${holder}`;
}

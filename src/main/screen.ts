/**
 * Shows DaemonSets while they settle, as a table that is redrawn on a terminal, and afterwards what is worth a line.
 * Not here: the table's text (cli/roll-call.ts), what is worth a line (cli/commentary.ts).
 */
import { homedir } from "node:os";
import { relative } from "node:path";
import { daemonsets, type Node, nodes as nodeResource, type Pod, pods as podResource } from "../api/index.ts";
import { sleep } from "../base/index.ts";
import { Commentary, isObserved, rollCall } from "../cli/index.ts";
import type { InformerFactory } from "../client/index.ts";
import { controllerOf } from "../machinery/index.ts";
import { systemClock } from "./system.ts";

/** Ms between two drawings at least. Drawing takes at most one part in `paintShare` of the time: rows of thousands of pods cost. */
const frameMs = 100;
const paintShare = 20;
/** Ms without a change until the table counts as settled: a node that became ready makes DaemonSets want more pods at once. */
const stillMs = 250;
/** Longest wait for the table to settle, in ms. After it the user gets the next steps, whatever is still missing. */
const patienceMs = 20_000;

const podsByOwner = "main/owner";

export interface ScreenFacts {
  readonly informers: InformerFactory;
  /** Nodes that were created just now. They must have registered before the table counts as settled. */
  readonly nodesMade: readonly string[];
  readonly signal: AbortSignal;
}

/** Resolves when every DaemonSet is available on its nodes, after `patienceMs`, or when the signal aborts. */
export async function showUntilSettled(facts: ScreenFacts): Promise<void> {
  const { informers, signal } = facts;
  const sets = informers.for(daemonsets);
  const pods = informers.for(podResource);
  const nodes = informers.for(nodeResource);
  pods.addIndex(podsByOwner, (pod) => {
    const owner = controllerOf(pod);
    return owner === undefined ? [] : [owner.uid];
  });
  await informers.waitForSync(signal);
  const started = systemClock.monotonicMs();
  const painter = new Painter();
  let standingMs: number | undefined;
  for (;;) {
    const frameStarted = systemClock.monotonicMs();
    const daemonSets = sets.lister.list();
    painter.paint({
      daemonSets,
      nodeNames: nodes.lister
        .list()
        .map(({ metadata }) => metadata.name!)
        .sort(),
      podsOf: (uid: string): readonly Pod[] => pods.lister.byIndex(podsByOwner, uid),
      width: process.stdout.columns || 200,
    });
    const tookMs = systemClock.monotonicMs() - started;
    if (signal.aborted) return painter.end("");
    const areNodesKnown =
      facts.nodesMade.every((name) => nodes.lister.get(name) !== undefined) &&
      nodes.lister.list().every((node) => isKnown(node));
    standingMs = areNodesKnown && daemonSets.every(isObserved) ? (standingMs ?? tookMs) : undefined;
    if (standingMs !== undefined && tookMs - standingMs >= stillMs) {
      return painter.end(
        daemonSets.length === 0 ? "" : `Settled after ${(standingMs / 1_000).toFixed(1)} s.`,
      );
    }
    if (tookMs > patienceMs) return painter.end("Not settled yet; kubectl describe says why.");
    const paintMs = systemClock.monotonicMs() - frameStarted;
    await sleep(systemClock, Math.max(frameMs, paintMs * paintShare), signal).catch(() => {});
  }
}

/** The node has reported. If it is ready, the node life cycle controller has removed its first taint, so pods may come. */
function isKnown({ spec, status }: Node): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const isNew = spec.taints?.some(({ key }) => key === "node.kubernetes.io/not-ready") ?? false;
  return ready !== undefined && (ready.status !== "True" || !isNew);
}

/** Redraws the table in place on a terminal; elsewhere prints it once, at the end. */
class Painter {
  #drawn = 0;
  #last = "";

  paint(facts: Parameters<typeof rollCall>[0]): void {
    if (facts.daemonSets.length === 0) return;
    const lines = rollCall(facts);
    const text = lines.join("\n");
    if (text === this.#last) return;
    if (process.stdout.isTTY) {
      const up = this.#drawn === 0 ? "\n" : `\x1b[${this.#drawn}A\x1b[J`;
      process.stdout.write(`${up}${text}\n`);
      this.#drawn = lines.length;
    }
    this.#last = text;
  }

  end(line: string): void {
    if (!process.stdout.isTTY && this.#last !== "") process.stdout.write(`${this.#last}\n`);
    if (line !== "") process.stdout.write(`${line}\n`);
  }
}

/** Ms between two looks at a cluster that runs. */
const lookMs = 250;

/** Says what is worth a line until the signal aborts; on a terminal the last line shows what is under way. */
export async function watchCluster(informers: InformerFactory, signal: AbortSignal): Promise<void> {
  const isTerminal = process.stdout.isTTY;
  const commentary = new Commentary({ tellsBeginnings: !isTerminal });
  const nodes = nodesOf(informers);
  const pods = informers.for(podResource);
  let shown = "";
  while (!signal.aborted) {
    const { lines, now } = commentary.look({
      nowMs: systemClock.monotonicMs(),
      daemonSets: informers.for(daemonsets).lister.list(),
      podsOf: (uid) => pods.lister.byIndex(podsByOwner, uid),
      ...nodes,
    });
    const line = now.slice(0, (process.stdout.columns || 200) - 1);
    const isDrawn = isTerminal && (lines.length > 0 || line !== shown);
    if (isDrawn) process.stdout.write("\x1b[K");
    for (const text of lines) process.stdout.write(`${text}\n`);
    // The cursor stays before the line: what others print takes its place.
    if (isDrawn && line !== "") process.stdout.write(`${line}\r`);
    shown = line;
    await sleep(systemClock, lookMs, signal).catch(() => {});
  }
  if (isTerminal && shown !== "") process.stdout.write("\x1b[K");
}

/** Kept by events: there may be thousands of nodes. */
function nodesOf(informers: InformerFactory): {
  readonly nodesNotReady: ReadonlySet<string>;
  hasNode(name: string): boolean;
} {
  const informer = informers.for(nodeResource);
  const wereReady = new Set<string>();
  const nodesNotReady = new Set<string>();
  const see = ({ metadata: { name = "" }, status }: Node): void => {
    const isReady = status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
    if (isReady) {
      wereReady.add(name);
      nodesNotReady.delete(name);
    } else if (wereReady.has(name)) nodesNotReady.add(name);
  };
  informer.addHandler({
    added: see,
    updated: (_, node) => see(node),
    deleted: ({ metadata: { name = "" } }) => {
      wereReady.delete(name);
      nodesNotReady.delete(name);
    },
  });
  return { nodesNotReady, hasNode: (name) => informer.lister.get(name) !== undefined };
}

/** The path in its shortest form: relative below the working directory, `~` for the home. */
export function shortPath(path: string): string {
  const here = relative(process.cwd(), path);
  if (!here.startsWith("..") && here !== "") return here;
  return path.startsWith(`${homedir()}/`) ? `~${path.slice(homedir().length)}` : path;
}

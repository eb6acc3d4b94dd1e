/**
 * Scripts for the differential test: what users do to two DaemonSets and a few nodes, by seed, and the cluster in which one
 * controller lives through it. Pods are named by node and DaemonSet, never by name, so that a script means the same to any
 * controller. Not here: comparing (differential.test.ts).
 */
import { nodeObject } from "../../src/agent/index.ts";
import {
  type ControllerRevision,
  controllerrevisions,
  type DaemonSet,
  daemonsets,
  type DaemonSetSpec,
  type DaemonSetUpdateStrategy,
  isPodReady,
  nodes,
  type Pod,
  pods,
  targetNodeName,
} from "../../src/api/index.ts";
import { type Random, seededRandom } from "../../src/base/index.ts";
import {
  canonicalJson,
  controllerOf,
  isNotFound,
  type KubeObject,
  RawJson,
  StatusError,
} from "../../src/machinery/index.ts";
import type { WatchEvent } from "../../src/client/index.ts";
import { startSimulatedCluster, type SimulatedCluster } from "../../src/testing/simulated-cluster.ts";
import type { ControllerSeams } from "../../src/testing/simulated-controller.ts";

export const setNames = ["everywhere", "selected"] as const;
export type SetName = (typeof setNames)[number];
/** A cluster is at rest when no pod, DaemonSet or revision has changed for so long: more than any delay in scripts. */
const quietMs = 6_000;
/** Longest wait for rest: a roll-out over five nodes, one by one, with minReadySeconds. */
const patienceMs = 120_000;

export type Step =
  | { readonly do: "image"; readonly set: SetName; readonly version: number; readonly isBroken: boolean }
  | { readonly do: "undo"; readonly set: SetName }
  | { readonly do: "spec"; readonly set: SetName; readonly change: Partial<DaemonSetSpec> }
  | { readonly do: "tolerate"; readonly set: SetName; readonly isTolerant: boolean }
  | { readonly do: "deleteSet"; readonly set: SetName; readonly policy: "Background" | "Orphan" }
  | { readonly do: "createSet"; readonly set: SetName }
  | { readonly do: "label"; readonly node: number; readonly value: string | null }
  | { readonly do: "taint"; readonly node: number; readonly effect: string | undefined }
  | { readonly do: "deleteNode"; readonly node: number }
  | { readonly do: "joinNode"; readonly node: number }
  | { readonly do: "deletePods"; readonly set: SetName; readonly node: number; readonly isForced: boolean }
  | { readonly do: "endPods"; readonly set: SetName; readonly node: number; readonly phase: string }
  | { readonly do: "strayLabel"; readonly set: SetName; readonly node: number }
  | { readonly do: "orphan"; readonly set: SetName; readonly node: number };

export interface Script {
  readonly seed: number;
  readonly nodes: number;
  /** After each step the cluster comes to rest and is compared; otherwise only at the end. */
  readonly isAtRest: boolean;
  readonly strategies: Readonly<Record<SetName, DaemonSetUpdateStrategy>>;
  readonly steps: readonly { readonly step: Step; readonly pauseMs: number }[];
}

const strategy = (maxUnavailable: number | string, maxSurge: number | string): DaemonSetUpdateStrategy => ({
  type: "RollingUpdate",
  rollingUpdate: { maxUnavailable, maxSurge },
});
const rolling = [
  strategy(1, 0),
  strategy(2, 0),
  strategy("50%", 0),
  strategy("100%", 0),
  strategy(0, 1),
  strategy(0, "50%"),
];
const strategies: readonly DaemonSetUpdateStrategy[] = [
  ...rolling,
  { type: "OnDelete" },
  { type: "OnDelete" },
];

/** Relative weights. */
const weights: Readonly<Record<Step["do"] | "strategy" | "minReady" | "historyLimit", number>> = {
  image: 8,
  undo: 3,
  strategy: 3,
  minReady: 1,
  historyLimit: 1,
  spec: 0,
  tolerate: 1,
  deleteSet: 1,
  createSet: 1,
  label: 3,
  taint: 3,
  deleteNode: 0.5,
  joinNode: 2,
  deletePods: 3,
  endPods: 2,
  strayLabel: 1,
  orphan: 1,
};

export function scriptOf(seed: number): Script {
  const random = seededRandom(seed * 7919 + 3);
  const isAtRest = seed % 2 === 0;
  const count = 5 + below(random, 5);
  const steps = Array.from({ length: count }, () => {
    const dice = random.next();
    return { step: stepOf(random, isAtRest), pauseMs: dice < 0.3 ? 0 : Math.floor(dice * 4_000) };
  });
  const all = isAtRest ? strategies : rolling;
  return {
    seed,
    nodes: 3 + below(random, 3),
    isAtRest,
    strategies: { everywhere: pick(random, all), selected: pick(random, all) },
    steps,
  };
}

function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)]!;
}

function weighted(random: Random): keyof typeof weights {
  const names = Object.keys(weights) as (keyof typeof weights)[];
  let left = random.next() * names.reduce((sum, name) => sum + weights[name], 0);
  return names.find((name) => (left -= weights[name]) < 0) ?? "image";
}

/** Steps whose outcome depends on how far a roll-out has come. Only scripts that wait for rest between steps have them. */
function stepOf(random: Random, isAtRest: boolean): Step {
  const what = weighted(random);
  const set = pick(random, setNames);
  const node = below(random, 5);
  const spec = (change: Partial<DaemonSetSpec>): Step => ({ do: "spec", set, change });
  switch (what) {
    case "image":
      return { do: what, set, version: below(random, 4), isBroken: isAtRest && random.next() < 0.2 };
    case "strategy":
      return spec({ updateStrategy: pick(random, isAtRest ? strategies : rolling)! });
    case "minReady":
      return spec({ minReadySeconds: pick(random, [0, 1, 3]) });
    case "historyLimit":
      return spec({ revisionHistoryLimit: pick(random, isAtRest ? [0, 1, 2, 10] : [10]) });
    case "spec":
    case "undo":
      return { do: "undo", set };
    case "createSet":
      return { do: what, set };
    case "tolerate":
      return { do: what, set, isTolerant: random.next() < 0.5 };
    case "deleteSet":
      return { do: what, set, policy: pick(random, ["Background", "Orphan"] as const) };
    case "label":
      return { do: what, node, value: pick(random, ["yes", "no", null]) };
    case "taint":
      return { do: what, node, effect: pick(random, ["NoSchedule", "NoExecute", undefined]) };
    case "deletePods":
      return { do: what, set, node, isForced: random.next() < 0.3 };
    case "endPods":
      return { do: what, set, node, phase: pick(random, ["Failed", "Succeeded"]) };
    case "deleteNode":
    case "joinNode":
      return { do: what, node };
    case "strayLabel":
    case "orphan":
      return { do: what, set, node };
  }
}

interface Chapter {
  made: number;
  ended: number;
  leastReady: number;
  mostPods: number;
}

/** What happened to the pods on the way: how many came and went, how few were ready and how many there were at worst. */
class Story {
  readonly #pods = new Map<string, Pod>();
  readonly #chapter = new Map<SetName, Chapter>();

  add({ type, object }: WatchEvent<Pod>): void {
    const uid = object.metadata.uid!;
    const before = this.#pods.get(uid);
    if (type === "DELETED") this.#pods.delete(uid);
    else this.#pods.set(uid, object);
    const chapter = this.#of(object.metadata.labels?.["app"] as SetName);
    if (before === undefined) chapter.made++;
    const isEnding = type === "DELETED" || isTerminating(object);
    if (isEnding && before !== undefined && !isTerminating(before)) chapter.ended++;
  }

  /** At the end of each instant of virtual time. */
  instantEnds(): void {
    for (const set of setNames) {
      const own = [...this.#pods.values()].filter((pod) => pod.metadata.labels?.["app"] === set);
      const ready = own.filter((pod) => isPodReady(pod) && !isTerminating(pod)).length;
      const chapter = this.#of(set);
      chapter.leastReady = Math.min(chapter.leastReady, ready);
      chapter.mostPods = Math.max(chapter.mostPods, own.length);
    }
  }

  /** What happened since it was last asked. */
  chapter(): object {
    const told = Object.fromEntries(setNames.map((set) => [set, this.#of(set)]));
    this.#chapter.clear();
    return told;
  }

  #of(set: SetName): Chapter {
    const chapter = this.#chapter.get(set) ?? { made: 0, ended: 0, leastReady: Infinity, mostPods: 0 };
    this.#chapter.set(set, chapter);
    return chapter;
  }
}

const isTerminating = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;

/** A cluster with one controller, and what happens in it. */
export class Stage {
  readonly cluster: SimulatedCluster;
  readonly story: Story;
  readonly #script: Script;
  #changedMs = 0;
  #orphans = 0;
  #nudges = 0;
  /** DaemonSets as they were when they were deleted. Created again, they adopt their orphans. */
  readonly #deleted = new Map<SetName, DaemonSet>();
  readonly #stop = new AbortController();

  private constructor(cluster: SimulatedCluster, script: Script, story: Story) {
    this.cluster = cluster;
    this.#script = script;
    this.story = story;
  }

  static async open(script: Script, seams: ControllerSeams): Promise<Stage> {
    const story = new Story();
    const cluster = await startSimulatedCluster({
      seed: script.seed,
      nodes: Array.from({ length: script.nodes }, (_, index) => wishOf(index)),
      seams,
      settled: () => story.instantEnds(),
    });
    const stage = new Stage(cluster, script, story);
    await stage.#watch();
    await cluster.advance(3_000);
    for (const set of setNames) await stage.#createSet(set);
    await stage.rest();
    return stage;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.cluster.stop();
  }

  /** Refusals by the server are the same for every controller and part of the story. */
  async act(step: Step): Promise<void> {
    try {
      await this.#act(step);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
    }
    if (step.do === "deleteNode" || step.do === "taint") await this.nudge();
  }

  /**
   * Has each DaemonSet looked at once more. Upstream does not wake for a node that is gone
   * (docs/spec/daemonset-controller.md#23.12), nor for a taint that keeps its pod: its status stays as it was until
   * something else happens.
   */
  async nudge(): Promise<void> {
    const body = { metadata: { annotations: { nudge: `${this.#nudges++}` } } };
    for (const set of setNames) {
      try {
        await this.cluster.client.patch(daemonsets, addressOf(set), { type: "merge", body });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  async rest(): Promise<void> {
    const { clock } = this.cluster;
    this.#changedMs = Math.max(this.#changedMs, clock.monotonicMs() - quietMs + 1_500);
    await this.cluster.until(() => clock.monotonicMs() - this.#changedMs > quietMs, patienceMs);
  }

  async #watch(): Promise<void> {
    const events = (): void => void (this.#changedMs = this.cluster.clock.monotonicMs());
    const sink = { events, end: () => {} };
    const { client } = this.cluster;
    const { signal } = this.#stop;
    const told = (batch: readonly WatchEvent<Pod>[]): void => {
      events();
      for (const event of batch) this.story.add(event);
    };
    await client.watch(pods, { signal }, { ...sink, events: told });
    await client.watch(daemonsets, { signal }, sink);
    await client.watch(controllerrevisions, { signal }, sink);
  }

  async #act(step: Step): Promise<void> {
    const { client } = this.cluster;
    switch (step.do) {
      case "image":
        return this.edit(step.set, (set) => withTemplate(set, step.version, step.isBroken));
      case "undo":
        return this.#undo(step.set);
      case "spec":
        return this.edit(step.set, (set) => ({ ...set, spec: { ...set.spec, ...step.change } }));
      case "tolerate": {
        const tolerations = step.isTolerant ? [{ key: "busy", operator: "Exists" }] : [];
        return this.edit(step.set, (set) => withPodSpec(set, { tolerations }));
      }
      case "deleteSet":
        this.#deleted.set(step.set, await client.get(daemonsets, addressOf(step.set)));
        await client.delete(daemonsets, addressOf(step.set), { propagationPolicy: step.policy });
        return;
      case "createSet":
        return this.#createSet(step.set);
      case "label": {
        const body = { metadata: { labels: { agent: step.value } } };
        await client.patch(nodes, { name: nodeName(step.node) }, { type: "merge", body });
        return;
      }
      case "taint": {
        const node = await client.get(nodes, { name: nodeName(step.node) });
        const others = (node.spec.taints ?? []).filter(({ key }) => key !== "busy");
        const taints = step.effect === undefined ? others : [...others, { key: "busy", effect: step.effect }];
        await client.update(nodes, { ...node, spec: { ...node.spec, taints } });
        return;
      }
      case "deleteNode":
        await client.delete(nodes, { name: nodeName(step.node) });
        return;
      case "joinNode":
        await client.create(nodes, nodeObject(wishOf(step.node)));
        return;
      case "deletePods":
      case "endPods":
      case "strayLabel":
        for (const pod of await this.#podsOn(step.set, step.node)) await this.#change(pod, step);
        return;
      case "orphan":
        return this.#createOrphan(step.set, nodeName(step.node));
    }
  }

  async #change(
    pod: Pod,
    step: Extract<Step, { do: "deletePods" | "endPods" | "strayLabel" }>,
  ): Promise<void> {
    const { client } = this.cluster;
    const address = { namespace: "default", name: pod.metadata.name! };
    if (step.do === "deletePods")
      await client.delete(pods, address, step.isForced ? { gracePeriodSeconds: 0 } : {});
    else if (step.do === "strayLabel")
      await client.patch(pods, address, { type: "merge", body: { metadata: { labels: { app: "aside" } } } });
    else {
      const conditions = ["Ready", "ContainersReady"].map((type) => ({
        type,
        status: "False",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      }));
      const body = { status: { phase: step.phase, conditions } };
      await client.patch(pods, { ...address, subresource: "status" }, { type: "strategic", body });
    }
  }

  async edit(set: SetName, change: (daemonSet: DaemonSet) => DaemonSet): Promise<void> {
    const { client } = this.cluster;
    await client.update(daemonsets, change(await client.get(daemonsets, addressOf(set))));
  }

  /** As kubectl rollout undo. */
  async #undo(set: SetName): Promise<void> {
    const { client } = this.cluster;
    const daemonSet = await client.get(daemonsets, addressOf(set));
    const { data } = (await this.revisionsOf(daemonSet)).at(-2) ?? {};
    if (data === undefined) return;
    const body = (data instanceof RawJson ? data.value() : data) as object;
    await client.patch(daemonsets, addressOf(set), { type: "strategic", body });
  }

  async #createSet(set: SetName): Promise<void> {
    const daemonSet = recreated(this.#deleted.get(set)) ?? newSet(set, this.#script.strategies[set]);
    await this.cluster.client.create(daemonsets, daemonSet);
  }

  async #podsOn(set: SetName, node: number): Promise<readonly Pod[]> {
    const { items } = await this.cluster.client.list(pods, {
      namespace: "default",
      labelSelector: `app=${set}`,
    });
    return items.filter(
      (pod) => pod.spec.nodeName === nodeName(node) && pod.metadata.deletionTimestamp === undefined,
    );
  }

  /** On nodes that are there: a pod on another one stops upstream's surges until it is collected (#23.4). */
  async #createOrphan(set: SetName, node: string): Promise<void> {
    await this.cluster.client.get(nodes, { name: node });
    const containers = [{ name: "main", image: "orphan" }];
    await this.cluster.client.create(pods, {
      metadata: { name: `orphan-${this.#orphans++}`, namespace: "default", labels: { app: set } },
      spec: { nodeName: node, terminationGracePeriodSeconds: 1, containers },
    });
  }

  async revisionsOf(daemonSet: KubeObject): Promise<readonly ControllerRevision[]> {
    const { items } = await this.cluster.client.list(controllerrevisions, { namespace: "default" });
    return items
      .filter((revision) => controllerOf(revision)?.uid === daemonSet.metadata.uid)
      .sort((a, b) => a.revision - b.revision);
  }

  /** What must be equal whoever controls: nothing in it is a name, a UID, a hash or a time. */
  async picture(): Promise<object> {
    const { client } = this.cluster;
    const allPods = (await client.list(pods, { namespace: "default" })).items;
    const sets: Record<string, object> = {};
    const owned = new Set<string>();
    for (const daemonSet of (await client.list(daemonsets, { namespace: "default" })).items) {
      const uid = daemonSet.metadata.uid!;
      owned.add(uid);
      const revisions = await this.revisionsOf(daemonSet);
      const numbers = new Map(revisions.map((one) => [one.metadata.labels?.[hashLabel], one.revision]));
      const mine = allPods.filter((pod) => controllerOf(pod)?.uid === uid);
      sets[daemonSet.metadata.name!] = {
        generation: daemonSet.metadata.generation,
        status: { ...noNumbers, ...daemonSet.status },
        revisions: revisions.map(
          ({ revision, data, metadata }) =>
            `${revision} ${metadata.annotations?.["kubernetes.io/change-cause"]} ${canonicalJson(data)}`,
        ),
        pods: mine
          .map((pod) => `${describe(pod)} of ${numbers.get(pod.metadata.labels?.[hashLabel])}`)
          .sort(),
      };
    }
    const others = allPods.filter((pod) => !owned.has(controllerOf(pod)?.uid ?? "")).map(describe);
    return { sets, others: others.sort() };
  }
}

const generationAnnotation = "deprecated.daemonset.template.generation";
const hashLabel = "controller-revision-hash";
/** Counters that are zero are left out by one and written by the other: both are right. */
const noNumbers = { updatedNumberScheduled: 0, numberAvailable: 0, numberUnavailable: 0 };

function describe(pod: Pod): string {
  const { metadata, spec, status } = pod;
  const ready =
    status?.conditions?.find(({ type }) => type === "Ready")?.status === "True" ? "ready" : "not ready";
  const end = metadata.deletionTimestamp === undefined ? "" : " terminating";
  const bound = spec.nodeName === undefined ? "for" : "on";
  return `${spec.containers[0]!.image} ${bound} ${targetNodeName(pod)} ${status?.phase} ${ready}${end} ${metadata.labels?.["app"]}`;
}

function addressOf(set: SetName): { readonly namespace: string; readonly name: string } {
  return { namespace: "default", name: set };
}

export function nodeName(node: number): string {
  return `node-${"abcdefghij"[node]}`;
}

function wishOf(node: number): { readonly name: string; readonly labels: Record<string, string> } {
  return { name: nodeName(node), labels: node % 2 === 0 ? { agent: "yes" } : {} };
}

function withPodSpec(set: DaemonSet, change: object): DaemonSet {
  const { template } = set.spec;
  return { ...set, spec: { ...set.spec, template: { ...template, spec: { ...template.spec!, ...change } } } };
}

function newSet(set: SetName, updateStrategy: DaemonSetUpdateStrategy): DaemonSet {
  const labels = { app: set };
  const where = set === "selected" ? { nodeSelector: { agent: "yes" } } : {};
  const spec = { terminationGracePeriodSeconds: 2, containers: [{ name: "main", image: "" }], ...where };
  const bare: DaemonSet = {
    metadata: { name: set, namespace: "default" },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec }, updateStrategy },
  };
  return withTemplate(bare, 0, false);
}

/** With a template generation of its own, or upstream takes adopted pods of other templates for new ones (#23.8). */
function recreated(deleted: DaemonSet | undefined): DaemonSet | undefined {
  if (deleted === undefined) return undefined;
  const { name, annotations } = deleted.metadata;
  const generation = String(Number(annotations?.[generationAnnotation]) + 1);
  return {
    metadata: {
      name: name!,
      namespace: "default",
      annotations: { ...annotations, [generationAnnotation]: generation },
    },
    spec: deleted.spec,
  };
}

/** The same for the same version, so that going back is a rollback. */
function withTemplate(set: DaemonSet, version: number, isBroken: boolean): DaemonSet {
  const containers = [{ ...set.spec.template.spec!.containers[0]!, image: `example:${version}` }];
  const { metadata, spec } = withPodSpec(set, { containers });
  const annotations = { ...metadata.annotations, "kubernetes.io/change-cause": `image ${version}` };
  const trouble = isBroken ? { "lares.dev/simulate": "never-ready" } : {};
  const template = { ...spec.template, metadata: { ...spec.template.metadata, annotations: trouble } };
  return { ...set, metadata: { ...metadata, annotations }, spec: { ...spec, template } };
}

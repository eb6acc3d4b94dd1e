/**
 * Carries out the steps of a script, as users and mishaps would.
 * Not here: which steps (script.ts).
 */
import { nodeObject } from "../../src/agent/index.ts";
import {
  type Affinity,
  type DaemonSet,
  daemonsets,
  namespaces,
  type Node,
  nodes,
  type Pod,
  pods,
  type PodTemplateSpec,
} from "../../src/api/index.ts";
import {
  isConflict,
  isNotFound,
  type KubeObject,
  type Resource,
  StatusError,
} from "../../src/machinery/index.ts";
import type { SimulatedCluster } from "../../src/testing/simulated-cluster.ts";
import { isReady, isRolling, isTerminating, isUpToDate, nodeOf, ownerUid, podsOf } from "./model.ts";
import type { Script, Step, Trouble } from "./script.ts";
import type { ClusterState } from "./state.ts";

/** The two DaemonSets of every script; the second lives in a namespace that may be deleted. */
export const sets = [
  { name: "web", namespace: "default" },
  { name: "log", namespace: "apps" },
] as const;
const maxUnreachable = "lares.dev/max-unreachable";
/** Long enough for a pod to be made on a node that joins. */
const comeAndGoMs = 300;
/** Writes that others beat us to are tried so often. */
const tries = 5;

/** Until everybody has heard of the last edit: a watch that has fallen silent is found out within 3 minutes. */
export function settleMs({ faults }: Script): number {
  return (faults.silenceWatch ?? 0) > 0 ? 200_000 : 60_000;
}

export class Actor {
  readonly #cluster: SimulatedCluster;
  readonly #script: Script;
  readonly #state: () => ClusterState;

  constructor(cluster: SimulatedCluster, script: Script, state: () => ClusterState) {
    this.#cluster = cluster;
    this.#script = script;
    this.#state = state;
  }

  async begin(): Promise<void> {
    await this.#create(namespaces, { metadata: { name: "apps" }, spec: {} });
    for (const set of [0, 1]) await this.#createSet(set, 0);
  }

  /** Refusals by the server are part of life; anything else is a defect. */
  async act(step: Step): Promise<void> {
    try {
      await this.#act(step);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
    }
  }

  /** Makes everything well, so that everything can become available. */
  async heal(): Promise<void> {
    const cluster = this.#cluster;
    cluster.setFaults({});
    await cluster.timeTravel(0);
    for (let i = 0; i < this.#script.controllers; i++) {
      if (!cluster.isControllerRunning(i)) cluster.restartController(i);
      cluster.crashControllerAtWrite(Infinity, false, i);
    }
    for (let i = 0; i < nodeNames.length; i++) await this.act({ do: "silence", node: i, isSilent: false });
    await cluster.advance(90_000);
    for (let i = 0; i < 2; i++) {
      await this.act({ do: "createNamespace" });
      await this.act({ do: "createSet", set: i, version: 9 });
      await this.act({ do: "image", set: i, version: 9, trouble: "" });
    }
    await cluster.advance(settleMs(this.#script));
    await this.#replaceOutdated();
  }

  /** What OnDelete waits for. */
  async #replaceOutdated(): Promise<void> {
    const state = this.#state();
    for (const daemonSet of state.daemonsets.values()) {
      if (isRolling(daemonSet)) continue;
      for (const pod of podsOf(state, daemonSet.metadata.uid!))
        if (!isUpToDate(state, daemonSet, pod))
          await this.#cluster.client.delete(pods, addressOf(pod)).catch(() => {});
    }
  }

  async #act(step: Step): Promise<void> {
    const cluster = this.#cluster;
    const { client } = cluster;
    switch (step.do) {
      case "image":
        return this.#editSet(step.set, (set) =>
          withTemplate(set, templateOf(set, step.version, step.trouble)),
        );
      case "strategy":
        return this.#editSet(step.set, (set) => withSpec(set, { updateStrategy: step.strategy }));
      case "maxUnreachable":
        return this.#annotateSet(step.set, step.value);
      case "minReady":
        return this.#editSet(step.set, (set) => withSpec(set, { minReadySeconds: step.seconds }));
      case "historyLimit":
        return this.#editSet(step.set, (set) => withSpec(set, { revisionHistoryLimit: step.limit }));
      case "where":
        return this.#editSet(step.set, (set) => withPodSpec(set, { nodeSelector: step.selector }));
      case "tolerate": {
        const { key } = step;
        const tolerations = key === undefined ? [] : [{ ...(key === "" ? {} : { key }), operator: "Exists" }];
        return this.#editSet(step.set, (set) => withPodSpec(set, { tolerations }));
      }
      case "peers":
        return this.#editSet(step.set, (set) =>
          withPodSpec(set, { affinity: nearPeers(step.ofAllNamespaces) }),
        );
      case "deleteSet":
        await client.delete(daemonsets, sets[step.set]!, { propagationPolicy: step.policy });
        return;
      case "createSet":
        return this.#createSet(step.set, step.version);
      case "label":
        return this.#patchNode(step.node, { metadata: { labels: { [step.key]: step.value } } });
      case "taint": {
        const { effect } = step;
        return this.#editNode(step.node, (node) => ({
          ...node,
          spec: { ...node.spec, taints: taintsOf(node, effect) },
        }));
      }
      case "silence":
        return this.#silence(step.node, step.isSilent);
      case "outage":
        for (let node = 0; node < step.nodes; node++) await this.#silence(node, true);
        return;
      case "deleteNode":
        await client.delete(nodes, { name: nodeName(step.node) });
        return;
      case "joinNode":
        return this.#joinNode(step.node);
      case "renewNode":
        // In the same instant: the pods are still bound to the name.
        await client.delete(nodes, { name: nodeName(step.node) });
        return this.#joinNode(step.node);
      case "deletePod":
        return this.#deletePod(step.pick, step.isForced);
      case "endPod":
        return this.#endPod(step.pick, step.phase);
      case "strayLabel":
        return this.#relabelPod(step.pick);
      case "orphan":
        return this.#createOrphan(step.set, step.node);
      case "deleteNamespace":
        await client.delete(namespaces, { name: "apps" });
        return;
      case "createNamespace":
        await client.create(namespaces, { metadata: { name: "apps" }, spec: {} });
        return;
      case "crash":
        cluster.crashController();
        if (step.restartAfterMs > 0) await cluster.advance(step.restartAfterMs);
        cluster.restartController();
        return;
      case "crashAtWrite":
        cluster.crashControllerAtWrite(step.write, step.isCarriedOut);
        return;
      case "restartApi":
        return cluster.restartApiServer();
      case "gap":
        return cluster.unwatched("pods", () => this.#comeAndGo(step.node, step.pick));
      case "timeTravel":
        return cluster.timeTravel(step.lagMs);
      case "wait":
        return;
    }
  }

  async #createSet(set: number, version: number): Promise<void> {
    const { name, namespace } = sets[set]!;
    const labels = { app: name };
    const bare: DaemonSet = {
      metadata: { name, namespace, annotations: annotationsOf(this.#script.maxUnreachable[set] ?? null) },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "" }] } },
        updateStrategy: this.#script.strategies[set]!,
      },
    };
    await this.#create(daemonsets, withTemplate(bare, templateOf(bare, version, "")));
  }

  async #create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
    await this.#cluster.client.create(resource, object);
  }

  async #editSet(set: number, edit: (daemonSet: DaemonSet) => DaemonSet): Promise<void> {
    const { client } = this.#cluster;
    await retried(async () => client.update(daemonsets, edit(await client.get(daemonsets, sets[set]!))));
  }

  async #annotateSet(set: number, value: string | null): Promise<void> {
    const body = { metadata: { annotations: { [maxUnreachable]: value } } };
    await this.#cluster.client.patch(daemonsets, sets[set]!, { type: "merge", body });
  }

  async #silence(node: number, isSilent: boolean): Promise<void> {
    const annotations = { "lares.dev/simulate": isSilent ? "silent" : null };
    await this.#patchNode(node, { metadata: { annotations } });
  }

  async #joinNode(node: number): Promise<void> {
    await this.#create(nodes, nodeObject({ name: nodeName(node), labels: labelsOf(node) }));
  }

  async #editNode(node: number, edit: (node: Node) => Node): Promise<void> {
    const { client } = this.#cluster;
    await retried(async () => client.update(nodes, edit(await client.get(nodes, { name: nodeName(node) }))));
  }

  async #patchNode(node: number, body: object): Promise<void> {
    await this.#cluster.client.patch(nodes, { name: nodeName(node) }, { type: "merge", body });
  }

  async #comeAndGo(node: number, pick: number): Promise<void> {
    await this.act({ do: "deletePod", pick, isForced: true });
    await this.act({ do: "joinNode", node });
    await this.#cluster.advance(comeAndGoMs);
    for (const pod of this.#state().pods.values())
      if (nodeOf(pod) === nodeName(node))
        await this.#cluster.client.delete(pods, addressOf(pod), { gracePeriodSeconds: 0 }).catch(() => {});
    await this.#cluster.advance(comeAndGoMs);
  }

  #pod(pick: number): Pod | undefined {
    const own = [...this.#state().pods.values()].filter(
      (pod) => ownerUid(pod) !== undefined && !isTerminating(pod),
    );
    return own.length === 0 ? undefined : own[pick % own.length];
  }

  async #deletePod(pick: number, isForced: boolean): Promise<void> {
    const pod = this.#pod(pick);
    if (pod === undefined) return;
    await this.#cluster.client.delete(pods, addressOf(pod), isForced ? { gracePeriodSeconds: 0 } : {});
  }

  async #endPod(pick: number, phase: string): Promise<void> {
    const pod = this.#pod(pick);
    if (pod?.spec.nodeName === undefined || !isReady(pod)) return;
    const conditions = [{ type: "Ready", status: "False", lastTransitionTime: "2026-01-01T00:00:00Z" }];
    const body = { status: { phase, reason: "Evicted", conditions } };
    await this.#cluster.client.patch(
      pods,
      { ...addressOf(pod), subresource: "status" },
      { type: "strategic", body },
    );
  }

  async #relabelPod(pick: number): Promise<void> {
    const pod = this.#pod(pick);
    if (pod === undefined) return;
    const body = { metadata: { labels: { app: "aside" } } };
    await this.#cluster.client.patch(pods, addressOf(pod), { type: "merge", body });
  }

  async #createOrphan(set: number, node: number): Promise<void> {
    const { name, namespace } = sets[set]!;
    const number = this.#cluster.store.currentRevision();
    await this.#create(pods, {
      metadata: { name: `orphan-${number}`, namespace, labels: { app: name } },
      spec: {
        nodeName: nodeName(node),
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "main", image: "orphan" }],
      },
    });
  }
}

/** Names of all nodes that a script can make. */
export const nodeNames: readonly string[] = "abcdefg".split("").map((letter) => `node-${letter}`);

export function nodeName(node: number): string {
  return nodeNames[node % nodeNames.length]!;
}

export function labelsOf(node: number): Record<string, string> {
  return { zone: node % 2 === 0 ? "a" : "b", ...(node % 3 === 0 ? { agent: "yes" } : {}) };
}

async function retried(write: () => Promise<unknown>): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await write();
      return;
    } catch (error) {
      if (tried >= tries || !isConflict(error) || isNotFound(error)) throw error;
    }
  }
}

function addressOf(pod: Pod): { readonly name: string; readonly namespace: string } {
  return { name: pod.metadata.name!, namespace: pod.metadata.namespace! };
}

function annotationsOf(value: string | null): Record<string, string> {
  return value === null ? {} : { [maxUnreachable]: value };
}

function taintsOf(node: Node, effect: string | undefined): NonNullable<Node["spec"]["taints"]> {
  const key = "example.com/busy";
  const others = (node.spec.taints ?? []).filter((taint) => taint.key !== key);
  return effect === undefined ? others : [...others, { key, effect }];
}

/** `{}` selects every namespace, and its absence the pod's own. */
function nearPeers(ofAllNamespaces: boolean): Affinity {
  const podAffinityTerm = {
    topologyKey: "zone",
    labelSelector: {},
    ...(ofAllNamespaces ? { namespaceSelector: {} } : {}),
  };
  const preferred = [{ weight: 1, podAffinityTerm }];
  return { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } };
}

function withSpec(set: DaemonSet, change: object): DaemonSet {
  return { ...set, spec: { ...set.spec, ...change } };
}

function withTemplate(set: DaemonSet, template: PodTemplateSpec): DaemonSet {
  return withSpec(set, { template });
}

function withPodSpec(set: DaemonSet, change: object): DaemonSet {
  const { template } = set.spec;
  return withTemplate(set, { ...template, spec: { ...template.spec!, ...change } });
}

/** Version n of the template: the same again whenever it is asked for, so that going back is a rollback. */
function templateOf(set: DaemonSet, version: number, trouble: Trouble): PodTemplateSpec {
  const { template } = set.spec;
  return {
    metadata: {
      ...template.metadata,
      annotations: trouble === "" ? {} : { "lares.dev/simulate": trouble },
    },
    spec: {
      ...template.spec!,
      terminationGracePeriodSeconds: 2,
      containers: [{ ...template.spec!.containers[0]!, image: `example:${version}` }],
    },
  };
}

/**
 * Simulated nodes by the thousands, over any client: every Node object that says so is driven here, as a kubelet would.
 * Not here: one node (node/node-agent.ts), one pod (pods/pod-worker.ts).
 * Work per event is O(1): a pod event goes to its node by name, a node event to that node.
 */
import { type Node, nodes as nodeResource, type Pod, pods as podResource } from "../api/index.ts";
import { type Clock, createLimiter, type Limiter, type Log, type Random } from "../base/index.ts";
import {
  type Client,
  type EventRecorder,
  indexPodsByNode,
  type InformerFactory,
  podsByNode,
} from "../client/index.ts";
import { defaultTimings, isDrivenBy, type Timings } from "./runtime/simulated/behaviour.ts";
import { nodeObject, type NodeWish } from "./node/node-status.ts";
import { nodeIndexMax } from "./runtime/simulated/network.ts";
import { registerNode } from "./node/registration.ts";
import { indexOfNode, type NodeDependencies, NodeAgent } from "./node/node-agent.ts";
import type { PodEvent } from "./pods/pod-worker.ts";

/** Writes of a whole fleet under way at once: enough to fill a group commit, few enough to bound memory. */
const writesMax = 256;

export interface FleetOptions {
  /** Drives the nodes whose annotation `lares.dev/fleet` is this; "" is the default fleet. */
  readonly name: string;
  /** Nodes to create when they are missing. */
  readonly nodes: readonly NodeWish[];
  readonly timings?: Partial<Timings>;
  /** Lease duration; upstream's 40 s by default. */
  readonly leaseSeconds?: number;
  /** What nodes report as `kubeletVersion`. */
  readonly kubeletVersion: string;
}

export interface FleetDependencies {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Component `kubelet`; the host is the node's name. Asked for each event: recorders must share what they remember. */
  recorderFor(node: string): EventRecorder;
}

export interface Fleet {
  /** Registers the wished nodes, drives all that are its own until the signal aborts, then stops without touching the API. */
  run(signal: AbortSignal): Promise<void>;
  /** Nodes driven now. */
  readonly size: number;
}

export function createFleet(options: FleetOptions, dependencies: FleetDependencies): Fleet {
  return new FleetOfNodes(options, dependencies);
}

class FleetOfNodes implements Fleet {
  readonly #options: FleetOptions;
  readonly #dependencies: FleetDependencies;
  readonly #nodes = new Map<string, NodeAgent>();
  readonly #indexes = new Set<number>();
  readonly #writes: Limiter = createLimiter(writesMax);
  #nextIndex = 0;

  constructor(options: FleetOptions, dependencies: FleetDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    indexPodsByNode(dependencies.informers.for(podResource));
    dependencies.informers.for(nodeResource);
  }

  get size(): number {
    return this.#nodes.size;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { informers } = this.#dependencies;
    await informers.waitForSync(signal);
    const nodes = informers.for(nodeResource);
    const pods = informers.for(podResource);
    // Networks that are taken must be known before the first new one is given out.
    for (const node of nodes.lister.list()) this.#reserve(indexOfNode(node));
    nodes.addHandler({
      added: (node) => this.#nodeSeen(node),
      updated: (_, node) => this.#nodeSeen(node),
      deleted: (node) => this.#nodeGone(node),
    });
    pods.addHandler({
      added: (pod) => this.#nodeOf(pod)?.addPod(pod),
      updated: (_, pod) => this.#nodeOf(pod)?.addPod(pod),
      deleted: (pod) => this.#nodeOf(pod)?.removePod(pod),
    });
    const registration = { ...this.#dependencies, writes: this.#writes };
    const { name: fleet, nodes: wishes } = this.#options;
    await Promise.all([
      aborted(signal),
      ...wishes.map((wish) => registerNode(nodeObject({ fleet, ...wish }), registration, signal)),
    ]);
    for (const node of this.#nodes.values()) node.stop();
    this.#nodes.clear();
  }

  #nodeOf(pod: Pod): NodeAgent | undefined {
    const name = pod.spec?.nodeName;
    return name === undefined ? undefined : this.#nodes.get(name);
  }

  #nodeSeen(node: Node): void {
    const name = node.metadata.name!;
    const known = this.#nodes.get(name);
    const isOurs = isDrivenBy(node, this.#options.name) && node.metadata.deletionTimestamp === undefined;
    if (known !== undefined) {
      if (isOurs) known.update(node);
      else this.#nodeGone(node);
      return;
    }
    if (!isOurs) return;
    const index = this.#reserve(indexOfNode(node)) ?? this.#freeIndex();
    const simulated = new NodeAgent(node, index, {
      settings: this.#settings(),
      dependencies: this.#nodeDependencies(),
    });
    this.#nodes.set(name, simulated);
    simulated.start();
    for (const pod of this.#dependencies.informers.for(podResource).lister.byIndex(podsByNode, name))
      simulated.addPod(pod);
  }

  #nodeGone(node: Node): void {
    const name = node.metadata.name!;
    const known = this.#nodes.get(name);
    if (known === undefined) return;
    known.stop();
    this.#nodes.delete(name);
    this.#indexes.delete(known.index);
  }

  #reserve(index: number | undefined): number | undefined {
    if (index !== undefined) this.#indexes.add(index);
    return index;
  }

  /** The next network that nobody has; amortised O(1), since the search goes on where it stopped. */
  #freeIndex(): number {
    if (this.#indexes.size >= nodeIndexMax)
      throw new Error(`a fleet has networks for ${nodeIndexMax} nodes at most`);
    while (this.#indexes.has(this.#nextIndex)) this.#nextIndex = (this.#nextIndex + 1) % nodeIndexMax;
    this.#indexes.add(this.#nextIndex);
    return this.#nextIndex;
  }

  #settings(): { readonly timings: Timings; readonly leaseSeconds: number; readonly kubeletVersion: string } {
    const { timings, leaseSeconds, kubeletVersion } = this.#options;
    return { timings: { ...defaultTimings, ...timings }, leaseSeconds: leaseSeconds ?? 40, kubeletVersion };
  }

  #nodeDependencies(): NodeDependencies {
    const { client, clock, random, log } = this.#dependencies;
    return {
      client,
      clock,
      random,
      log,
      writes: this.#writes,
      event: (node, pod, what) => this.#event(node, pod, what),
    };
  }

  #event(node: Node, pod: Pod | undefined, what: PodEvent): void {
    const name = node.metadata.name!;
    this.#dependencies
      .recorderFor(name)
      .event(
        pod === undefined ? nodeReference(node) : podReference(pod, what.container),
        what.type,
        what.reason,
        what.message,
      );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Kubelets name the node by its name in place of the uid; `kubectl describe node` asks for both. */
function nodeReference(node: Node): { readonly [field: string]: string } {
  return { kind: "Node", name: node.metadata.name!, uid: node.metadata.name! };
}

function podReference(pod: Pod, container: string | undefined): { readonly [field: string]: string } {
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    name: name!,
    namespace: namespace!,
    uid: uid!,
    resourceVersion: resourceVersion ?? "",
    ...(container === undefined ? {} : { fieldPath: `spec.containers{${container}}` }),
  };
}

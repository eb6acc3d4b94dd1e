/**
 * Simulated nodes by the thousands, over any client: every Node object that says so is driven here, as a kubelet would.
 * Not here: one node (agent.ts), what its containers and its machine do (runtime/simulated).
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
import { Agent } from "./agent.ts";
import type { NodeDependencies } from "./node/node-agent.ts";
import { registerNode } from "./node/registration.ts";
import { nodeObject, type NodeWish } from "./node-object.ts";
import type { PodWorker } from "./pods/pod-worker.ts";
import type { PodDependencies } from "./pods/pod-workers.ts";
import { StatusManager } from "./pods/status-manager.ts";
import {
  defaultTimings,
  isDrivenBy,
  type SimulatedTimes,
  type Timings,
} from "./runtime/simulated/behaviour.ts";
import { SimulatedMachine } from "./runtime/simulated/machine.ts";
import { indexOfPodCidr, nodeIndexMax } from "./runtime/simulated/network.ts";
import { SimulatedProber } from "./runtime/simulated/prober.ts";
import { SimulatedRuntime } from "./runtime/simulated/runtime.ts";

/** Writes of a whole fleet under way at once: enough to fill a group commit, few enough to bound memory. */
const writesMax = 256;
/** Upstream's duration of a node's Lease. */
const defaultLeaseSeconds = 40;

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
  readonly #informers: InformerFactory;
  readonly #times: SimulatedTimes;
  /** What all nodes share. */
  readonly #shared: NodeDependencies & PodDependencies;
  readonly #agents = new Map<string, Agent<SimulatedMachine>>();
  readonly #indexes = new Set<number>();
  #nextIndex = 0;

  constructor(options: FleetOptions, { informers, ...dependencies }: FleetDependencies) {
    const { timings, leaseSeconds = defaultLeaseSeconds, kubeletVersion } = options;
    const writes: Limiter = createLimiter(writesMax);
    this.#options = options;
    this.#informers = informers;
    this.#times = { clock: dependencies.clock, timings: { ...defaultTimings, ...timings } };
    this.#shared = {
      ...dependencies,
      writes,
      settings: { leaseSeconds, kubeletVersion },
      status: new StatusManager({ ...dependencies, writes }),
    };
    indexPodsByNode(informers.for(podResource));
    informers.for(nodeResource);
  }

  get size(): number {
    return this.#agents.size;
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#informers.waitForSync(signal);
    const nodes = this.#informers.for(nodeResource);
    const pods = this.#informers.for(podResource);
    // Networks that are taken must be known before the first new one is given out.
    for (const node of nodes.lister.list()) this.#reserve(indexOfNode(node));
    nodes.addHandler({
      added: (node) => this.#nodeSeen(node),
      updated: (_, node) => this.#nodeSeen(node),
      deleted: (node) => this.#nodeGone(node),
    });
    pods.addHandler({
      added: (pod) => this.#agentOf(pod)?.addPod(pod),
      updated: (_, pod) => this.#agentOf(pod)?.addPod(pod),
      deleted: (pod) => this.#agentOf(pod)?.removePod(pod),
    });
    const { name: fleet, nodes: wishes } = this.#options;
    await Promise.all([
      aborted(signal),
      ...wishes.map((wish) => registerNode(nodeObject({ fleet, ...wish }), this.#shared, signal)),
    ]);
    for (const agent of this.#agents.values()) agent.stop();
    this.#agents.clear();
  }

  #agentOf(pod: Pod): Agent<SimulatedMachine> | undefined {
    const name = pod.spec?.nodeName;
    return name === undefined ? undefined : this.#agents.get(name);
  }

  #nodeSeen(node: Node): void {
    const name = node.metadata.name!;
    const known = this.#agents.get(name);
    const isOurs = isDrivenBy(node, this.#options.name) && node.metadata.deletionTimestamp === undefined;
    if (known !== undefined) {
      if (isOurs) known.update(node);
      else this.#nodeGone(node);
      return;
    }
    if (!isOurs) return;
    const agent = this.#makeAgent(node);
    this.#agents.set(name, agent);
    agent.start();
    for (const pod of this.#informers.for(podResource).lister.byIndex(podsByNode, name)) agent.addPod(pod);
  }

  #makeAgent(node: Node): Agent<SimulatedMachine> {
    const machine = new SimulatedMachine(node, this.#reserve(indexOfNode(node)) ?? this.#freeIndex());
    const workers = new Map<string, PodWorker>();
    const runtime = new SimulatedRuntime(machine, workers, this.#times);
    const prober = new SimulatedProber(machine, this.#times);
    return new Agent(node, { machine, runtime, prober, workers }, this.#shared);
  }

  #nodeGone(node: Node): void {
    const name = node.metadata.name!;
    const known = this.#agents.get(name);
    if (known === undefined) return;
    known.stop();
    this.#agents.delete(name);
    this.#indexes.delete(known.machine.index);
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
}

/** The index that a node's network was made from, if it is one of ours. */
function indexOfNode({ spec }: Node): number | undefined {
  return spec?.podCIDR === undefined ? undefined : indexOfPodCidr(spec.podCIDR);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

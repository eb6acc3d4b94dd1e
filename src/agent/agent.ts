/**
 * One node: its Node object, its pods and what runs them, joined.
 * Not here: which nodes there are (fleet.ts), the node's own reports (node/), its pods (pods/), makers of the seams (runtime/).
 */
import type { Node, Pod } from "../api/index.ts";
import { NodeAgent, type NodeDependencies } from "./node/node-agent.ts";
import { type PodDependencies, type PodSeams, PodWorkers } from "./pods/pod-workers.ts";
import type { Machine } from "./runtime/machine.ts";
import type { ContainerExit, ContainerKey, RuntimeListener } from "./runtime/pod-runtime.ts";

export interface AgentSeams<M extends Machine> extends PodSeams {
  readonly machine: M;
}

export class Agent<M extends Machine> implements RuntimeListener {
  readonly #seams: AgentSeams<M>;
  readonly #node: NodeAgent;
  readonly #pods: PodWorkers;

  constructor(node: Node, seams: AgentSeams<M>, dependencies: NodeDependencies & PodDependencies) {
    this.#seams = seams;
    this.#node = new NodeAgent(node, seams, dependencies);
    this.#pods = new PodWorkers(seams, dependencies);
  }

  get machine(): M {
    return this.#seams.machine;
  }

  /** Begins to report, and to hear of its containers. */
  start(): void {
    this.#seams.runtime.start(this);
    this.#node.start();
  }

  /** Nothing more is written or answered; what runs goes on. */
  stop(): void {
    this.#node.stop();
    this.#pods.stop();
    this.#seams.runtime.stop();
  }

  /** A newer state of the Node object. */
  update(node: Node): void {
    const { machine } = this.#seams;
    const wasSilent = machine.isSilent();
    const hasChanged = machine.update(node);
    if (wasSilent && !machine.isSilent()) this.#pods.resume();
    this.#node.update(node, hasChanged);
  }

  addPod(pod: Pod): void {
    this.#pods.add(pod);
  }

  removePod(pod: Pod): void {
    this.#pods.remove(pod);
  }

  exited(key: ContainerKey, exit: ContainerExit): void {
    this.#pods.exited(key, exit);
  }

  imagesChanged(): void {
    this.#node.statusChanged();
  }
}

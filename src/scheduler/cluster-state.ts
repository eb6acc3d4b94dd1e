/**
 * The scheduler's picture of the cluster: per node what can be had and what is taken, kept up to date pod by pod.
 * Pods that were given a node but are not yet seen bound count as well (assumed). O(1) per event, nothing is recounted.
 * Not here: choosing (select.ts), the queue of waiting pods (queue.ts).
 */
import type { Node } from "../api/index.ts";
import { semanticEqual } from "../machinery/index.ts";
import { amountOf, anyAddress, type HostPort, type PodFacts } from "./pod-facts.ts";

export class NodeState {
  readonly name: string;
  /** Absent while only pods are known of it. */
  node: Node | undefined;
  #allocatable = new Map<string, number>();
  readonly #used = new Map<string, number>();
  /** `TCP/8080` → address → how many pods. */
  readonly #ports = new Map<string, Map<string, number>>();
  pods = 0;
  scoreCpu = 0;
  scoreMemory = 0;

  constructor(name: string) {
    this.name = name;
  }

  allocatable(resource: string): number {
    return this.#allocatable.get(resource) ?? 0;
  }

  used(resource: string): number {
    return this.#used.get(resource) ?? 0;
  }

  setNode(node: Node | undefined): void {
    const before = this.node?.status?.allocatable;
    const list = node?.status?.allocatable ?? {};
    this.node = node;
    if (before !== undefined && semanticEqual(before, list)) return;
    this.#allocatable = new Map(
      Object.entries(list).map(([name, quantity]) => [name, amountOf(name, quantity)]),
    );
  }

  /** @param sign 1 when the pod comes, -1 when it goes. */
  count(pod: PodFacts, sign: 1 | -1): void {
    this.pods += sign;
    this.scoreCpu += sign * pod.scoreCpu;
    this.scoreMemory += sign * pod.scoreMemory;
    for (const [resource, amount] of pod.requests) {
      this.#used.set(resource, (this.#used.get(resource) ?? 0) + sign * amount);
    }
    for (const port of pod.hostPorts) this.#countPort(port, sign);
  }

  /** True when another pod holds the port on this address, or on every address, or the asked one is every address. */
  isPortTaken({ ip, port }: HostPort): boolean {
    const holders = this.#ports.get(port);
    if (holders === undefined || holders.size === 0) return false;
    return ip === anyAddress || holders.has(anyAddress) || holders.has(ip);
  }

  #countPort({ ip, port }: HostPort, sign: 1 | -1): void {
    let holders = this.#ports.get(port);
    if (holders === undefined) this.#ports.set(port, (holders = new Map<string, number>()));
    const count = (holders.get(ip) ?? 0) + sign;
    if (count > 0) holders.set(ip, count);
    else holders.delete(ip);
    if (holders.size === 0) this.#ports.delete(port);
  }
}

export class ClusterState {
  readonly #byName = new Map<string, NodeState>();
  /** Nodes that exist, densely, for sampling from a moving start. */
  readonly #list: NodeState[] = [];
  readonly #slots = new Map<string, number>();
  readonly #pods = new Map<string, { readonly facts: PodFacts; readonly node: string }>();

  get nodeCount(): number {
    return this.#list.length;
  }

  nodeAt(index: number): NodeState {
    return this.#list[index]!;
  }

  /** The node if it exists. */
  node(name: string): NodeState | undefined {
    return this.#slots.has(name) ? this.#byName.get(name) : undefined;
  }

  /** @returns true when pods may fit now that did not before: new, or other labels, taints, room or cordon. */
  setNode(node: Node): boolean {
    const name = node.metadata.name ?? "";
    const state = this.#state(name);
    const before = state.node;
    state.setNode(node);
    if (!this.#slots.has(name)) this.#slots.set(name, this.#list.push(state) - 1);
    return before === undefined || differsForPods(before, node);
  }

  removeNode(name: string): void {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#slots.delete(name);
    const last = this.#list.pop()!;
    if (last.name !== name) {
      this.#list[slot] = last;
      this.#slots.set(last.name, slot);
    }
    const state = this.#byName.get(name)!;
    state.setNode(undefined);
    this.#drop(state);
  }

  /** Counts the pod on the node; a pod counted elsewhere moves. Safe to repeat. */
  addPod(facts: PodFacts, node: string): void {
    const before = this.#pods.get(facts.uid);
    if (before !== undefined) {
      if (before.node === node && sameDemand(before.facts, facts)) return;
      this.removePod(facts.uid);
    }
    this.#pods.set(facts.uid, { facts, node });
    this.#state(node).count(facts, 1);
  }

  /** @returns the node that has more room now. */
  removePod(uid: string): string | undefined {
    const entry = this.#pods.get(uid);
    if (entry === undefined) return undefined;
    this.#pods.delete(uid);
    const state = this.#byName.get(entry.node)!;
    state.count(entry.facts, -1);
    this.#drop(state);
    return entry.node;
  }

  nodeOfPod(uid: string): string | undefined {
    return this.#pods.get(uid)?.node;
  }

  #state(name: string): NodeState {
    let state = this.#byName.get(name);
    if (state === undefined) this.#byName.set(name, (state = new NodeState(name)));
    return state;
  }

  /** Forgets a node that neither exists nor holds pods. */
  #drop(state: NodeState): void {
    if (state.pods === 0 && !this.#slots.has(state.name)) this.#byName.delete(state.name);
  }
}

function sameDemand(a: PodFacts, b: PodFacts): boolean {
  return a === b || (semanticEqual(a.requests, b.requests) && semanticEqual(a.hostPorts, b.hostPorts));
}

/** Heartbeats, conditions and images do not count: they cannot make a pod fit. */
function differsForPods(before: Node, after: Node): boolean {
  return (
    (before.spec.unschedulable ?? false) !== (after.spec.unschedulable ?? false) ||
    !semanticEqual(before.spec.taints ?? [], after.spec.taints ?? []) ||
    !semanticEqual(before.metadata.labels ?? {}, after.metadata.labels ?? {}) ||
    !semanticEqual(before.status?.allocatable ?? {}, after.status?.allocatable ?? {})
  );
}

/**
 * The scheduler's picture of the cluster: per node what can be had and what is taken, kept up to date pod by pod.
 * Pods that were given a node but are not yet seen bound count as well (assumed). Pods that made room for themselves on a node
 * and wait for it are nominated: they stand beside the count. An event costs as much as a node has pods; nothing is recounted.
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
  #used = new Map<string, number>();
  /** `TCP/8080` -> address -> how many pods. */
  #ports = new Map<string, Map<string, number>>();
  /** A list, because nodes are many and have few pods. */
  #there: PodFacts[] = [];
  /** Pods to which the node is promised, and that are not there yet. */
  nominated: readonly PodFacts[] = [];
  scoreCpu = 0;
  scoreMemory = 0;

  constructor(name: string) {
    this.name = name;
  }

  get pods(): number {
    return this.#there.length;
  }

  podsBelow(priority: number): readonly PodFacts[] {
    return this.#there.filter((pod) => pod.priority < priority);
  }

  hasPodsBelow(priority: number): boolean {
    return this.#there.some((pod) => pod.priority < priority);
  }

  /** A picture that can be changed to see what would be. */
  copy(): NodeState {
    const copy = new NodeState(this.name);
    copy.node = this.node;
    copy.#allocatable = this.#allocatable;
    copy.#used = new Map(this.#used);
    copy.#ports = new Map([...this.#ports].map(([port, holders]) => [port, new Map(holders)]));
    copy.#there = [...this.#there];
    copy.nominated = this.nominated;
    copy.scoreCpu = this.scoreCpu;
    copy.scoreMemory = this.scoreMemory;
    return copy;
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
    if (sign === 1) this.#there.push(pod);
    else this.#there.splice(this.#there.indexOf(pod), 1);
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
  readonly #nominations = new Map<string, { readonly facts: PodFacts; readonly node: string }>();

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

  /** Counts the pod on the node; a pod counted elsewhere moves, and its nomination ends. Safe to repeat. */
  addPod(facts: PodFacts, node: string): void {
    this.endNomination(facts.uid);
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

  /** Promises the node to a pod that has none; a promise of before ends. */
  nominate(facts: PodFacts, node: string): void {
    this.endNomination(facts.uid);
    this.#nominations.set(facts.uid, { facts, node });
    const state = this.#state(node);
    state.nominated = [...state.nominated, facts];
  }

  /** @returns the node that was promised. */
  endNomination(uid: string): string | undefined {
    const entry = this.#nominations.get(uid);
    if (entry === undefined) return undefined;
    this.#nominations.delete(uid);
    const state = this.#byName.get(entry.node)!;
    state.nominated = state.nominated.filter((other) => other !== entry.facts);
    this.#drop(state);
    return entry.node;
  }

  nominationOf(uid: string): string | undefined {
    return this.#nominations.get(uid)?.node;
  }

  /** Pods to which the node is promised, whether it exists or not. */
  nominatedTo(node: string): readonly PodFacts[] {
    return this.#byName.get(node)?.nominated ?? [];
  }

  nodeOfPod(uid: string): string | undefined {
    return this.#pods.get(uid)?.node;
  }

  #state(name: string): NodeState {
    let state = this.#byName.get(name);
    if (state === undefined) this.#byName.set(name, (state = new NodeState(name)));
    return state;
  }

  /** Forgets a node that neither exists nor holds pods nor is promised. */
  #drop(state: NodeState): void {
    if (state.pods === 0 && state.nominated.length === 0 && !this.#slots.has(state.name))
      this.#byName.delete(state.name);
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

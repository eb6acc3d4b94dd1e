/**
 * One node towards the server: completes its Node object, renews its Lease, and reports its status.
 * Not here: its creation (registration.ts), the Lease (lease.ts), what the status says (node-status.ts), its pods (pods/).
 * Work per renewal is one write of the Lease; the status is written only when it changed, or every five minutes.
 */
import { type Node, nodes } from "../../api/index.ts";
import type { Clock, Limiter, Log, Random, Timer } from "../../base/index.ts";
import type { Client, EventRecorder } from "../../client/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import type { Machine } from "../runtime/machine.ts";
import type { PodRuntime } from "../runtime/pod-runtime.ts";
import { NodeLease } from "./lease.ts";
import { hostLabels, nodeStatus } from "./node-status.ts";

/** A kubelet reports an unchanged status this often. */
const statusEveryMs = 5 * 60_000;
/** Part of a renewal period by which nodes are spread, so that thousands do not write in one instant. */
const renewSpread = 0.2;

/** What the nodes of a process share. */
export interface NodeDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly writes: Limiter;
  readonly settings: NodeSettings;
  /** Component `kubelet`; the host is the node's name. */
  recorderFor(node: string): EventRecorder;
}

export interface NodeSettings {
  /** Duration of the Lease; it is renewed four times in that time. */
  readonly leaseSeconds: number;
  readonly kubeletVersion: string;
}

/** What is the node's own. */
export interface NodeSeams {
  readonly machine: Machine;
  readonly runtime: PodRuntime;
}

export class NodeAgent {
  #node: Node;
  readonly #seams: NodeSeams;
  readonly #dependencies: NodeDependencies;
  readonly #lease: NodeLease;
  #timer: Timer | undefined;
  #isStopped = false;
  #isStatusDirty = true;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #isReporting = false;

  constructor(node: Node, seams: NodeSeams, dependencies: NodeDependencies) {
    this.#node = node;
    this.#seams = seams;
    this.#dependencies = dependencies;
    this.#lease = new NodeLease(dependencies);
  }

  /** Begins to renew and to report. */
  start(): void {
    const isNew = this.#node.status?.conditions === undefined;
    if (isNew) this.#say("Starting", "Starting kubelet.");
    void this.#beat();
  }

  /** Nothing more is written or renewed. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** A newer state of the Node object. @param hasChanged whether the machine describes itself otherwise because of it. */
  update(node: Node, hasChanged: boolean): void {
    this.#node = node;
    const isMarkedUnknown = node.status?.conditions?.some(({ status }) => status === "Unknown") ?? true;
    if (!hasChanged && !isMarkedUnknown) return;
    this.#isStatusDirty = true;
    if (!this.#isSilent()) void this.#beat();
  }

  /** The status would say something else than it did; it is written with the next renewal. */
  statusChanged(): void {
    this.#isStatusDirty = true;
  }

  get #name(): string {
    return this.#node.metadata.name!;
  }

  #isSilent(): boolean {
    return this.#isStopped || this.#seams.machine.isSilent();
  }

  /** Kubelets name the node by its name in place of the uid; `kubectl describe node` asks for both. */
  #say(reason: string, message: string): void {
    const about = { kind: "Node", name: this.#name, uid: this.#name };
    this.#dependencies.recorderFor(this.#name).event(about, "Normal", reason, message);
  }

  /** One heartbeat: the Lease, and the status when it is due; then the timer for the next. Never rejects. */
  async #beat(): Promise<void> {
    if (this.#isReporting) return;
    this.#isReporting = true;
    this.#timer?.cancel();
    const { clock, random, log, settings } = this.#dependencies;
    try {
      if (!this.#isSilent()) {
        await this.#lease.renew(this.#node);
        await this.#reportStatus();
      }
    } catch (error) {
      if (!isNotFound(error) && !this.#isStopped)
        log.warn("node did not report", { node: this.#name, error: String(error) });
    }
    this.#isReporting = false;
    if (this.#isStopped) return;
    const periodMs = (settings.leaseSeconds * 1_000) / 4;
    this.#timer = clock.after(periodMs * (1 - renewSpread * random.next()), () => void this.#beat());
  }

  async #reportStatus(): Promise<void> {
    const { clock } = this.#dependencies;
    const isDue = clock.monotonicMs() - this.#reportedMs >= statusEveryMs;
    if (!this.#isStatusDirty && !isDue) return;
    this.#isStatusDirty = false;
    this.#reportedMs = clock.monotonicMs();
    const wasReady = isReady(this.#node);
    try {
      await this.#completeObject();
      this.#node = await this.#writeStatus();
    } catch (error) {
      this.#isStatusDirty = true;
      throw error;
    }
    const nowReady = isReady(this.#node);
    if (nowReady === wasReady) return;
    const word = nowReady ? "NodeReady" : "NodeNotReady";
    this.#say(word, `Node ${this.#name} status is now: ${word}`);
  }

  /** What somebody left out who created the node by hand: its network and the labels of its host. */
  async #completeObject(): Promise<void> {
    const { client, writes } = this.#dependencies;
    const { machine } = this.#seams;
    const labels = hostLabels(this.#name, machine.platform);
    const isLabelled = Object.keys(labels).every((key) => this.#node.metadata.labels?.[key] !== undefined);
    const { podCidr } = machine;
    const needsNetwork = podCidr !== undefined && this.#node.spec?.podCIDR === undefined;
    if (isLabelled && !needsNetwork) return;
    const body = {
      metadata: { uid: this.#node.metadata.uid, labels: { ...labels, ...this.#node.metadata.labels } },
      ...(needsNetwork ? { spec: { podCIDR: podCidr, podCIDRs: [podCidr] } } : {}),
    };
    this.#node = await writes.run(() => client.patch(nodes, { name: this.#name }, { type: "merge", body }));
  }

  async #writeStatus(): Promise<Node> {
    const { client, clock, writes, settings } = this.#dependencies;
    const { machine, runtime } = this.#seams;
    const status = nodeStatus({
      name: this.#name,
      hostIP: machine.hostIP,
      nowMs: clock.nowMs(),
      kubeletVersion: settings.kubeletVersion,
      platform: machine.platform,
      machine: machine.describe(),
      pressures: machine.pressures(),
      runtimeVersion: runtime.version,
      runtimeTrouble: runtime.trouble(),
      images: await runtime.images(),
      before: this.#node.status,
    });
    const body = { metadata: { uid: this.#node.metadata.uid }, status };
    return await writes.run(() =>
      client.patch(nodes, { name: this.#name, subresource: "status" }, { type: "strategic", body }),
    );
  }
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

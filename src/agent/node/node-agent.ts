/**
 * One simulated machine: registers its addresses, renews its Lease, reports its status, and stands its pods up.
 * Not here: which nodes there are (fleet.ts), what the status says (node-status.ts).
 * Work per renewal is one write of the Lease; the status is written only when it changed, or every five minutes.
 */
import { type Lease, leases, type Node, nodes as nodeResource, type Pod } from "../../api/index.ts";
import type { Clock, Limiter, Log, Random, Timer } from "../../base/index.ts";
import type { Client } from "../../client/index.ts";
import { formatMicroTime, isAlreadyExists, isConflict, isNotFound } from "../../machinery/index.ts";
import { nodeTroublesOf, type Timings } from "../runtime/simulated/behaviour.ts";
import { indexOfPodCidr, internalIpOf, podCidrOf, podIpOf } from "../runtime/simulated/network.ts";
import { imageBytes } from "../runtime/simulated/images.ts";
import { hostLabels, type ImageOnNode, nodeStatus } from "./node-status.ts";
import { type PodEvent, type PodHost, PodWorker } from "../pods/pod-worker.ts";

const leaseNamespace = "kube-node-lease";

/** A kubelet reports an unchanged status this often. */
const statusEveryMs = 5 * 60_000;
/** Images listed in a node's status at most, as by a kubelet. */
const imagesMax = 50;
/** Part of a renewal period by which nodes are spread, so that thousands do not write in one instant. */
const renewSpread = 0.2;

export interface NodeSettings {
  readonly timings: Timings;
  /** Duration of the Lease; it is renewed four times in that time. */
  readonly leaseSeconds: number;
  readonly kubeletVersion: string;
}

export interface NodeDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly writes: Limiter;
  event(node: Node, pod: Pod | undefined, what: PodEvent): void;
}

export class NodeAgent {
  readonly index: number;
  #node: Node;
  readonly #settings: NodeSettings;
  readonly #dependencies: NodeDependencies;
  readonly #pods = new Map<string, PodWorker>();
  readonly #images = new Map<string, ImageOnNode>();
  #nextSlot = 0;
  #lease: Lease | undefined;
  #timer: Timer | undefined;
  #isStopped = false;
  #isStatusDirty = true;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #isReporting = false;

  constructor(
    node: Node,
    index: number,
    context: { readonly settings: NodeSettings; readonly dependencies: NodeDependencies },
  ) {
    this.index = index;
    this.#node = node;
    this.#settings = context.settings;
    this.#dependencies = context.dependencies;
    for (const image of node.status?.images ?? []) {
      for (const name of image.names ?? []) this.#images.set(name, { name, sizeBytes: image.sizeBytes ?? 0 });
    }
  }

  get name(): string {
    return this.#node.metadata.name!;
  }

  /** Registers and begins to renew. */
  start(): void {
    const isNew = this.#node.status?.conditions === undefined;
    if (isNew) this.#say({ type: "Normal", reason: "Starting", message: "Starting kubelet." });
    void this.#beat();
  }

  /** A newer state of the Node object. */
  update(node: Node): void {
    const wasSilent = this.#isSilent();
    const before = nodeTroublesOf(this.#node);
    this.#node = node;
    const now = nodeTroublesOf(node);
    const hasChanged = before.size !== now.size || [...now].some((trouble) => !before.has(trouble));
    const isMarkedUnknown = node.status?.conditions?.some(({ status }) => status === "Unknown") ?? true;
    if (!hasChanged && !isMarkedUnknown) return;
    this.#isStatusDirty = true;
    if (this.#isSilent()) return;
    if (wasSilent) for (const pod of this.#pods.values()) pod.resume();
    void this.#beat();
  }

  addPod(pod: Pod): void {
    const uid = pod.metadata.uid!;
    const known = this.#pods.get(uid);
    if (known !== undefined) {
      known.update(pod);
      return;
    }
    const simulated = new PodWorker(
      pod,
      pod.status?.podIP ?? podIpOf(this.index, this.#nextSlot++),
      this.#podHost(),
    );
    this.#pods.set(uid, simulated);
    simulated.start();
  }

  removePod(pod: Pod): void {
    const uid = pod.metadata.uid!;
    this.#pods.get(uid)?.stop();
    this.#pods.delete(uid);
  }

  /** Nothing more is written, renewed or answered. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    for (const pod of this.#pods.values()) pod.stop();
    this.#pods.clear();
  }

  #isSilent(): boolean {
    return this.#isStopped || nodeTroublesOf(this.#node).has("silent");
  }

  #podHost(): PodHost {
    const { client, clock, log, writes } = this.#dependencies;
    return {
      client,
      clock,
      log,
      writes,
      timings: this.#settings.timings,
      hostIP: internalIpOf(this.index),
      node: () => this.#node,
      isSilent: () => this.#isSilent(),
      hasImage: (image) => this.#images.has(image),
      addImage: (image) => this.#addImage(image),
      event: (pod, what) => this.#dependencies.event(this.#node, pod, what),
    };
  }

  #addImage(image: string): void {
    if (this.#images.has(image)) return;
    this.#images.set(image, { name: image, sizeBytes: imageBytes(image) });
    const oldest = this.#images.keys().next().value;
    if (this.#images.size > imagesMax && oldest !== undefined) this.#images.delete(oldest);
    this.#isStatusDirty = true;
  }

  #say(what: PodEvent): void {
    this.#dependencies.event(this.#node, undefined, what);
  }

  /** One heartbeat: the Lease, and the status when it is due; then the timer for the next. Never rejects. */
  async #beat(): Promise<void> {
    if (this.#isReporting) return;
    this.#isReporting = true;
    this.#timer?.cancel();
    const { clock, random, log } = this.#dependencies;
    try {
      if (!this.#isSilent()) {
        await this.#renew();
        await this.#reportStatus();
      }
    } catch (error) {
      if (!isNotFound(error) && !this.#isStopped)
        log.warn("simulated node did not report", { node: this.name, error: String(error) });
    }
    this.#isReporting = false;
    if (this.#isStopped) return;
    const periodMs = (this.#settings.leaseSeconds * 1_000) / 4;
    this.#timer = clock.after(periodMs * (1 - renewSpread * random.next()), () => void this.#beat());
  }

  async #renew(): Promise<void> {
    const { client, clock, writes } = this.#dependencies;
    const renewTime = formatMicroTime(clock.nowMs());
    const { name, uid } = this.#node.metadata;
    const fresh: Lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name: name!,
        namespace: leaseNamespace,
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name: name!, uid: uid! }],
      },
      spec: { holderIdentity: name!, leaseDurationSeconds: this.#settings.leaseSeconds, renewTime },
    };
    try {
      this.#lease = await writes.run(() =>
        this.#lease === undefined
          ? client.create(leases, fresh)
          : client.update(leases, { ...this.#lease, spec: { ...this.#lease.spec, renewTime } }),
      );
    } catch (error) {
      if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error;
      this.#lease = undefined;
      if (isNotFound(error)) return;
      const live = await client.get(leases, { name: name!, namespace: leaseNamespace });
      this.#lease = await client.update(leases, { ...live, spec: fresh.spec! });
    }
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
    this.#say({ type: "Normal", reason: word, message: `Node ${this.name} status is now: ${word}` });
  }

  /** What somebody left out who created the node by hand: its network and the labels of its host. */
  async #completeObject(): Promise<void> {
    const { client, writes } = this.#dependencies;
    const labels = hostLabels(this.name);
    const isLabelled = Object.keys(labels).every((key) => this.#node.metadata.labels?.[key] !== undefined);
    const podCidr = podCidrOf(this.index);
    const hasNetwork = this.#node.spec?.podCIDR !== undefined;
    if (isLabelled && hasNetwork) return;
    const body = {
      metadata: { uid: this.#node.metadata.uid, labels: { ...labels, ...this.#node.metadata.labels } },
      ...(hasNetwork ? {} : { spec: { podCIDR: podCidr, podCIDRs: [podCidr] } }),
    };
    this.#node = await writes.run(() =>
      client.patch(nodeResource, { name: this.name }, { type: "merge", body }),
    );
  }

  #writeStatus(): Promise<Node> {
    const { client, clock, writes } = this.#dependencies;
    const before = this.#node.status;
    const status = nodeStatus({
      name: this.name,
      uid: this.#node.metadata.uid ?? "",
      index: this.index,
      nowMs: clock.nowMs(),
      kubeletVersion: this.#settings.kubeletVersion,
      troubles: nodeTroublesOf(this.#node),
      images: [...this.#images.values()],
      ...(before === undefined ? {} : { before }),
    });
    const body = { metadata: { uid: this.#node.metadata.uid }, status };
    return writes.run(() =>
      client.patch(nodeResource, { name: this.name, subresource: "status" }, { type: "strategic", body }),
    );
  }
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

/** The index that a node's network was made from, if it is one of ours. */
export function indexOfNode(node: Node): number | undefined {
  const { podCIDR } = node.spec ?? {};
  return podCIDR === undefined ? undefined : indexOfPodCidr(podCIDR);
}

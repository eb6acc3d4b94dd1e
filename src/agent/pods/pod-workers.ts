/**
 * The pods of one node: a worker for each, and what the workers need of the node.
 * Not here: where pods come from (agent.ts), what happens to one (pod-worker.ts).
 */
import type { Pod } from "../../api/index.ts";
import type { Clock, Log } from "../../base/index.ts";
import type { EventRecorder } from "../../client/index.ts";
import type { Machine } from "../runtime/machine.ts";
import type { ContainerExit, ContainerKey, PodRuntime } from "../runtime/pod-runtime.ts";
import type { Prober } from "../runtime/prober.ts";
import { type EventText, recordContainerEvent } from "./event-texts.ts";
import type { PodHost } from "./pod-host.ts";
import { PodWorker } from "./pod-worker.ts";
import type { StatusManager } from "./status-manager.ts";

/** What the nodes of a process share. */
export interface PodDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly status: StatusManager;
  /** Component `kubelet`; the host is the node's name. */
  recorderFor(node: string): EventRecorder;
}

/** What is the node's own. */
export interface PodSeams {
  readonly machine: Machine;
  readonly runtime: PodRuntime;
  readonly prober: Prober;
  /** By UID. Filled here; a maker of a runtime may look pods up in it. */
  readonly workers: Map<string, PodWorker>;
}

export class PodWorkers implements PodHost {
  readonly #seams: PodSeams;
  readonly #dependencies: PodDependencies;
  isStopped = false;

  constructor(seams: PodSeams, dependencies: PodDependencies) {
    this.#seams = seams;
    this.#dependencies = dependencies;
  }

  get clock(): Clock {
    return this.#dependencies.clock;
  }

  get log(): Log {
    return this.#dependencies.log;
  }

  get status(): StatusManager {
    return this.#dependencies.status;
  }

  get runtime(): PodRuntime {
    return this.#seams.runtime;
  }

  get prober(): Prober {
    return this.#seams.prober;
  }

  get hostIP(): string {
    return this.#seams.machine.hostIP;
  }

  get isSilent(): boolean {
    return this.isStopped || this.#seams.machine.isSilent();
  }

  say(pod: Pod, container: string, text: EventText): void {
    const recorder = this.#dependencies.recorderFor(pod.spec?.nodeName ?? "");
    recordContainerEvent(recorder, { pod, container }, text);
  }

  /** A pod of the node as it is now: a new one, or one that is known. */
  add(pod: Pod): void {
    const uid = pod.metadata.uid!;
    const known = this.#seams.workers.get(uid);
    if (known !== undefined) {
      known.update(pod);
      return;
    }
    const worker = new PodWorker(pod, this);
    this.#seams.workers.set(uid, worker);
    void worker.adopt();
  }

  /** The pod's object is gone. */
  remove(pod: Pod): void {
    const uid = pod.metadata.uid!;
    this.#seams.workers.get(uid)?.removed();
    this.#seams.workers.delete(uid);
  }

  exited(key: ContainerKey, exit: ContainerExit): void {
    this.#seams.workers.get(key.uid)?.exited(key, exit);
  }

  /** The node can be heard again: what could not be said is said now. */
  resume(): void {
    for (const worker of this.#seams.workers.values()) worker.resume();
  }

  /** Nothing more is done or told; what runs goes on. */
  stop(): void {
    this.isStopped = true;
    for (const worker of this.#seams.workers.values()) worker.detach();
    this.#seams.workers.clear();
  }
}

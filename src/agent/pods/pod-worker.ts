/**
 * One pod on a node: takes what happens to it, looks up in pod-table.ts what that means, and does it.
 * Not here: its containers (app-containers.ts), what the server is told when (status-manager.ts), what it is told (pod-status.ts).
 * Serial: an event is handled to its end before the next one, and the answer of a call is an event too.
 */
import type { Pod, PodStatus } from "../../api/index.ts";
import { keyOf } from "../../machinery/index.ts";
import type { ContainerExit, ContainerKey, PodFound } from "../runtime/pod-runtime.ts";
import { AppContainers, type ContainersOwner } from "./app-containers.ts";
import { eventTexts } from "./event-texts.ts";
import { graceMsOf } from "./grace.ts";
import type { PodHost } from "./pod-host.ts";
import { podStatus, type Stage } from "./pod-status.ts";
import { type PodEffect, type PodEvent, type PodState, podTable } from "./pod-table.ts";
import type { StatusSubject } from "./status-manager.ts";

/** Pause before the runtime is asked again after a refusal to find, stop or remove, in ms. */
const retryMs = 1_000;

export class PodWorker implements ContainersOwner, StatusSubject {
  #pod: Pod;
  readonly host: PodHost;
  readonly #containers: AppContainers = new AppContainers(this);
  readonly #acceptedMs: number;
  #state: PodState = "adopting";
  /** Known once the pod has a sandbox. */
  #podIP: string | undefined;
  #verdict: ContainerExit["givenUp"];
  /** Counts the times that the containers were told to stop; only the last one counts. */
  #stops = 0;

  /** `adopt` comes next. */
  constructor(pod: Pod, host: PodHost) {
    this.#pod = pod;
    this.host = host;
    this.#acceptedMs = host.clock.nowMs();
  }

  get pod(): Pod {
    return this.#pod;
  }

  get isSilent(): boolean {
    return this.host.isSilent;
  }

  get isGone(): boolean {
    return this.#state === "gone";
  }

  get isTerminated(): boolean {
    return this.#state === "terminated";
  }

  /** Takes the pod up where the runtime says that it stands: an agent that restarts does not restart containers. Never rejects. */
  async adopt(): Promise<void> {
    let found: PodFound | undefined;
    try {
      found = await this.host.runtime.find(this.#pod);
    } catch (error) {
      this.#retry("pod was not found in the runtime", error, () => void this.adopt());
      return;
    }
    if (this.#state !== "adopting") return;
    this.#podIP = found?.ip;
    const isRunning = this.#containers.take(found);
    const isDeleted = this.#pod.metadata.deletionTimestamp !== undefined;
    if (isPhaseTerminal(this.#pod)) this.#handle("phase-ended");
    if (isDeleted) this.#handle("deleted");
    this.#handle(isRunning ? "found-running" : "found-nothing");
    if (this.#isContradicted()) this.#handle("contradicted");
  }

  /** A newer state of the object. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    const { deletionTimestamp } = pod.metadata;
    // What the object says is looked at when the runtime has answered.
    if (this.#state === "adopting") return;
    if (deletionTimestamp !== undefined) {
      const isNew = deletionTimestamp !== before.metadata.deletionTimestamp;
      if (isNew || this.#state !== "terminating") this.#handle("deleted");
    } else if (isPhaseTerminal(pod)) this.#handle("phase-ended");
    else if (imagesOf(pod) !== imagesOf(before)) this.#handle("images-changed");
    else if (this.#isContradicted()) this.#handle("contradicted");
  }

  /** A container has ended; `key` may be of an earlier run. */
  exited(key: ContainerKey, exit: ContainerExit): void {
    if (this.#state !== "syncing" || !this.#containers.takeExit(key, exit)) return;
    this.#verdict = exit.givenUp;
    this.#handle(exit.givenUp === undefined ? "containers-exited" : "given-up");
  }

  /** The object is gone: what is left of the pod is removed. */
  removed(): void {
    this.#handle("removed");
  }

  /** The agent stops: what runs goes on, and nothing more is told. */
  detach(): void {
    this.#handle("detached");
  }

  /** The node can be heard again. */
  resume(): void {
    this.host.status.resume(this);
  }

  report(): void {
    this.host.status.report(this);
  }

  get hasSandbox(): boolean {
    return this.#podIP !== undefined;
  }

  async makeSandbox(): Promise<void> {
    this.#podIP = (await this.host.runtime.runSandbox(this.#pod)).ip;
  }

  status(): PodStatus {
    const { clock, hostIP, runtime } = this.host;
    const { restarts, startedMs, lastExit, isReady, failure } = this.#containers;
    return podStatus(
      {
        stage: this.#stage,
        nowMs: clock.nowMs(),
        acceptedMs: this.#acceptedMs,
        startedMs,
        restarts,
        lastExit,
        isReady,
        failure,
        verdict: this.#verdict,
        hostIP,
        podIP: this.#podIP,
        runtime,
      },
      this.#pod,
    );
  }

  get #stage(): Stage {
    return this.#verdict === undefined ? this.#containers.state : "failed";
  }

  get #uid(): string {
    return this.#pod.metadata.uid!;
  }

  #handle(event: PodEvent): void {
    const cell = podTable[this.#state][event];
    this.#state = cell[0];
    for (let i = 1; i < cell.length; i++) this.#do(cell[i] as PodEffect);
  }

  #do(effect: PodEffect): void {
    switch (effect) {
      case "start-containers":
        return this.#containers.begin();
      case "replace-containers":
        return this.#containers.replace();
      case "restart-containers":
        return this.#containers.restart();
      case "end-containers":
        return this.#end();
      case "say-killing":
        return this.#sayKilling();
      case "stop":
        return void this.#stop();
      case "report":
        return this.report();
      case "drop-report":
        return this.host.status.drop(this);
      case "remove-object":
        return this.host.status.settle(this);
      case "remove-sandbox":
        return void this.#removeSandbox();
      case "let-go":
        return this.#containers.letGo();
    }
  }

  #sayKilling(): void {
    if (!this.#containers.isUp) return;
    for (const { name } of this.#pod.spec?.containers ?? [])
      this.host.say(this.#pod, name, eventTexts.stopping(name));
  }

  /** Nothing is started any more; what still runs ends soon, and nobody waits for it. */
  #end(): void {
    void this.#containers.stop(0).catch((error: unknown) => this.#warn("containers did not end", error));
    this.#containers.stopped();
  }

  /** Never rejects. */
  async #stop(): Promise<void> {
    const stop = ++this.#stops;
    const wasUp = this.#containers.isUp;
    try {
      await this.#containers.stop(graceMsOf(this.#pod));
      await this.host.runtime.stopSandbox(this.#uid);
    } catch (error) {
      this.#retry("pod was not stopped", error, () => {
        if (stop === this.#stops && this.#state === "terminating") void this.#stop();
      });
      return;
    }
    if (stop !== this.#stops || this.#state !== "terminating") return;
    this.#containers.stopped();
    this.#handle(wasUp ? "stopped" : "stopped-idle");
  }

  /** Never rejects. */
  async #removeSandbox(): Promise<void> {
    try {
      if (this.#containers.state !== "stopped") await this.#containers.stop(graceMsOf(this.#pod));
      await this.host.runtime.removeSandbox(this.#uid);
    } catch (error) {
      this.#retry("sandbox was not removed", error, () => void this.#removeSandbox());
    }
  }

  #warn(message: string, error: unknown): void {
    this.host.log.warn(message, { pod: keyOf(this.#pod), error: String(error) });
  }

  #retry(message: string, error: unknown, again: () => void): void {
    this.#warn(message, error);
    this.host.clock.after(retryMs, () => {
      if (!this.host.isStopped) again();
    });
  }

  /** Others have marked the pod as not ready, as is done while its node is not heard of: the node knows better. */
  #isContradicted(): boolean {
    const isTrue = (type: string): boolean | undefined =>
      this.#pod.status?.conditions?.some((one) => one.type === type && one.status === "True");
    // What this node writes itself always says the same of the containers and the pod.
    const isMarked = isTrue("ContainersReady") === true && isTrue("Ready") === false;
    return isMarked && this.#containers.state === "running" && this.#containers.isReady;
  }
}

function isPhaseTerminal({ status }: Pod): boolean {
  return status?.phase === "Failed" || status?.phase === "Succeeded";
}

function imagesOf(pod: Pod): string {
  return (pod.spec?.containers ?? []).map(({ image }) => image ?? "").join("\n");
}

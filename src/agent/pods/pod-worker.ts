/**
 * One pod on a simulated node: takes it through the stages of pod-status.ts by timers and reports each to the server.
 * Not here: what a stage looks like (pod-status.ts), which annotations mean what (behaviour.ts).
 * At most one write of a pod is under way; what changes meanwhile is joined into the next one.
 */
import { type Node, type Pod, pods as podResource } from "../../api/index.ts";
import type { Clock, Limiter, Log, Timer } from "../../base/index.ts";
import type { Client } from "../../client/index.ts";
import { isConflict, isNotFound, keyOf, parseTimeMs } from "../../machinery/index.ts";
import { type PodBehaviour, podBehaviour, type Timings } from "../runtime/simulated/behaviour.ts";
import { imageBytes, pullErrorOf } from "../runtime/simulated/images.ts";
import {
  crashDelayMs,
  crashText,
  killedExitCode,
  podStatus,
  pullFailureText,
  type Stage,
} from "./pod-status.ts";

/** What a pod needs of the node that it stands on. */
export interface PodHost {
  readonly clock: Clock;
  readonly client: Client;
  readonly writes: Limiter;
  readonly log: Log;
  readonly timings: Timings;
  readonly hostIP: string;
  /** The node as last seen. */
  node(): Node;
  /** While true nothing of this node reaches the server. */
  isSilent(): boolean;
  hasImage(image: string): boolean;
  addImage(image: string): void;
  event(pod: Pod, what: PodEvent): void;
}

export interface PodEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly container?: string;
}

/** How long a container with the trouble `crash-loop` or `fails` runs. */
const troubledRunMs = 1_000;
/** From a failed pull to the report of the back-off. */
const pullBackOffAfterMs = 1_000;
/** First pause between pulls that fail and its cap; doubled each time, as a kubelet does. */
const pullBackOffMs = 10_000;
const pullBackOffMaxMs = 300_000;
/** Pause before a write that failed for another reason than a conflict is tried again. */
const writeRetryMs = 1_000;

export class PodWorker {
  #pod: Pod;
  readonly #host: PodHost;
  readonly #podIP: string;
  readonly #acceptedMs: number;
  #stage: Stage = "starting";
  #startedMs = 0;
  #finishedMs: number | undefined;
  #restarts = 0;
  #failedPulls = 0;
  #badImages: ReadonlySet<string> = new Set();
  #exitCode = 0;
  #isReady = false;
  #isTerminating = false;
  #isGone = false;
  #isDirty = false;
  #isWriting = false;
  #timer: Timer | undefined;

  constructor(pod: Pod, podIP: string, host: PodHost) {
    this.#pod = pod;
    this.#podIP = podIP;
    this.#host = host;
    this.#acceptedMs = host.clock.nowMs();
  }

  /** Takes the pod up where its status says it stands: a fleet that restarts does not restart containers. */
  start(): void {
    const { status } = this.#pod;
    const running = status?.containerStatuses?.filter((one) => one.state?.running !== undefined) ?? [];
    const phase = terminalPhase(this.#pod);
    if (phase !== undefined) this.#finish(phase);
    else if (running.length > 0 && running.length === (this.#pod.spec?.containers.length ?? 0)) {
      this.#stage = "running";
      this.#startedMs = parseTimeMs(running[0]!.state!.running!.startedAt ?? "") ?? this.#acceptedMs;
      this.#restarts = Math.max(...running.map((one) => one.restartCount));
      this.#isReady = running.every((one) => one.ready);
      if (this.#pod.metadata.deletionTimestamp === undefined) this.#followRun();
      this.#contradict();
    } else if (this.#pod.metadata.deletionTimestamp === undefined) {
      // Runs that ended count on: what comes is one more.
      const ended = status?.containerStatuses?.filter((one) => one.lastState?.terminated !== undefined) ?? [];
      this.#restarts = Math.max(0, ...ended.map((one) => one.restartCount + 1));
      this.#enterStarting();
    }
    if (this.#pod.metadata.deletionTimestamp !== undefined) this.#terminate();
  }

  /** A newer state of the object, from the watch. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) {
      const isShortened = pod.metadata.deletionTimestamp !== before.metadata.deletionTimestamp;
      if (!this.#isTerminating || isShortened) this.#terminate();
      return;
    }
    const phase = terminalPhase(pod);
    if (phase !== undefined) this.#finish(phase);
    else if (imagesOf(pod) !== imagesOf(before)) this.#replaceContainers();
    else this.#contradict();
  }

  /** Somebody else ended the pod: its containers stop, and nothing is written over that. */
  #finish(phase: "Failed" | "Succeeded"): void {
    if (this.#stage === "failed" || this.#stage === "stopped") return;
    this.#timer?.cancel();
    this.#isDirty = false;
    this.#stage = phase === "Failed" ? "failed" : "stopped";
  }

  /** Others have marked the pod as not ready, as is done while its node is not heard of: the node knows better. */
  #contradict(): void {
    const isTrue = (type: string): boolean | undefined =>
      this.#pod.status?.conditions?.some((one) => one.type === type && one.status === "True");
    // What this node writes itself always says the same of the containers and the pod.
    const isMarked = isTrue("ContainersReady") === true && isTrue("Ready") === false;
    if (isMarked && this.#stage === "running" && this.#isReady) this.#enter("running");
  }

  /** The node went away or the object is gone: nothing more happens. */
  stop(): void {
    this.#isGone = true;
    this.#timer?.cancel();
  }

  /** The node can be heard again: what could not be said is said now. */
  resume(): void {
    if (this.#isDirty && !this.#isWriting) void this.#flush();
    else if (this.#stage === "stopped" && this.#isTerminating) void this.#flush();
  }

  #after(delayMs: number, next: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#host.clock.after(delayMs, () => {
      if (!this.#isGone) next();
    });
  }

  #behaviour(): PodBehaviour {
    return podBehaviour(this.#pod, this.#host.node(), this.#host.timings);
  }

  #enter(stage: Stage): void {
    this.#stage = stage;
    this.#isDirty = true;
    if (!this.#isWriting) void this.#flush();
  }

  #enterStarting(): void {
    this.#enter("starting");
    this.#pull();
  }

  #pull(): void {
    const { timings, troubles } = this.#behaviour();
    const mustPull = this.#containers().filter(
      ({ image, imagePullPolicy }) => imagePullPolicy === "Always" || !this.#host.hasImage(image ?? ""),
    );
    for (const { name, image } of mustPull)
      this.#say({ type: "Normal", reason: "Pulling", message: `Pulling image "${image}"`, container: name });
    const bad = mustPull.filter(
      ({ image }) => troubles.has("image-pull-fails") || pullErrorOf(image ?? "") !== undefined,
    );
    const [first] = bad;
    if (first !== undefined) {
      this.#after(timings.pullMs, () => {
        if (this.#badImages.size === 0) this.#startedMs = this.#host.clock.nowMs();
        this.#badImages = new Set(bad.map(({ image }) => image ?? ""));
        this.#enterPullFailed(first);
      });
      return;
    }
    const delayMs = (mustPull.length > 0 ? timings.pullMs : 0) + timings.startMs;
    this.#after(delayMs, () => {
      for (const { name, image } of this.#containers()) {
        const wasPulled = mustPull.some((one) => one.name === name);
        this.#host.addImage(image ?? "");
        const took = `${timings.pullMs}ms`;
        this.#say({
          type: "Normal",
          reason: "Pulled",
          message: wasPulled
            ? `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${imageBytes(image ?? "")} bytes.`
            : `Container image "${image}" already present on machine`,
          container: name,
        });
      }
      this.#enterRunning();
    });
  }

  #enterPullFailed(container: { readonly name: string; readonly image?: string }): void {
    const image = container.image ?? "";
    this.#say({
      type: "Warning",
      reason: "Failed",
      message: `Failed to pull image "${image}": ${pullFailureText(image)}`,
      container: container.name,
    });
    this.#say({
      type: "Warning",
      reason: "Failed",
      message: "Error: ErrImagePull",
      container: container.name,
    });
    this.#enter("pull-failed");
    this.#after(pullBackOffAfterMs, () => {
      this.#say({
        type: "Normal",
        reason: "BackOff",
        message: `Back-off pulling image "${image}"`,
        container: container.name,
      });
      this.#say({
        type: "Warning",
        reason: "Failed",
        message: "Error: ImagePullBackOff",
        container: container.name,
      });
      this.#enter("pull-back-off");
      const delayMs = Math.min(pullBackOffMs * 2 ** this.#failedPulls++, pullBackOffMaxMs);
      this.#after(delayMs, () => this.#pull());
    });
  }

  #enterRunning(): void {
    for (const { name } of this.#containers()) {
      this.#say({
        type: "Normal",
        reason: "Created",
        message: `Created container: ${name}`,
        container: name,
      });
      this.#say({ type: "Normal", reason: "Started", message: `Started container ${name}`, container: name });
    }
    this.#failedPulls = 0;
    this.#badImages = new Set();
    this.#startedMs = this.#host.clock.nowMs();
    this.#isReady = this.#readyDelayMs() === 0;
    this.#enter("running");
    this.#followRun();
  }

  /** Sets the timer for what comes after a start: ready, crash, failure or nothing. */
  #followRun(): void {
    const { troubles } = this.#behaviour();
    const sinceStartMs = this.#host.clock.nowMs() - this.#startedMs;
    if (troubles.has("crash-loop"))
      this.#after(Math.max(0, troubledRunMs - sinceStartMs), () => this.#enterCrashed());
    else if (troubles.has("fails"))
      this.#after(Math.max(0, troubledRunMs - sinceStartMs), () => this.#enterFailed());
    else if (!this.#isReady && !troubles.has("never-ready")) {
      this.#after(Math.max(0, this.#readyDelayMs() - sinceStartMs), () => {
        this.#isReady = true;
        this.#enter("running");
      });
    }
  }

  #readyDelayMs(): number {
    const { troubles } = this.#behaviour();
    if (troubles.has("never-ready")) return Number.POSITIVE_INFINITY;
    const delays = (this.#pod.spec?.containers ?? []).map(
      ({ readinessProbe }) => readinessProbe?.initialDelaySeconds ?? 0,
    );
    return Math.max(0, ...delays) * 1_000;
  }

  #enterCrashed(): void {
    this.#finishedMs = this.#host.clock.nowMs();
    this.#exitCode = 1;
    this.#isReady = false;
    const delayMs = crashDelayMs(this.#restarts);
    const restart = (): void => {
      this.#restarts++;
      this.#enterRunning();
    };
    if (delayMs === 0) {
      restart();
      return;
    }
    for (const { name } of this.#containers()) {
      const { metadata } = this.#pod;
      this.#say({
        type: "Warning",
        reason: "BackOff",
        message: `Back-off restarting failed container ${name} in pod ${metadata.name}_${metadata.namespace}(${metadata.uid})`,
        container: name,
      });
    }
    this.#host.log.debug("simulated container crashed", {
      pod: keyOf(this.#pod),
      why: crashText(this.#pod, "", this.#restarts),
    });
    this.#enter("crashed");
    this.#after(delayMs, restart);
  }

  #enterFailed(): void {
    this.#finishedMs = this.#host.clock.nowMs();
    this.#exitCode = 1;
    this.#isReady = false;
    this.#enter("failed");
  }

  /** An image of the running pod was edited: its containers are started anew with it. */
  #replaceContainers(): void {
    if (this.#isTerminating || this.#stage === "failed") return;
    if (this.#stage === "running" || this.#stage === "crashed") {
      for (const { name } of this.#containers()) {
        this.#say({
          type: "Normal",
          reason: "Killing",
          message: `Container ${name} definition changed, will be restarted`,
          container: name,
        });
      }
      this.#restarts++;
      this.#finishedMs = this.#host.clock.nowMs();
      this.#exitCode = 0;
      this.#isReady = false;
    }
    this.#pull();
  }

  #terminate(): void {
    const graceMs = (this.#pod.metadata.deletionGracePeriodSeconds ?? 0) * 1_000;
    const { timings, troubles } = this.#behaviour();
    const wasRunning = this.#stage === "running" || this.#stage === "crashed";
    if (!this.#isTerminating && wasRunning) {
      for (const { name } of this.#containers())
        this.#say({
          type: "Normal",
          reason: "Killing",
          message: `Stopping container ${name}`,
          container: name,
        });
    }
    this.#isTerminating = true;
    const isStubborn = troubles.has("ignores-termination") || timings.stopMs > graceMs;
    this.#after(isStubborn ? graceMs : timings.stopMs, () => {
      this.#finishedMs = this.#host.clock.nowMs();
      this.#exitCode = isStubborn ? killedExitCode : 0;
      this.#isReady = false;
      if (wasRunning) this.#isDirty = true;
      this.#stage = "stopped";
      if (!this.#isWriting) void this.#flush();
    });
  }

  #containers(): readonly {
    readonly name: string;
    readonly image?: string;
    readonly imagePullPolicy?: string;
  }[] {
    return this.#pod.spec?.containers ?? [];
  }

  #say(what: PodEvent): void {
    this.#host.event(this.#pod, what);
  }

  /** Writes until the server knows the present stage; then, after the end, removes the object. Never rejects. */
  async #flush(): Promise<void> {
    if (this.#host.isSilent()) return;
    this.#isWriting = true;
    try {
      while (this.#isDirty && !this.#isGone && !this.#host.isSilent()) {
        this.#isDirty = false;
        if (!(await this.#writeStatus())) return;
      }
      if (this.#stage === "stopped" && this.#isTerminating && !this.#isGone) await this.#remove();
    } finally {
      this.#isWriting = false;
    }
  }

  /** @returns false when the write is to be tried later or never. */
  async #writeStatus(): Promise<boolean> {
    const { client, writes } = this.#host;
    try {
      const written = await writes.run(() => {
        const status = podStatus(this.#stage, this.#factsNow(), this.#pod);
        return client.update(podResource, { ...this.#pod, status }, { subresource: "status" });
      });
      if (this.#pod.metadata.deletionTimestamp === undefined) this.#adopt(written);
      return true;
    } catch (error) {
      if (isNotFound(error) || this.#isGone) {
        this.stop();
        return false;
      }
      this.#isDirty = true;
      if (!isConflict(error)) return this.#retryLater(error);
    }
    return await this.#refresh().catch((error: unknown) => this.#retryLater(error));
  }

  #retryLater(error: unknown): false {
    const { clock, log } = this.#host;
    log.warn("simulated pod status was not written", { pod: keyOf(this.#pod), error: String(error) });
    clock.after(writeRetryMs, () => this.resume());
    return false;
  }

  /** What a write answered is at least as new as what was sent; a newer state from the watch is kept by `update`. */
  #adopt(written: Pod): void {
    if (written.metadata.deletionTimestamp !== undefined) this.update(written);
    else this.#pod = written;
  }

  async #refresh(): Promise<boolean> {
    const { client } = this.#host;
    const { name, namespace, uid } = this.#pod.metadata;
    const live = await client
      .get(podResource, { name: name!, namespace: namespace! })
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
    if (live === undefined || live.metadata.uid !== uid) {
      this.stop();
      return false;
    }
    this.update(live);
    return true;
  }

  async #remove(): Promise<void> {
    const { client, writes, clock, log } = this.#host;
    const { name, namespace, uid } = this.#pod.metadata;
    try {
      await writes.run(() =>
        client.delete(
          podResource,
          { name: name!, namespace: namespace! },
          { gracePeriodSeconds: 0, preconditions: { uid: uid! } },
        ),
      );
      this.stop();
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) {
        this.stop();
        return;
      }
      log.warn("simulated pod was not removed", { pod: keyOf(this.#pod), error: String(error) });
      clock.after(writeRetryMs, () => this.resume());
    }
  }

  #factsNow(): Parameters<typeof podStatus>[1] {
    const finished = this.#finishedMs;
    return {
      nowMs: this.#host.clock.nowMs(),
      acceptedMs: this.#acceptedMs,
      startedMs: this.#startedMs,
      restarts: this.#restarts,
      ...(finished === undefined ? {} : { finishedMs: finished }),
      isReady: this.#isReady,
      badImages: this.#badImages,
      exitCode: this.#exitCode,
      hostIP: this.#host.hostIP,
      podIP: this.#podIP,
    };
  }
}

function terminalPhase(pod: Pod): "Failed" | "Succeeded" | undefined {
  const phase = pod.status?.phase;
  return phase === "Failed" || phase === "Succeeded" ? phase : undefined;
}

function imagesOf(pod: Pod): string {
  return (pod.spec?.containers ?? []).map(({ image }) => image ?? "").join("\n");
}

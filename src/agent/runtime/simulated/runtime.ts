/**
 * A container runtime in which nothing runs: it keeps the books of one machine's sandboxes, containers and images, and lets time pass.
 * Not here: which annotations ask for what (behaviour.ts), when pods are ready (prober.ts), what follows from an end (agent/pods).
 * It has no disk: its memory is what the statuses of its pods say (`find`).
 */
import type { Pod } from "../../../api/index.ts";
import type { Clock, Timer } from "../../../base/index.ts";
import { parseTimeMs } from "../../../machinery/index.ts";
import type {
  ContainerConfig,
  ContainerExit,
  ContainerFound,
  ContainerKey,
  ImageFound,
  LogQuery,
  PodFound,
  PodRuntime,
  PulledImage,
  RuntimeListener,
} from "../pod-runtime.ts";
import { RuntimeError } from "../runtime-error.ts";
import { type PodBehaviour, podBehaviour, type SimulatedTimes } from "./behaviour.ts";
import { askedPullErrorOf, imageBytes, pullErrorOf } from "./images.ts";
import { logOf } from "./log.ts";
import type { SimulatedMachine } from "./machine.ts";
import { podIpOf } from "./network.ts";
import { stableHex } from "./stable-hex.ts";

/** How long a container with the trouble `crash-loop` or `fails` runs. */
const troubledRunMs = 1_000;
/** Images kept at most, as many as a kubelet lists in a node's status; the one pulled first goes first. */
const imagesMax = 50;
/** A digest has 64 digits, eight at a time. */
const digestParts = 8;
/** Exit code of a process that was ended by SIGKILL. */
const killedExitCode = 137;
/** One for all: making an error costs more than all else that a cancellation does. */
const cancelled = new RuntimeError("failed", "cancelled");
const givenUp = { reason: "Simulated", message: "Pod failed (simulated by lares.dev/simulate)" };

/** The pods of the machine as last seen, by UID: their annotations are read when something is about to happen. */
export type PodsSeen = ReadonlyMap<string, { readonly pod: Pod }>;

interface Sandbox {
  readonly ip: string;
  /** Oldest first. Copied when it changes: an array with room to grow takes more memory than one container. */
  containers: readonly SimulatedContainer[];
  /** Calls that take time and are under way. There is no list while there are none. */
  waits: readonly Wait[] | undefined;
}

interface Wait {
  readonly timer: Timer;
  readonly reject: (error: Error) => void;
}

class SimulatedContainer {
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  startedMs: number | undefined = undefined;
  exit: ContainerExit | undefined = undefined;
  /** Runs until the container ends by itself. */
  timer: Timer | undefined = undefined;

  constructor(name: string, attempt: number, image: string) {
    this.name = name;
    this.attempt = attempt;
    this.image = image;
  }
}

/** The way of a pod's containers to their end while the pod is being deleted. */
interface Ending {
  timer: Timer | undefined;
  hasEnded: boolean;
  readonly waiting: (() => void)[];
}

export class SimulatedRuntime implements PodRuntime {
  readonly #machine: SimulatedMachine;
  readonly #pods: PodsSeen;
  readonly #times: SimulatedTimes;
  readonly #sandboxes = new Map<string, Sandbox>();
  /** Bytes by name. */
  readonly #images = new Map<string, number>();
  /** By pod UID. There is no map while nothing ends: fifteen thousand empty ones are 3 MB. */
  #endings: Map<string, Ending> | undefined;
  #listener: RuntimeListener | undefined;
  #nextSlot = 0;

  constructor(machine: SimulatedMachine, pods: PodsSeen, times: SimulatedTimes) {
    this.#machine = machine;
    this.#pods = pods;
    this.#times = times;
    for (const { names = [], sizeBytes = 0 } of machine.node.status?.images ?? [])
      for (const name of names) this.#images.set(name, sizeBytes);
  }

  get version(): string {
    return "lares-simulated://0.1";
  }

  start(listener: RuntimeListener): void {
    this.#listener = listener;
  }

  stop(): void {
    this.#listener = undefined;
    for (const [uid, { containers }] of this.#sandboxes) {
      this.cancel(uid);
      for (const { timer } of containers) timer?.cancel();
    }
    for (const { timer } of this.#endings?.values() ?? []) timer?.cancel();
  }

  trouble(): string | undefined {
    return this.#machine.troubles().has("not-ready")
      ? "container runtime is down (simulated by lares.dev/simulate)"
      : undefined;
  }

  find(pod: Pod): Promise<PodFound | undefined> {
    const sandbox = this.#sandboxes.get(pod.metadata.uid!) ?? this.#recall(pod);
    return Promise.resolve(sandbox && { ip: sandbox.ip, containers: sandbox.containers.map(foundOf) });
  }

  containerID({ uid, name, attempt }: ContainerKey): string {
    return `lares-simulated://${stableHex(`${uid}/${name}/${attempt}`, digestParts)}`;
  }

  imageID(uid: string, image: string): string {
    return `${image}@sha256:${stableHex(`${uid}/${image}/0`, digestParts)}`;
  }

  images(): Promise<readonly ImageFound[]> {
    return Promise.resolve([...this.#images].map(([name, sizeBytes]) => ({ name, sizeBytes })));
  }

  hasImage(image: string): Promise<boolean> {
    return Promise.resolve(this.#images.has(image));
  }

  async pullImage(image: string, pod: Pod): Promise<PulledImage> {
    const { timings, troubles, missingImages } = this.#behaviour(pod);
    const refusal =
      pullErrorOf(image, missingImages) ??
      (troubles.has("image-pull-fails") ? askedPullErrorOf(image) : undefined);
    await this.#wait(this.#sandboxOf(pod.metadata.uid!), timings.pullMs);
    if (refusal !== undefined) throw new RuntimeError("failed", refusal);
    return { sizeBytes: imageBytes(image), tookMs: timings.pullMs };
  }

  cancel(uid: string): void {
    const sandbox = this.#sandboxes.get(uid);
    for (const { timer, reject } of sandbox?.waits ?? []) {
      timer.cancel();
      reject(cancelled);
    }
    if (sandbox !== undefined) sandbox.waits = undefined;
  }

  // oxlint-disable-next-line require-await -- a refusal must be a rejection
  async runSandbox(pod: Pod): Promise<{ readonly ip: string }> {
    const uid = pod.metadata.uid!;
    if (this.#sandboxes.has(uid)) throw new RuntimeError("exists", `pod ${uid} has a sandbox`);
    const ip = podIpOf(this.#machine.index, this.#nextSlot++);
    this.#sandboxes.set(uid, { ip, containers: [], waits: undefined });
    return { ip };
  }

  async stopSandbox(uid: string): Promise<void> {
    if (this.#endings?.get(uid)?.hasEnded === true) return;
    const graceSeconds = this.#pods.get(uid)?.pod.metadata.deletionGracePeriodSeconds ?? 0;
    await this.#end(uid, graceSeconds * 1_000);
  }

  removeSandbox(uid: string): Promise<void> {
    this.cancel(uid);
    this.#exitAll(uid, killedExitCode);
    this.#sandboxes.delete(uid);
    const ending = this.#endings?.get(uid);
    ending?.timer?.cancel();
    for (const resolve of ending?.waiting ?? []) resolve();
    this.#endings?.delete(uid);
    if (this.#endings?.size === 0) this.#endings = undefined;
    return Promise.resolve();
  }

  async createContainer({ pod, container, attempt }: ContainerConfig): Promise<void> {
    const uid = pod.metadata.uid!;
    const { name, image = "" } = container;
    const sandbox = this.#sandboxOf(uid);
    const same = sandbox.containers.filter((one) => one.name === name);
    if (same.some((one) => one.attempt === attempt && one.startedMs !== undefined))
      throw new RuntimeError("exists", `container ${name} has had attempt ${attempt}`);
    // A container that starts again has its file system already.
    if (same.at(-1)?.image !== image) {
      await this.#wait(sandbox, this.#behaviour(pod).timings.startMs);
      this.#addImage(image);
    }
    sandbox.containers = sandbox.containers
      .filter((one) => one.name !== name || one.attempt !== attempt)
      .concat(new SimulatedContainer(name, attempt, image));
  }

  // oxlint-disable-next-line require-await -- a refusal must be a rejection
  async startContainer(key: ContainerKey): Promise<number> {
    const container = this.#containerOf(key);
    if (container === undefined || container.startedMs !== undefined) throw notFound(key);
    container.startedMs = this.#clock.nowMs();
    const pod = this.#pods.get(key.uid)?.pod;
    if (pod !== undefined) this.#letEnd(pod, container);
    return container.startedMs;
  }

  async stopContainer(key: ContainerKey, graceMs: number): Promise<ContainerExit | undefined> {
    const container = this.#containerOf(key);
    if (container === undefined) throw notFound(key);
    if (container.startedMs !== undefined && container.exit === undefined) await this.#end(key.uid, graceMs);
    return container.exit;
  }

  removeContainer(key: ContainerKey): Promise<void> {
    const sandbox = this.#sandboxes.get(key.uid);
    const container = this.#containerOf(key);
    if (sandbox === undefined || container === undefined) return Promise.resolve();
    this.#exit(key.uid, container, { exitCode: killedExitCode, finishedMs: this.#clock.nowMs() });
    sandbox.containers = sandbox.containers.filter((one) => one !== container);
    return Promise.resolve();
  }

  async *logs(uid: string, query: LogQuery, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const runs = (this.#sandboxes.get(uid)?.containers ?? []).filter(
      ({ name, startedMs }) => name === query.container && startedMs !== undefined,
    );
    const run = runs.at(query.previous === true ? -2 : -1);
    if (run === undefined)
      throw new RuntimeError("not-found", `container ${query.container} has no such run`);
    const { image, startedMs = 0 } = run;
    yield* logOf({ image, startedMs, finishedMs: () => run.exit?.finishedMs }, query, {
      clock: this.#clock,
      signal,
    });
  }

  get #clock(): Clock {
    return this.#times.clock;
  }

  #behaviour(pod: Pod): PodBehaviour {
    return podBehaviour(pod, this.#machine.node, this.#times.timings);
  }

  #wait(sandbox: Sandbox, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(ms, () => {
        const others = sandbox.waits?.filter((one) => one !== wait) ?? [];
        sandbox.waits = others.length === 0 ? undefined : others;
        resolve();
      });
      const wait: Wait = { timer, reject };
      sandbox.waits = sandbox.waits === undefined ? [wait] : [...sandbox.waits, wait];
    });
  }

  #addImage(image: string): void {
    if (this.#images.has(image)) return;
    this.#images.set(image, imageBytes(image));
    const oldest = this.#images.keys().next().value;
    if (this.#images.size > imagesMax && oldest !== undefined) this.#images.delete(oldest);
    this.#listener?.imagesChanged();
  }

  #sandboxOf(uid: string): Sandbox {
    const sandbox = this.#sandboxes.get(uid);
    if (sandbox === undefined) throw new RuntimeError("not-found", `pod ${uid} has no sandbox`);
    return sandbox;
  }

  #containerOf({ uid, name, attempt }: ContainerKey): SimulatedContainer | undefined {
    return this.#sandboxes.get(uid)?.containers.find((one) => one.name === name && one.attempt === attempt);
  }

  /** A pod whose status says that it has an address has a sandbox, and its containers if all of them are said to run. */
  #recall(pod: Pod): Sandbox | undefined {
    const running = (pod.status?.containerStatuses ?? []).filter(({ state }) => state?.running !== undefined);
    const isUp = running.length > 0 && running.length === pod.spec?.containers.length;
    const ip = pod.status?.podIP;
    if (ip === undefined && !isUp) return undefined;
    const sandbox: Sandbox = {
      ip: ip ?? podIpOf(this.#machine.index, this.#nextSlot++),
      containers: [],
      waits: undefined,
    };
    this.#sandboxes.set(pod.metadata.uid!, sandbox);
    if (!isUp) return sandbox;
    sandbox.containers = running.map(({ name, restartCount, image, state }) => {
      const container = new SimulatedContainer(name, restartCount, image);
      container.startedMs = parseTimeMs(state?.running?.startedAt ?? "") ?? this.#clock.nowMs();
      this.#letEnd(pod, container);
      return container;
    });
    return sandbox;
  }

  /** Sets the timer of a container that ends by itself. */
  #letEnd(pod: Pod, container: SimulatedContainer): void {
    const { troubles } = this.#behaviour(pod);
    const isCrash = troubles.has("crash-loop");
    if ((!isCrash && !troubles.has("fails")) || pod.metadata.deletionTimestamp !== undefined) return;
    const leftMs = troubledRunMs - (this.#clock.nowMs() - container.startedMs!);
    container.timer = this.#clock.after(Math.max(0, leftMs), () => {
      const finishedMs = this.#clock.nowMs();
      this.#exit(pod.metadata.uid!, container, { exitCode: 1, finishedMs, ...(isCrash ? {} : { givenUp }) });
    });
  }

  /** Resolves when the pod's containers have ended. Only a pod that is being deleted takes time for it. */
  #end(uid: string, graceMs: number): Promise<void> {
    const pod = this.#pods.get(uid)?.pod;
    if (pod?.metadata.deletionTimestamp === undefined) {
      this.#exitAll(uid, 0);
      return Promise.resolve();
    }
    const { timings, troubles } = this.#behaviour(pod);
    const isKilled = troubles.has("ignores-termination") || timings.stopMs > graceMs;
    for (const { timer } of this.#sandboxes.get(uid)?.containers ?? []) timer?.cancel();
    this.#endings ??= new Map();
    const ending = this.#endings.get(uid) ?? { timer: undefined, hasEnded: false, waiting: [] };
    this.#endings.set(uid, ending);
    ending.timer?.cancel();
    ending.timer = this.#clock.after(isKilled ? graceMs : timings.stopMs, () => {
      ending.hasEnded = true;
      this.#exitAll(uid, isKilled ? killedExitCode : 0);
      for (const resolve of ending.waiting.splice(0)) resolve();
    });
    return new Promise((resolve) => ending.waiting.push(resolve));
  }

  #exitAll(uid: string, exitCode: number): void {
    const exit = { exitCode, finishedMs: this.#clock.nowMs() };
    for (const container of this.#sandboxes.get(uid)?.containers ?? []) this.#exit(uid, container, exit);
  }

  #exit(uid: string, container: SimulatedContainer, exit: ContainerExit): void {
    if (container.startedMs === undefined || container.exit !== undefined) return;
    container.timer?.cancel();
    container.timer = undefined;
    container.exit = exit;
    this.#listener?.exited({ uid, name: container.name, attempt: container.attempt }, exit);
  }
}

function foundOf({ name, attempt, startedMs, exit }: SimulatedContainer): ContainerFound {
  return {
    name,
    attempt,
    ...(startedMs === undefined ? {} : { startedMs }),
    ...(exit === undefined ? {} : { exit }),
  };
}

function notFound({ uid, name, attempt }: ContainerKey): RuntimeError {
  return new RuntimeError("not-found", `no container ${name} of pod ${uid} in attempt ${attempt}`);
}

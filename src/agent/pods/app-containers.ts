/**
 * The app containers of one pod, which go through the states of container-table.ts together: started, probed, started again, stopped.
 * Not here: the table itself, the pod around them (pod-worker.ts), what the status says (pod-status.ts).
 * An attempt to start (start-attempt.ts) is given up when another one begins or the containers stop. What it still answers is dropped.
 */
import type { Container } from "../../api/index.ts";
import { type Timer, unreachable } from "../../base/index.ts";
import type { ContainerExit, ContainerKey, PodFound } from "../runtime/pod-runtime.ts";
import type { Probing } from "../runtime/prober.ts";
import { isNotInRuntime } from "../runtime/runtime-error.ts";
import { crashDelayMs, failureDelayMs } from "./back-off.ts";
import {
  type ContainerEffect,
  type ContainerEvent,
  type ContainerState,
  containerTable,
} from "./container-table.ts";
import { type EventText, eventTexts } from "./event-texts.ts";
import { graceMsOf } from "./grace.ts";
import {
  keyOf,
  startContainers,
  type StartFailure,
  type Starting,
  type StartOutcome,
  type StartRequest,
} from "./start-attempt.ts";

/** From a failed pull to the word of its back-off, in ms. */
const pauseMs = 1_000;

export interface ContainersOwner extends Starting {
  report(): void;
}

export class AppContainers {
  readonly #owner: ContainersOwner;
  #state: ContainerState = "starting";
  #restarts = 0;
  #startedMs = 0;
  #lastExit: ContainerExit | undefined;
  /** Containers of this run that have ended. */
  #exits = 0;
  #failure: StartFailure | undefined;
  #failures = 0;
  #timer: Timer | undefined;
  #attempt: { readonly request: StartRequest; readonly done: Promise<void> } | undefined;
  #probing: Probing | undefined;
  /** The last run that was attempted. */
  #attempted = -1;

  constructor(owner: ContainersOwner) {
    this.#owner = owner;
  }

  get state(): ContainerState {
    return this.#state;
  }

  /** True between a first start and the end, back-offs included. */
  get isUp(): boolean {
    return this.#state === "running" || this.#state === "crashed";
  }

  get isReady(): boolean {
    return this.#probing?.isReady === true;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Begin of the run that is shown; when pulls fail, the time of the first failure. */
  get startedMs(): number {
    return this.#startedMs;
  }

  /** How the last run ended, once one did. */
  get lastExit(): ContainerExit | undefined {
    return this.#lastExit;
  }

  get failure(): StartFailure | undefined {
    return this.#failure;
  }

  /**
   * Takes over what an agent before this one has left.
   * @returns whether all containers run, so that nothing is to be started.
   */
  take(found: PodFound | undefined): boolean {
    const { pod } = this.#owner;
    const left = found?.containers ?? [];
    const running = left.filter(({ startedMs, exit }) => startedMs !== undefined && exit === undefined);
    if (running.length > 0 && running.length === this.#specs.length) {
      this.#startedMs = running[0]!.startedMs!;
      this.#restarts = Math.max(...running.map(({ attempt }) => attempt));
      this.#handle("adopted");
      return true;
    }
    // Runs that ended count on: what comes is one more.
    const ended = (pod.status?.containerStatuses ?? []).filter(
      (one) => one.lastState?.terminated !== undefined,
    );
    this.#restarts = Math.max(
      0,
      ...ended.map(({ restartCount }) => restartCount + 1),
      ...left.map(({ attempt }) => attempt + 1),
    );
    return false;
  }

  begin(): void {
    this.#handle("begin");
  }

  replace(): void {
    this.#handle("images-changed");
  }

  /** @returns whether this run is over: all its containers have ended, or the runtime has given the pod up. */
  takeExit({ attempt }: ContainerKey, exit: ContainerExit): boolean {
    if (attempt !== this.#restarts) return false;
    if (this.#exits === 0 || exit.exitCode !== 0) this.#lastExit = exit;
    this.#exits++;
    return exit.givenUp !== undefined || this.#exits === this.#specs.length;
  }

  /** The run is over, and nobody asked for its end. */
  restart(): void {
    this.#handle(crashDelayMs(this.#restarts) === 0 ? "exited-first" : "exited-again");
  }

  /** Stops every timer and attempt. What runs goes on. */
  letGo(): void {
    this.#timer?.cancel();
    this.#giveUpAttempt();
    this.#probing?.stop();
  }

  /** Resolves when nothing runs any more; `stopped` says so. May be called again with less grace. @throws RuntimeError */
  stop(graceMs: number): Promise<void> {
    this.letGo();
    const underWay = this.#attempt?.done;
    const stop = (): Promise<void> => this.#stopRun(this.#restarts, graceMs);
    return underWay === undefined ? stop() : underWay.then(stop);
  }

  stopped(): void {
    this.#probing = undefined;
    this.#handle("stopped");
  }

  #handle(event: ContainerEvent): void {
    const cell = containerTable[this.#state][event];
    this.#state = cell[0];
    for (let i = 1; i < cell.length; i++) this.#do(cell[i] as ContainerEffect);
  }

  #do(effect: ContainerEffect): void {
    switch (effect) {
      case "start":
        return this.#start(true);
      case "start-again":
        return this.#start(false);
      case "count":
        this.#restarts++;
        this.#exits = 0;
        return;
      case "probe":
        this.#probe({ startedMs: this.#startedMs });
        return;
      case "resume-probing": {
        const statuses = this.#owner.pod.status?.containerStatuses ?? [];
        this.#probe({ startedMs: this.#startedMs, wasReady: statuses.every(({ ready }) => ready) });
        return;
      }
      case "stop-probing":
        this.#probing?.stop();
        this.#probing = undefined;
        return;
      case "report":
        this.#owner.report();
        return;
      case "pause":
        this.#after(pauseMs);
        return;
      case "back-off":
        this.#after(failureDelayMs(this.#failures++));
        return;
      case "crash-back-off":
        this.#after(crashDelayMs(this.#restarts));
        return;
      default:
        this.#sayOf(effect);
    }
  }

  #sayOf(effect: Extract<ContainerEffect, `say-${string}`>): void {
    const { pod } = this.#owner;
    const { container = "", text = "" } = this.#failure ?? {};
    const image = this.#specs.find(({ name }) => name === container)?.image ?? "";
    switch (effect) {
      case "say-pull-failed":
        this.#say(container, eventTexts.pullFailed(image, text));
        this.#say(container, eventTexts.failed("ErrImagePull"));
        return;
      case "say-pull-back-off":
        this.#say(container, eventTexts.pullBackOff(image));
        this.#say(container, eventTexts.failed("ImagePullBackOff"));
        return;
      case "say-start-failed":
        this.#say(container, eventTexts.failed(text));
        return;
      case "say-crash-back-off":
        for (const { name } of this.#specs) this.#say(name, eventTexts.crashBackOff(name, pod));
        return;
      case "say-replaced":
        for (const { name } of this.#specs) this.#say(name, eventTexts.replaced(name));
        return;
      default:
        unreachable(effect, "effect");
    }
  }

  #say(container: string, text: EventText): void {
    this.#owner.host.say(this.#owner.pod, container, text);
  }

  #after(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#owner.host.clock.after(delayMs, () => this.#handle("due"));
  }

  #probe(since: { readonly startedMs: number; readonly wasReady?: boolean }): void {
    const { host, pod } = this.#owner;
    this.#probing = host.prober.watch(pod, since, () => this.#handle("readiness-changed"));
  }

  /** Gives up the attempt that is under way, and begins another one when that has come to its end. */
  #start(pulls: boolean): void {
    this.#timer?.cancel();
    const before = this.#attempt?.done;
    this.#giveUpAttempt();
    const attempt = this.#restarts;
    const mustPrepare = attempt > 0 || attempt === this.#attempted;
    this.#attempted = attempt;
    const prepare = mustPrepare ? () => this.#prepare(attempt, before) : undefined;
    const request: StartRequest = { attempt, pulls, prepare, isGivenUp: false };
    const done = startContainers(this.#owner, request).then((outcome) =>
      this.#attemptEnded(request, outcome),
    );
    this.#attempt = { request, done };
  }

  #giveUpAttempt(): void {
    if (this.#attempt === undefined) return;
    this.#attempt.request.isGivenUp = true;
    const { host, pod } = this.#owner;
    host.runtime.cancel(pod.metadata.uid!);
  }

  /** The attempt before has come to its end, what it made is gone, and the run before has ended. Two runs are kept. */
  async #prepare(attempt: number, before: Promise<void> | undefined): Promise<void> {
    await before;
    await this.#removeRun(attempt);
    this.#exits = 0;
    if (attempt === 0) return;
    await this.#stopRun(attempt - 1, graceMsOf(this.#owner.pod));
    await this.#removeRun(attempt - 2);
  }

  #attemptEnded(request: StartRequest, outcome: StartOutcome): void {
    if (this.#attempt?.request === request) this.#attempt = undefined;
    // It may have been given up after its last call had been answered.
    if (request.isGivenUp || outcome.outcome === "given-up") return;
    if (outcome.outcome === "failed") this.#startFailed(outcome.failure);
    else this.#started(outcome.startedMs);
  }

  #started(startedMs: number): void {
    this.#startedMs = startedMs;
    this.#failure = undefined;
    this.#failures = 0;
    this.#handle("started");
    if (this.#exits === this.#specs.length) this.restart();
  }

  #startFailed(failure: StartFailure): void {
    const isPull = failure.reason === "ErrImagePull";
    // Containers whose images are there are shown as running from now on.
    if (isPull && this.#failure?.reason !== "ErrImagePull") this.#startedMs = this.#owner.host.clock.nowMs();
    this.#failure = failure;
    this.#handle(isPull ? "pull-failed" : "start-failed");
  }

  async #stopRun(attempt: number, graceMs: number): Promise<void> {
    const { host, pod } = this.#owner;
    const results = await Promise.allSettled(
      this.#specs.map(({ name }) => host.runtime.stopContainer(keyOf(pod, name, attempt), graceMs)),
    );
    const exits: ContainerExit[] = [];
    for (const result of results) {
      if (result.status === "fulfilled") {
        if (result.value !== undefined) exits.push(result.value);
      } else if (!isNotInRuntime(result.reason)) throw result.reason;
    }
    this.#lastExit = exits.find(({ exitCode }) => exitCode !== 0) ?? exits.at(-1) ?? this.#lastExit;
  }

  async #removeRun(attempt: number): Promise<void> {
    const { host, pod } = this.#owner;
    for (const { name } of this.#specs) await host.runtime.removeContainer(keyOf(pod, name, attempt));
  }

  get #specs(): readonly Container[] {
    return this.#owner.pod.spec?.containers ?? [];
  }
}

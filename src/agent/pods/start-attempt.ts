/**
 * One attempt to start the app containers of a pod: the calls to the runtime, in order, and the Events that tell of them.
 * Not here: when one is made and what follows from its outcome (app-containers.ts).
 *
 *   prepare ─▶ sandbox ─▶ pull what must be pulled ─▶ create all ─▶ start one after another
 *
 * Few promises are pending at a time, on purpose: thousands of simulated pods are in the middle of this at once.
 */
import type { Container, Pod } from "../../api/index.ts";
import type { ContainerKey, PodRuntime, PulledImage } from "../runtime/pod-runtime.ts";
import { eventTexts } from "./event-texts.ts";
import type { PodHost } from "./pod-host.ts";

/** The pod whose containers are started. */
export interface Starting {
  readonly pod: Pod;
  readonly host: PodHost;
  readonly hasSandbox: boolean;
  makeSandbox(): Promise<void>;
}

export interface StartRequest {
  readonly attempt: number;
  /** False for a run that follows another one of the same images. */
  readonly pulls: boolean;
  /** What must be done before anything else. */
  readonly prepare?: (() => Promise<void>) | undefined;
  /** True once the attempt is given up: what its calls answer from then on is dropped. */
  isGivenUp: boolean;
}

/** Why an attempt failed. */
export interface StartFailure {
  /** As a status says it. */
  readonly reason: "ErrImagePull" | "CreatePodSandboxError" | "CreateContainerError" | "RunContainerError";
  /** The first container of the pod that it is about; "" when it is about all. */
  readonly container: string;
  readonly text: string;
  /** The images that could not be pulled, each with its text. */
  readonly images: ReadonlyMap<string, string>;
}

export type StartOutcome =
  | { readonly outcome: "started"; readonly startedMs: number }
  | { readonly outcome: "failed"; readonly failure: StartFailure }
  | { readonly outcome: "given-up" };

const givenUp: StartOutcome = { outcome: "given-up" };
const noImages: ReadonlyMap<string, string> = new Map();

/** Never rejects. What a given up attempt has made already is left as it is. */
export async function startContainers(starting: Starting, request: StartRequest): Promise<StartOutcome> {
  const { pod, host } = starting;
  const { attempt } = request;
  const containers = pod.spec?.containers ?? [];
  let reason: StartFailure["reason"] = "CreateContainerError";
  let at = "";
  try {
    if (request.prepare !== undefined) await request.prepare();
    if (request.isGivenUp) return givenUp;
    reason = "CreatePodSandboxError";
    if (!starting.hasSandbox) await starting.makeSandbox();
    const absent = request.pulls ? await withoutImage(containers, host.runtime) : [];
    if (request.isGivenUp) return givenUp;
    for (const { name, image = "" } of absent) host.say(pod, name, eventTexts.pulling(image));
    const pulls = await Promise.allSettled(
      absent.map(({ image = "" }) => host.runtime.pullImage(image, pod)),
    );
    if (request.isGivenUp) return givenUp;
    if (pulls.some(isRefused)) return pullRefused(absent, pulls);
    reason = "CreateContainerError";
    const creations = await Promise.allSettled(
      containers.map((container) => host.runtime.createContainer({ pod, container, attempt })),
    );
    if (request.isGivenUp) return givenUp;
    const refusedAt = creations.findIndex(isRefused);
    if (refusedAt >= 0) {
      at = containers[refusedAt]!.name;
      throw reasonOf(creations[refusedAt]!);
    }
    if (request.pulls) sayPulled(starting, absent, pulls);
    reason = "RunContainerError";
    let startedMs = 0;
    for (const { name } of containers) {
      at = name;
      host.say(pod, name, eventTexts.created(name));
      startedMs = await host.runtime.startContainer(keyOf(pod, name, attempt));
      if (request.isGivenUp) return givenUp;
      host.say(pod, name, eventTexts.started(name));
    }
    return { outcome: "started", startedMs };
  } catch (error) {
    if (request.isGivenUp) return givenUp;
    return { outcome: "failed", failure: { reason, container: at, text: textOf(error), images: noImages } };
  }
}

export function keyOf(pod: Pod, name: string, attempt: number): ContainerKey {
  return { uid: pod.metadata.uid!, name, attempt };
}

async function withoutImage(
  containers: readonly Container[],
  runtime: PodRuntime,
): Promise<readonly Container[]> {
  const absent: Container[] = [];
  for (const container of containers) {
    const { image = "", imagePullPolicy } = container;
    if (imagePullPolicy === "Always" || !(await runtime.hasImage(image))) absent.push(container);
  }
  return absent;
}

type Settled<T> = PromiseSettledResult<T>;

function isRefused(result: Settled<unknown>): boolean {
  return result.status === "rejected";
}

function reasonOf(result: Settled<unknown>): unknown {
  return result.status === "rejected" ? result.reason : undefined;
}

function pullRefused(containers: readonly Container[], pulls: readonly Settled<PulledImage>[]): StartOutcome {
  const images = new Map<string, string>();
  pulls.forEach((result, index) => {
    if (isRefused(result)) images.set(containers[index]!.image ?? "", textOf(reasonOf(result)));
  });
  const { name, image = "" } = containers[pulls.findIndex(isRefused)]!;
  const failure = { reason: "ErrImagePull", container: name, text: images.get(image)!, images } as const;
  return { outcome: "failed", failure };
}

function sayPulled(
  { pod, host }: Starting,
  absent: readonly Container[],
  pulls: readonly Settled<PulledImage>[],
): void {
  for (const container of pod.spec?.containers ?? []) {
    const { name, image = "" } = container;
    const pull = pulls[absent.indexOf(container)];
    const text =
      pull?.status === "fulfilled" ? eventTexts.pulled(image, pull.value) : eventTexts.present(image);
    host.say(pod, name, text);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * What annotations ask of a simulated node or pod: how long things take and what goes wrong, so that people can rehearse trouble.
 * Not here: what follows from it (machine.ts, runtime.ts, prober.ts). Documented for users in docs/simulated-nodes.md.
 */
import type { Clock } from "../../../base/index.ts";
import type { KubeObject } from "../../../machinery/index.ts";

export const annotationKeys = {
  /** "true" on a Node: it is a simulated node. */
  simulated: "lares.dev/simulated",
  /** kwok's mark for the same, with the value "fake". */
  kwok: "kwok.x-k8s.io/node",
  /** Name of the fleet that drives the node; absent means the default fleet. */
  fleet: "lares.dev/fleet",
  /** Words separated by commas, see `podTroubles` and `nodeTroubles`. */
  simulate: "lares.dev/simulate",
  pullSeconds: "lares.dev/pull-seconds",
  startSeconds: "lares.dev/start-seconds",
  stopSeconds: "lares.dev/stop-seconds",
  /** Images that cannot be pulled, separated by commas, see images.ts. */
  missingImages: "lares.dev/missing-images",
} as const;

export type PodTrouble = "image-pull-fails" | "crash-loop" | "never-ready" | "ignores-termination" | "fails";
const podTroubles: readonly PodTrouble[] = [
  "image-pull-fails",
  "crash-loop",
  "never-ready",
  "ignores-termination",
  "fails",
];

export type NodeTrouble = "silent" | "not-ready" | "memory-pressure" | "disk-pressure" | "pid-pressure";
const nodeTroubles: readonly NodeTrouble[] = [
  "silent",
  "not-ready",
  "memory-pressure",
  "disk-pressure",
  "pid-pressure",
];

export interface Timings {
  readonly pullMs: number;
  readonly startMs: number;
  readonly stopMs: number;
}

/** A cached image starts after `startMs`; one that must be pulled after `pullMs + startMs`: 0.8 s in all. */
export const defaultTimings: Timings = { pullMs: 400, startMs: 400, stopMs: 200 };

/** What all makers of a simulated node share. */
export interface SimulatedTimes {
  readonly clock: Clock;
  /** For what no annotation says. */
  readonly timings: Timings;
}

export interface PodBehaviour {
  readonly timings: Timings;
  readonly troubles: ReadonlySet<PodTrouble>;
  /** Images that the registry is to lack. */
  readonly missingImages: readonly string[];
}

/** Longest pull, start or stop that an annotation may ask for. */
const simulatedSecondsMax: number = 24 * 3600;

function words(object: KubeObject | undefined, key: string = annotationKeys.simulate): readonly string[] {
  const text = object?.metadata.annotations?.[key];
  return text === undefined ? noWords : text.split(",").map((word) => word.trim());
}

function secondsOf(key: string, objects: readonly (KubeObject | undefined)[]): number | undefined {
  for (const object of objects) {
    const text = object?.metadata.annotations?.[key];
    if (text === undefined) continue;
    const seconds = Number(text);
    if (text.trim() !== "" && seconds >= 0 && seconds <= simulatedSecondsMax) return seconds * 1000;
  }
  return undefined;
}

/** True for a Node that the fleet called `fleet` has to drive. */
export function isDrivenBy(node: KubeObject, fleet: string): boolean {
  const annotations = node.metadata.annotations;
  if (annotations === undefined) return false;
  const isSimulated =
    annotations[annotationKeys.simulated] === "true" || annotations[annotationKeys.kwok] === "fake";
  return isSimulated && (annotations[annotationKeys.fleet] ?? "") === fleet;
}

/** The pod's own annotations win over its node's; words of both count. Words that nobody knows are passed over. */
export function podBehaviour(pod: KubeObject, node: KubeObject | undefined, defaults: Timings): PodBehaviour {
  const all = [...words(pod), ...words(node)];
  const troubles =
    all.length === 0 ? noTroubles : new Set(podTroubles.filter((trouble) => all.includes(trouble)));
  const from = [pod, node];
  return {
    timings: {
      pullMs: secondsOf(annotationKeys.pullSeconds, from) ?? defaults.pullMs,
      startMs: secondsOf(annotationKeys.startSeconds, from) ?? defaults.startMs,
      stopMs: secondsOf(annotationKeys.stopSeconds, from) ?? defaults.stopMs,
    },
    troubles,
    missingImages: from.flatMap((object) => words(object, annotationKeys.missingImages)),
  };
}

const noTroubles: ReadonlySet<never> = new Set();
const noWords: readonly never[] = [];

export function nodeTroublesOf(node: KubeObject): ReadonlySet<NodeTrouble> {
  const all = words(node);
  if (all.length === 0) return noTroubles;
  return new Set(nodeTroubles.filter((trouble) => all.includes(trouble)));
}

/**
 * What happens in one simulation, as data made from the seed before it begins: so that it can be printed, replayed and
 * made shorter. A step that makes no sense when its turn comes (a node that is gone) does nothing.
 * Not here: carrying it out (actor.ts).
 */
import { type Random, seededRandom } from "../../src/base/index.ts";
import type { Faults } from "../../src/testing/faulty-transport.ts";

export type Trouble =
  "never-ready" | "fails" | "crash-loop" | "image-pull-fails" | "ignores-termination" | "";

export type Step =
  | { readonly do: "image"; readonly set: number; readonly version: number; readonly trouble: Trouble }
  | { readonly do: "strategy"; readonly set: number; readonly strategy: object }
  | { readonly do: "maxUnreachable"; readonly set: number; readonly value: string | null }
  | { readonly do: "minReady"; readonly set: number; readonly seconds: number }
  | { readonly do: "where"; readonly set: number; readonly selector: Readonly<Record<string, string>> }
  /** Beside pods of which namespaces the pods would rather be: all, or nothing is said of it. */
  | { readonly do: "peers"; readonly set: number; readonly ofAllNamespaces: boolean }
  /** "" stands for every taint. */
  | { readonly do: "tolerate"; readonly set: number; readonly key: string | undefined }
  | { readonly do: "historyLimit"; readonly set: number; readonly limit: number }
  | {
      readonly do: "deleteSet";
      readonly set: number;
      readonly policy: "Background" | "Foreground" | "Orphan";
    }
  | { readonly do: "createSet"; readonly set: number; readonly version: number }
  | { readonly do: "label"; readonly node: number; readonly key: string; readonly value: string | null }
  | { readonly do: "taint"; readonly node: number; readonly effect: "NoSchedule" | "NoExecute" | undefined }
  | { readonly do: "silence"; readonly node: number; readonly isSilent: boolean }
  /** So many nodes fall silent together. */
  | { readonly do: "outage"; readonly nodes: number }
  | { readonly do: "deleteNode"; readonly node: number }
  | { readonly do: "joinNode"; readonly node: number }
  | { readonly do: "renewNode"; readonly node: number }
  | { readonly do: "deletePod"; readonly pick: number; readonly isForced: boolean }
  | { readonly do: "endPod"; readonly pick: number; readonly phase: "Failed" | "Succeeded" }
  | { readonly do: "strayLabel"; readonly pick: number }
  | { readonly do: "orphan"; readonly set: number; readonly node: number }
  | { readonly do: "deleteNamespace" }
  | { readonly do: "createNamespace" }
  | { readonly do: "crash"; readonly restartAfterMs: number }
  | { readonly do: "crashAtWrite"; readonly write: number; readonly isCarriedOut: boolean }
  | { readonly do: "restartApi" }
  /** A node joins and its pod is force-deleted, and so is another pod, while nobody tells the controller of pods. */
  | { readonly do: "gap"; readonly node: number; readonly pick: number }
  | { readonly do: "timeTravel"; readonly lagMs: number }
  | { readonly do: "wait" };

export type TimedStep = Step & { readonly afterMs: number };

export interface Script {
  readonly seed: number;
  readonly profile: ProfileName;
  readonly nodes: number;
  readonly placement: "scheduler" | "controller";
  readonly controllers: number;
  /** Most creates of one step; clusters are too small for the usual 250. */
  readonly burst: number;
  readonly faults: Faults;
  readonly otherFaults: Faults;
  readonly strategies: readonly object[];
  readonly maxUnreachable: readonly (string | null)[];
  readonly steps: readonly TimedStep[];
}

export interface Profile {
  readonly faults: Faults;
  readonly otherFaults?: Faults;
  readonly controllers?: number;
  readonly mishaps: readonly Step["do"][];
}

const slow: Faults = { delayMs: 200, eventDelayMs: 400 };
const rough: Faults = {
  delayMs: 60,
  eventDelayMs: 150,
  refuse: 0.06,
  conflict: 0.08,
  repeatEvent: 0.1,
  breakWatch: 0.4,
  silenceWatch: 0.05,
};

export type ProfileName = "calm" | "slow" | "rough" | "lossy" | "mortal" | "behind" | "elected" | "gap";

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  calm: { faults: {}, mishaps: [] },
  slow: { faults: slow, otherFaults: slow, mishaps: [] },
  rough: { faults: rough, otherFaults: { refuse: 0.03, delayMs: 30 }, mishaps: ["restartApi"] },
  lossy: { faults: { ...rough, loseRequest: 0.05, loseReply: 0.05 }, mishaps: ["restartApi"] },
  mortal: {
    faults: { delayMs: 50, eventDelayMs: 100 },
    mishaps: ["crash", "crashAtWrite", "crashAtWrite", "restartApi"],
  },
  behind: {
    faults: { delayMs: 20 },
    mishaps: ["timeTravel", "timeTravel", "crash", "crash", "crashAtWrite"],
  },
  elected: {
    faults: { delayMs: 50, eventDelayMs: 100, refuse: 0.02 },
    controllers: 2,
    mishaps: ["crash", "crashAtWrite"],
  },
  gap: { faults: { delayMs: 20 }, mishaps: ["gap", "gap"] },
};

const profileNames = Object.keys(profiles) as ProfileName[];

export const strategies: readonly object[] = [
  { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
  { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2, maxSurge: 0 } },
  { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "50%", maxSurge: 0 } },
  { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "100%", maxSurge: 0 } },
  { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
  { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "50%" } },
  { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 2 } },
  { type: "OnDelete" },
];

/** Values of the annotation that lets unreachable nodes be passed over. One of them cannot be parsed. */
const unreachables: readonly (string | null)[] = [null, null, null, "1", "1", "2", "50%", "100%", "many"];

const troubles: readonly Trouble[] = [
  "never-ready",
  "fails",
  "crash-loop",
  "image-pull-fails",
  "ignores-termination",
];
/** Chosen in proportion; mishaps of the profile come on top. */
const weights: readonly (readonly [Step["do"], number])[] = [
  ["image", 10],
  ["strategy", 4],
  ["minReady", 2],
  ["maxUnreachable", 2],
  ["where", 2],
  ["tolerate", 1],
  ["peers", 2],
  ["historyLimit", 1],
  ["deleteSet", 1],
  ["createSet", 2],
  ["label", 3],
  ["taint", 2],
  ["silence", 2],
  ["outage", 1],
  ["deleteNode", 1],
  ["joinNode", 2],
  ["renewNode", 1],
  ["deletePod", 3],
  ["endPod", 3],
  ["strayLabel", 1],
  ["orphan", 1],
  ["deleteNamespace", 0.4],
  ["createNamespace", 1],
  ["wait", 2],
];
/** Steps of one script; more make one run slower, not better. */
const stepsMin = 10;
const stepsMore = 8;

/** @param favours steps that there shall be more of. */
export function scriptOf(seed: number, only?: ProfileName, favours: readonly Step["do"][] = []): Script {
  const random = seededRandom(seed * 7919 + 17);
  const profile = only ?? profileNames[seed % profileNames.length]!;
  const { faults, mishaps, ...rest }: Profile = profiles[profile];
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const steps: TimedStep[] = [];
  const count = stepsMin + Math.floor(random.next() * stepsMore);
  const all: readonly (readonly [Step["do"], number])[] = [
    ...weights,
    ...mishaps.map((mishap) => [mishap, 4] as const),
    ...favours.map((step) => [step, 20] as const),
  ];
  for (let i = 0; i < count; i++) {
    const step = stepOf(weighted(all, random), random);
    steps.push({ ...step, afterMs: pauseMs(random, step) });
  }
  return {
    seed,
    profile,
    nodes: 3 + Math.floor(random.next() * 4),
    placement: random.next() < 0.7 ? "scheduler" : "controller",
    controllers: rest.controllers ?? 1,
    faults,
    otherFaults: rest.otherFaults ?? {},
    strategies: [pick(strategies), pick(strategies)],
    maxUnreachable: [pick(unreachables), pick(unreachables)],
    burst: pick([2, 3, 250]),
    steps,
  };
}

function weighted(list: readonly (readonly [Step["do"], number])[], random: Random): Step["do"] {
  let left = random.next() * list.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of list) {
    left -= weight;
    if (left <= 0) return name;
  }
  return "wait";
}

/** Mostly within a roll-out, now and then long enough for a silent node to be found out; after an outage always. */
function pauseMs(random: Random, step: Step): number {
  const dice = step.do === "outage" ? 1 : random.next();
  if (dice < 0.25) return Math.floor(random.next() * 300);
  if (dice < 0.9) return Math.floor(random.next() * 5_000);
  return 50_000 + Math.floor(random.next() * 40_000);
}

function stepOf(what: Step["do"], random: Random): Step {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const number = (below: number): number => Math.floor(random.next() * below);
  const set = number(2);
  const node = number(7);
  switch (what) {
    case "image":
      return { do: what, set, version: number(4), trouble: random.next() < 0.3 ? pick(troubles) : "" };
    case "strategy":
      return { do: what, set, strategy: pick(strategies) };
    case "maxUnreachable":
      return { do: what, set, value: pick(unreachables) };
    case "minReady":
      return { do: what, set, seconds: pick([0, 1, 3, 10]) };
    case "where":
      return { do: what, set, selector: pick([{}, {}, { agent: "yes" }, { zone: "a" }]) };
    case "tolerate":
      return { do: what, set, key: pick([undefined, "example.com/busy", ""]) };
    case "peers":
      return { do: what, set, ofAllNamespaces: random.next() < 0.5 };
    case "historyLimit":
      return { do: what, set, limit: pick([0, 1, 2, 10]) };
    case "deleteSet":
      return { do: what, set, policy: pick(["Background", "Foreground", "Orphan"] as const) };
    case "createSet":
      return { do: what, set, version: number(4) };
    case "label":
      return {
        do: what,
        node,
        ...pick([
          { key: "agent", value: "yes" },
          { key: "agent", value: null },
          { key: "zone", value: "a" },
          { key: "zone", value: "b" },
        ]),
      };
    case "taint":
      return { do: what, node, effect: pick(["NoSchedule", "NoExecute", undefined, undefined] as const) };
    case "silence":
      return { do: what, node, isSilent: random.next() < 0.6 };
    case "outage":
      return { do: what, nodes: 1 + number(3) };
    case "deletePod":
      return { do: what, pick: number(100), isForced: random.next() < 0.3 };
    case "endPod":
      return { do: what, pick: number(100), phase: pick(["Failed", "Failed", "Succeeded"] as const) };
    case "strayLabel":
      return { do: what, pick: number(100) };
    case "orphan":
      return { do: what, set, node };
    case "crash":
      return { do: what, restartAfterMs: pick([0, 100, 5_000]) };
    case "crashAtWrite":
      return { do: what, write: 1 + number(5), isCarriedOut: random.next() < 0.5 };
    case "timeTravel":
      return { do: what, lagMs: pick([0, 500, 2_000, 8_000, 8_000]) };
    case "gap":
      return { do: what, node, pick: number(100) };
    case "deleteNode":
    case "joinNode":
    case "renewNode":
      return { do: what, node };
    case "deleteNamespace":
    case "createNamespace":
    case "restartApi":
    case "wait":
      return { do: what };
  }
}

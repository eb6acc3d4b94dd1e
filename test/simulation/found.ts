/**
 * Scripts at which something was found once, by a seed or by a person, as short as they could be made. They are written out,
 * because a seed makes another script as soon as there is one kind of step more.
 */
import { profiles, type ProfileName, type Script, type Step, type TimedStep } from "./script.ts";

export interface Found {
  readonly what: string;
  readonly script: Script;
}

const rolling = (maxUnavailable: number | string, maxSurge: number): object => ({
  type: "RollingUpdate",
  rollingUpdate: { maxUnavailable, maxSurge },
});

function scriptOf(
  seed: number,
  profile: ProfileName,
  rest: Pick<Script, "nodes" | "strategies" | "steps"> & Partial<Script>,
): Script {
  const { faults, otherFaults = {} } = profiles[profile];
  return {
    seed,
    profile,
    faults,
    otherFaults,
    placement: "scheduler",
    controllers: 1,
    burst: 250,
    maxUnreachable: [null, null],
    ...rest,
  };
}

function then(afterMs: number, step: Step): TimedStep {
  return { ...step, afterMs };
}

export const found: readonly Found[] = [
  {
    what: "a pod is gone, and a create that is repeated gives its name to another one",
    script: scriptOf(710_181, "lossy", {
      nodes: 3,
      placement: "controller",
      strategies: [rolling("100%", 0), rolling(0, 1)],
      maxUnreachable: ["100%", "1"],
      steps: [then(1_169, { do: "deleteNode", node: 1 })],
    }),
  },
  {
    what: "a pod that waits for a node that gets a taint does not hold up the roll-out",
    script: scriptOf(711_363, "rough", {
      nodes: 6,
      strategies: [rolling(0, 1), rolling("50%", 0)],
      maxUnreachable: [null, "2"],
      steps: [
        then(2_035, { do: "historyLimit", set: 0, limit: 10 }),
        then(4_051, { do: "joinNode", node: 4 }),
        then(1_233, { do: "restartApi" }),
        then(56, { do: "deleteNode", node: 4 }),
        then(223, { do: "strategy", set: 1, strategy: rolling(0, 1) }),
        then(68_557, { do: "strategy", set: 1, strategy: rolling(1, 0) }),
        then(3_954, { do: "taint", node: 3, effect: "NoSchedule" }),
      ],
    }),
  },
];

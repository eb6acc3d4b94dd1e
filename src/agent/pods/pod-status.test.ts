/** Statuses of pods at every stage. */
import { expect, test } from "vitest";
import type { Pod } from "../../api/index.ts";
import type { ContainerKey } from "../runtime/pod-runtime.ts";
import { crashDelayMs } from "./back-off.ts";
import { podStatus, type Stage } from "./pod-status.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-x", namespace: "default", uid: "u1" },
  spec: {
    nodeName: "n1",
    initContainers: [{ name: "init", image: "busybox:1" }],
    containers: [{ name: "web", image: "httpd:2.4" }],
  },
  status: {
    phase: "Pending",
    qosClass: "BestEffort",
    conditions: [{ type: "PodScheduled", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }],
  },
};

const facts = {
  nowMs: Date.UTC(2026, 0, 1, 0, 0, 10),
  acceptedMs: Date.UTC(2026, 0, 1, 0, 0, 1),
  startedMs: Date.UTC(2026, 0, 1, 0, 0, 5),
  lastExit: { exitCode: 1, finishedMs: Date.UTC(2026, 0, 1, 0, 0, 9) },
  restarts: 0,
  isReady: true,
  failure: {
    reason: "ErrImagePull",
    container: "web",
    text: "no such host",
    images: new Map([["httpd:2.4", "no such host"]]),
  },
  hostIP: "172.16.0.2",
  podIP: "10.244.0.2",
  runtime: {
    containerID: ({ uid, name, attempt }: ContainerKey) => `test://${uid}/${name}/${attempt}`,
    imageID: (_: string, image: string) => `${image}@sha256:0`,
  },
} as const;

interface Expected {
  readonly phase: string;
  readonly ready: string;
  readonly reason: string | undefined;
  readonly init: "waiting" | "terminated";
  readonly podIP: string | undefined;
}

const table: Readonly<Record<Stage, Expected>> = {
  starting: {
    phase: "Pending",
    ready: "False",
    reason: "PodInitializing",
    init: "waiting",
    podIP: undefined,
  },
  "pull-failed": {
    phase: "Pending",
    ready: "False",
    reason: "ErrImagePull",
    init: "waiting",
    podIP: undefined,
  },
  "pull-back-off": {
    phase: "Pending",
    ready: "False",
    reason: "ImagePullBackOff",
    init: "waiting",
    podIP: undefined,
  },
  "start-failed": {
    phase: "Pending",
    ready: "False",
    reason: "ErrImagePull",
    init: "waiting",
    podIP: undefined,
  },
  running: { phase: "Running", ready: "True", reason: undefined, init: "terminated", podIP: "10.244.0.2" },
  crashed: {
    phase: "Running",
    ready: "False",
    reason: "CrashLoopBackOff",
    init: "terminated",
    podIP: "10.244.0.2",
  },
  failed: { phase: "Failed", ready: "False", reason: "Error", init: "terminated", podIP: undefined },
  stopped: { phase: "Pending", ready: "False", reason: "Error", init: "terminated", podIP: "10.244.0.2" },
};

test.each(Object.entries(table) as [Stage, Expected][])("stage %s", (stage, expected) => {
  const status = podStatus({ ...facts, stage }, pod);
  const [container] = status.containerStatuses ?? [];
  const state = container?.state;
  expect({
    phase: status.phase,
    ready: status.conditions?.find(({ type }) => type === "Ready")?.status,
    reason: state?.waiting?.reason ?? state?.terminated?.reason,
    init: Object.keys(status.initContainerStatuses?.[0]?.state ?? {})[0],
    podIP: status.podIP,
  }).toEqual(expected);
  expect(status.qosClass).toBe("BestEffort");
  expect(status.conditions?.find(({ type }) => type === "PodScheduled")?.lastTransitionTime).toBe(
    "2026-01-01T00:00:00Z",
  );
});

test("a pod on the host's network has the host's address", () => {
  const status = podStatus(
    { ...facts, stage: "running" },
    { ...pod, spec: { ...pod.spec, hostNetwork: true } },
  );
  expect(status.podIP).toBe("172.16.0.2");
});

test("crashed containers wait 0, 10, 20, 40 s and never more than five minutes", () => {
  expect([0, 1, 2, 3, 5, 6, 50].map(crashDelayMs)).toEqual([
    0, 10_000, 20_000, 40_000, 160_000, 300_000, 300_000,
  ]);
});

test("a container runs beside one whose image cannot be pulled", () => {
  const two: Pod = {
    ...pod,
    spec: {
      containers: [
        { name: "web", image: "httpd:2.4" },
        { name: "side", image: "side:1" },
      ],
    },
  };
  const { containerStatuses, conditions, phase } = podStatus({ ...facts, stage: "pull-back-off" }, two);
  expect(containerStatuses?.map(({ ready, state }) => [ready, Object.keys(state ?? {})[0]])).toEqual([
    [false, "waiting"],
    [true, "running"],
  ]);
  expect(conditions?.find(({ type }) => type === "Ready")?.message).toBe(
    "containers with unready status: [web]",
  );
  expect(phase).toBe("Pending");
});

/** Statuses of simulated pods at every stage, and the annotations that steer them. */
import { expect, test } from "vitest";
import type { Pod } from "../../api/index.ts";
import { annotationKeys, defaultTimings, isDrivenBy, podBehaviour } from "./behaviour.ts";
import { indexOfPodCidr, nodeObject, nodeStatus, podCidrOf, podIpOf } from "./node-status.ts";
import { crashDelayMs, podStatus, pullErrorOf, type Stage } from "./pod-status.ts";

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
  finishedMs: Date.UTC(2026, 0, 1, 0, 0, 9),
  restarts: 0,
  isReady: true,
  badImages: new Set(["httpd:2.4"]),
  exitCode: 1,
  hostIP: "172.16.0.2",
  podIP: "10.244.0.2",
};

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
  const status = podStatus(stage, facts, pod);
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
  const status = podStatus("running", facts, { ...pod, spec: { ...pod.spec, hostNetwork: true } });
  expect(status.podIP).toBe("172.16.0.2");
});

test("images from hosts that end in .invalid cannot be pulled", () => {
  expect(pullErrorOf("registry.invalid/web:1")).toContain("lookup registry.invalid: no such host");
  expect(pullErrorOf("registry.invalid:5000/web:1")).toBeDefined();
  expect(pullErrorOf("httpd:2.4")).toBeUndefined();
  expect(pullErrorOf("example.test/invalid:1")).toBeUndefined();
});

test("crashed containers wait 0, 10, 20, 40 s and never more than five minutes", () => {
  expect([0, 1, 2, 3, 5, 6, 50].map(crashDelayMs)).toEqual([
    0, 10_000, 20_000, 40_000, 160_000, 300_000, 300_000,
  ]);
});

test("the pod's annotations win over its node's, troubles of both count, nonsense is passed over", () => {
  const node = {
    metadata: {
      annotations: {
        [annotationKeys.startSeconds]: "9",
        [annotationKeys.stopSeconds]: "3",
        [annotationKeys.simulate]: "never-ready",
      },
    },
  };
  const tired = {
    metadata: {
      annotations: {
        [annotationKeys.startSeconds]: "2",
        [annotationKeys.pullSeconds]: "soon",
        [annotationKeys.simulate]: "crash-loop, nonsense",
      },
    },
  };
  const { timings, troubles } = podBehaviour(tired, node, defaultTimings);
  expect(timings).toEqual({ pullMs: 400, startMs: 2_000, stopMs: 3_000 });
  expect([...troubles].sort()).toEqual(["crash-loop", "never-ready"]);
});

test("a fleet drives the nodes that bear its name, marked by us or by kwok", () => {
  const node = (annotations: Record<string, string>) => ({ metadata: { annotations } });
  expect(isDrivenBy(node({ "lares.dev/simulated": "true" }), "")).toBe(true);
  expect(isDrivenBy(node({ "kwok.x-k8s.io/node": "fake" }), "")).toBe(true);
  expect(isDrivenBy(node({ "lares.dev/simulated": "true", "lares.dev/fleet": "b" }), "")).toBe(false);
  expect(isDrivenBy(node({ "lares.dev/simulated": "true", "lares.dev/fleet": "b" }), "b")).toBe(true);
  expect(isDrivenBy(node({}), "")).toBe(false);
});

test("networks of nodes are distinct and lead back to the index", () => {
  const seen = new Set<string>();
  for (let index = 0; index < 20_000; index++) {
    const cidr = podCidrOf(index);
    seen.add(cidr);
    expect(indexOfPodCidr(cidr)).toBe(index);
  }
  expect(seen.size).toBe(20_000);
  expect(podCidrOf(0)).toBe("10.244.0.0/24");
  expect(podIpOf(0, 0)).toBe("10.244.0.2");
  expect(indexOfPodCidr("192.168.0.0/24")).toBeUndefined();
});

test("conditions keep their transition time until their status changes", () => {
  const node = nodeObject({ name: "n1", role: "control-plane" });
  const at = (nowMs: number, troubles: readonly "not-ready"[], before?: ReturnType<typeof nodeStatus>) =>
    nodeStatus({
      name: "n1",
      uid: "u",
      index: 0,
      nowMs,
      kubeletVersion: "v1",
      troubles: new Set(troubles),
      images: [],
      ...(before ? { before } : {}),
    });
  const ready = (status: ReturnType<typeof nodeStatus>) =>
    status.conditions!.find(({ type }) => type === "Ready")!;
  const first = at(0, []);
  const second = at(60_000, [], first);
  const third = at(120_000, ["not-ready"], second);
  expect(ready(second).lastTransitionTime).toBe(ready(first).lastTransitionTime);
  expect(ready(second).lastHeartbeatTime).not.toBe(ready(first).lastHeartbeatTime);
  expect(ready(third)).toMatchObject({ status: "False", lastTransitionTime: ready(third).lastHeartbeatTime });
  expect(node.spec?.taints).toEqual([{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }]);
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
  const { containerStatuses, conditions, phase } = podStatus("pull-back-off", facts, two);
  expect(containerStatuses?.map(({ ready, state }) => [ready, Object.keys(state ?? {})[0]])).toEqual([
    [false, "waiting"],
    [true, "running"],
  ]);
  expect(conditions?.find(({ type }) => type === "Ready")?.message).toBe(
    "containers with unready status: [web]",
  );
  expect(phase).toBe("Pending");
});

/** What a node says of itself. */
import { expect, test } from "vitest";
import type { NodeStatus } from "../../api/index.ts";
import { nodeStatus } from "./node-status.ts";

const machine = {
  capacity: { cpu: "4" },
  allocatable: { cpu: "3" },
  system: {
    bootID: "b",
    kernelVersion: "6",
    machineID: "m",
    osImage: "os",
    systemUUID: "s",
  },
} as const;

test("conditions keep their transition time until their status changes", () => {
  const at = (nowMs: number, runtimeTrouble?: string, before?: NodeStatus): NodeStatus =>
    nodeStatus({
      name: "n1",
      hostIP: "172.16.0.2",
      nowMs,
      kubeletVersion: "v1",
      platform: { architecture: "amd64", operatingSystem: "linux" },
      machine,
      pressures: new Set(),
      runtimeVersion: "test://1",
      runtimeTrouble,
      images: [],
      before,
    });
  const ready = (status: NodeStatus) => status.conditions!.find(({ type }) => type === "Ready")!;
  const first = at(0);
  const second = at(60_000, undefined, first);
  const third = at(120_000, "down", second);
  expect(ready(second).lastTransitionTime).toBe(ready(first).lastTransitionTime);
  expect(ready(second).lastHeartbeatTime).not.toBe(ready(first).lastHeartbeatTime);
  expect(ready(third)).toMatchObject({ status: "False", lastTransitionTime: ready(third).lastHeartbeatTime });
});

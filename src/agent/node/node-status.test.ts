/** Status of a simulated machine. */
import { expect, test } from "vitest";
import { nodeObject, nodeStatus } from "./node-status.ts";

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

/** Addresses and status of a simulated machine. */
import { expect, test } from "vitest";
import { indexOfPodCidr, nodeObject, nodeStatus, podCidrOf, podIpOf } from "./node-status.ts";

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

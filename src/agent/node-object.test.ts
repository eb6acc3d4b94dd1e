/** The object with which a simulated node registers. */
import { expect, test } from "vitest";
import { nodeObject } from "./node-object.ts";

test("a control-plane node keeps ordinary pods away; a fleet's name is written down", () => {
  const node = nodeObject({ name: "n1", role: "control-plane", fleet: "b", labels: { zone: "a" } });
  expect(node.spec?.taints).toEqual([{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }]);
  expect(node.metadata.annotations).toEqual({ "lares.dev/simulated": "true", "lares.dev/fleet": "b" });
  expect(node.metadata.labels).toMatchObject({ zone: "a", "kubernetes.io/hostname": "n1" });
  expect(nodeObject({ name: "n2" }).spec).toEqual({});
});

/** LimitRanges: what an item for containers fills in. */
import { expect, test } from "vitest";
import { decoded, metadata } from "../../testing/kind-fixtures.ts";
import type { LimitRange } from "../generated/types.gen.ts";

test("default follows max, and requests follow default, then min; items for pods stay", () => {
  const container = {
    type: "Container",
    max: { cpu: "4", memory: "1Gi" },
    default: { cpu: "2" },
    min: { cpu: "1", storage: "1Gi" },
  };
  const pod = { type: "Pod", max: { cpu: "4" } };
  const object = decoded<LimitRange>("core.v1.LimitRange", { metadata, spec: { limits: [container, pod] } });
  expect(object.spec.limits).toEqual([
    {
      ...container,
      default: { cpu: "2", memory: "1Gi" },
      defaultRequest: { cpu: "2", memory: "1Gi", storage: "1Gi" },
    },
    pod,
  ]);
});

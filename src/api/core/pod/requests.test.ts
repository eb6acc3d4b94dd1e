/** Sums of requests, and quality of service. */
import { describe, expect, test } from "vitest";
import type { Container, PodSpec } from "../../generated/types.gen.ts";
import { podRequests, qosClass } from "./requests.ts";

function container(
  requests: Record<string, string>,
  limits: Record<string, string> = {},
  restartPolicy?: string,
): Container {
  return {
    name: "c",
    resources: { requests, limits },
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  };
}

describe("requests", () => {
  test.each<[string, Partial<PodSpec>, Record<string, string>]>([
    [
      "sum of containers",
      { containers: [container({ cpu: "100m" }), container({ cpu: "1", memory: "1Gi" })] },
      { cpu: "1100m", memory: "1Gi" },
    ],
    [
      "largest init container",
      {
        containers: [container({ cpu: "1" })],
        initContainers: [container({ cpu: "3" }), container({ cpu: "2" })],
      },
      { cpu: "3" },
    ],
    [
      "sidecars count with both",
      {
        containers: [container({ cpu: "1" })],
        initContainers: [container({ cpu: "1" }, {}, "Always"), container({ cpu: "3" })],
      },
      { cpu: "4" },
    ],
    [
      "overhead comes on top",
      { containers: [container({ cpu: "1" })], overhead: { cpu: "250m" } },
      { cpu: "1250m" },
    ],
    [
      "the pod's own requests take their place",
      { containers: [container({ cpu: "1" })], resources: { requests: { cpu: "2" } } },
      { cpu: "2" },
    ],
  ])("%s", (_name, spec, expected) => {
    expect(podRequests({ containers: [], ...spec })).toEqual(expected);
  });
});

test.each<[string, Container[], string]>([
  ["BestEffort", [container({})], "nothing"],
  ["BestEffort", [container({ cpu: "0" })], "zero"],
  ["Burstable", [container({ cpu: "1" })], "requests only"],
  [
    "Burstable",
    [container({ cpu: "1", memory: "1" }, { cpu: "1", memory: "1" }), container({})],
    "one without",
  ],
  ["Guaranteed", [container({ cpu: "1", memory: "1Gi" }, { cpu: "1000m", memory: "1024Mi" })], "equal"],
  ["Burstable", [container({ cpu: "1" }, { cpu: "1" })], "no memory"],
])("qosClass %s for %j", (expected, containers) => {
  expect(qosClass({ containers })).toBe(expected);
});

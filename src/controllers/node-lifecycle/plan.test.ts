/** Taints and conditions of a node, and how long pods may stay: tables. */
import { describe, expect, test } from "vitest";
import type { Node, Taint, Toleration } from "../../api/index.ts";
import { makeNode, makePod } from "../../testing/cluster-objects.ts";
import { noExecuteTaints, stayMs } from "./eviction-plan.ts";
import { readinessOf, silentConditions, wantedTaints } from "./plan.ts";

const now = "2026-01-01T01:00:00Z";
const notReady = "node.kubernetes.io/not-ready";
const unreachable = "node.kubernetes.io/unreachable";

function node(
  conditions: Record<string, string>,
  taints: readonly string[] = [],
  unschedulable?: boolean,
): Node {
  return makeNode("n", {
    spec: { taints: taints.map(toTaint), ...(unschedulable ? { unschedulable } : {}) },
    status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
  });
}
function toTaint(text: string): Taint {
  const [key = "", effect = ""] = text.split(":");
  return { key, effect };
}
const textsOf = (taints: readonly Taint[] | undefined): string[] | undefined =>
  taints?.map(({ key, effect }) => `${key}:${effect}`);

describe("taints follow conditions and cordon", () => {
  test.each<[name: string, node: Node, mayEvict: boolean, taints: string[] | undefined]>([
    ["ready, nothing to do", node({ Ready: "True" }), true, undefined],
    [
      "ready again: ours go, others stay",
      node({ Ready: "True" }, [`${notReady}:NoSchedule`, "mine:NoSchedule", `${unreachable}:NoExecute`]),
      true,
      ["mine:NoSchedule"],
    ],
    ["not ready", node({ Ready: "False" }), false, [`${notReady}:NoSchedule`]],
    [
      "not ready, its turn",
      node({ Ready: "False" }, [`${notReady}:NoSchedule`]),
      true,
      [`${notReady}:NoSchedule`, `${notReady}:NoExecute`],
    ],
    [
      "silent after not ready: one for the other",
      node({ Ready: "Unknown" }, [`${notReady}:NoSchedule`, `${notReady}:NoExecute`]),
      true,
      [`${unreachable}:NoSchedule`, `${unreachable}:NoExecute`],
    ],
    [
      "blind: NoExecute goes, NoSchedule stays",
      node({ Ready: "Unknown" }, [`${unreachable}:NoSchedule`, `${unreachable}:NoExecute`]),
      false,
      [`${unreachable}:NoSchedule`],
    ],
    ["cordoned", node({ Ready: "True" }, [], true), true, ["node.kubernetes.io/unschedulable:NoSchedule"]],
    ["uncordoned", node({ Ready: "True" }, ["node.kubernetes.io/unschedulable:NoSchedule"]), true, []],
    [
      "pressures and network",
      node({
        Ready: "True",
        MemoryPressure: "True",
        DiskPressure: "True",
        PIDPressure: "True",
        NetworkUnavailable: "True",
      }),
      true,
      ["memory-pressure", "disk-pressure", "pid-pressure", "network-unavailable"].map(
        (key) => `node.kubernetes.io/${key}:NoSchedule`,
      ),
    ],
    ["pressure Unknown is no pressure", node({ Ready: "True", MemoryPressure: "Unknown" }), true, undefined],
    ["registered, has not reported yet", node({}, [`${notReady}:NoSchedule`]), true, undefined],
    ["reported ready for the first time", node({ Ready: "True" }, [`${notReady}:NoSchedule`]), true, []],
    [
      "a NoExecute taint of somebody else stays",
      node({ Ready: "True" }, ["maintenance:NoExecute"]),
      false,
      undefined,
    ],
  ])("%s", (_name, given, mayEvict, taints) => {
    expect(textsOf(wantedTaints(given, now, mayEvict))).toEqual(taints);
  });

  test("new taints carry the time", () => {
    expect(wantedTaints(node({ Ready: "False" }), now, false)).toEqual([
      { key: notReady, effect: "NoSchedule", timeAdded: now },
    ]);
  });
});

describe("a silent node", () => {
  test("its conditions become Unknown, with the last heartbeat kept", () => {
    const conditions = silentConditions(makeNode("n"), now);
    expect(conditions.map(({ type }) => type)).toEqual([
      "Ready",
      "MemoryPressure",
      "DiskPressure",
      "PIDPressure",
    ]);
    expect(conditions[0]).toEqual({
      type: "Ready",
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
      lastHeartbeatTime: "2026-01-01T00:00:00Z",
      lastTransitionTime: now,
    });
    expect(conditions[1]).toMatchObject({
      reason: "NodeStatusNeverUpdated",
      message: "Kubelet never posted node status.",
    });
  });
  test("is marked once", () => {
    const marked = makeNode("n", { status: { conditions: silentConditions(makeNode("n"), now) } });
    expect(silentConditions(marked, "2026-01-01T02:00:00Z")).toEqual([]);
  });
  test("readiness", () => {
    expect(
      [{}, { Ready: "True" }, { Ready: "False" }, { Ready: "Unknown" }].map((conditions) =>
        readinessOf(node(conditions as Record<string, string>)),
      ),
    ).toEqual(["never-said", "True", "False", "Unknown"]);
  });
});

describe("how long a pod may stay", () => {
  const stay = (tolerations: readonly Toleration[], taints: readonly string[]): number | undefined =>
    stayMs(makePod("p", { spec: { tolerations } }), noExecuteTaints(node({}, taints)));
  test.each<[name: string, tolerations: Toleration[], taints: string[], ms: number | undefined]>([
    ["no taints", [], [], Infinity],
    ["NoSchedule does not evict", [], ["k:NoSchedule"], Infinity],
    ["not tolerated", [], ["k:NoExecute"], undefined],
    ["tolerated for ever", [{ operator: "Exists" }], ["k:NoExecute"], Infinity],
    ["for a while", [{ key: "k", operator: "Exists", tolerationSeconds: 300 }], ["k:NoExecute"], 300_000],
    [
      "of tolerations that cover one taint the first counts",
      [
        { key: "k", operator: "Exists", tolerationSeconds: 300 },
        { operator: "Exists", tolerationSeconds: 5 },
      ],
      ["k:NoExecute"],
      300_000,
    ],
    [
      "of two taints the shorter time counts",
      [
        { key: "k", operator: "Exists", tolerationSeconds: 300 },
        { operator: "Exists", tolerationSeconds: 5 },
      ],
      ["k:NoExecute", "j:NoExecute"],
      5_000,
    ],
    [
      "for ever, if the first that covers it says so",
      [{ operator: "Exists" }, { key: "k", operator: "Exists", tolerationSeconds: 5 }],
      ["k:NoExecute"],
      Infinity,
    ],
    [
      "one of two not tolerated",
      [{ key: "k", operator: "Exists", tolerationSeconds: 5 }],
      ["k:NoExecute", "j:NoExecute"],
      undefined,
    ],
    ["negative is at once", [{ key: "k", operator: "Exists", tolerationSeconds: -1 }], ["k:NoExecute"], 0],
    [
      "a toleration that is not used does not count",
      [
        { key: "k", operator: "Exists" },
        { key: "j", operator: "Exists", tolerationSeconds: 1 },
      ],
      ["k:NoExecute"],
      Infinity,
    ],
  ])("%s", (_name, tolerations, taints, ms) => {
    expect(stay(tolerations, taints)).toBe(ms);
  });
});

/**
 * TaintNodesByCondition: a new node is born with the not-ready taint, so that no pod comes before the node life cycle
 * controller has seen it ready. Only for clusters where that controller runs: nobody else takes the taint off.
 * Upstream: kubernetes v1.35, plugin/pkg/admission/nodetaint.
 */
import { type Node, nodes } from "../../api/index.ts";
import type { Draft } from "../../machinery/index.ts";
import type { AdmissionPlugin } from "../admission/chain.ts";

const notReadyTaint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" } as const;

export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  handles: { operations: ["CREATE"], resources: [nodes] },
  admit({ object }) {
    const { spec } = object as Draft<Node>;
    spec.taints ??= [];
    const hasTaint = spec.taints.some(
      ({ key, effect }) => key === notReadyTaint.key && effect === notReadyTaint.effect,
    );
    if (!hasTaint) spec.taints.push({ ...notReadyTaint });
  },
};

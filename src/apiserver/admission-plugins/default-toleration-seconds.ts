/**
 * DefaultTolerationSeconds: a pod that says nothing of nodes that are not ready or unreachable stays on one for 300 s.
 * Not here: who evicts it then (the taint eviction controller).
 * Upstream: kubernetes v1.35, plugin/pkg/admission/defaulttolerationseconds.
 */
import { type Pod, pods } from "../../api/index.ts";
import type { Draft } from "../../machinery/index.ts";
import type { AdmissionPlugin } from "../admission/chain.ts";

/** Upstream's default-not-ready-toleration-seconds and default-unreachable-toleration-seconds. */
const tolerationSeconds = 300;
const taintKeys = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  handles: { operations: ["CREATE", "UPDATE"], resources: [pods] },
  admit({ object }) {
    const { spec } = object as Partial<Draft<Pod>>;
    if (spec === undefined) return;
    const given = spec.tolerations ?? [];
    const added = taintKeys
      .filter(
        (taint) =>
          !given.some(({ key, effect }) => (!key || key === taint) && (!effect || effect === "NoExecute")),
      )
      .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds }));
    if (added.length > 0) spec.tolerations = [...given, ...added];
  },
};

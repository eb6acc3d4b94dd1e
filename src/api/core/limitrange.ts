/**
 * LimitRanges. They are stored; no controller and no admission of ours acts on them.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go, SetDefaults_LimitRangeItem.
 */
import type { Draft, Resource } from "../../machinery/index.ts";
import type { LimitRange } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const limitranges: Resource<LimitRange> = {
  group: "",
  version: "v1",
  resource: "limitranges",
  kind: "LimitRange",
  namespaced: true,
};

export const limitRangeKind: Kind = defineKind({
  resource: limitranges,
  schema: "core.v1.LimitRange",
  shortNames: ["limits"],
  allowsCreateOnUpdate: true,
  unactedWarning: unacted("LimitRanges", "no pod is limited"),
  rules: { setDefaults: setLimitRangeDefaults },
});

/** Of items for containers: `default` follows max; `defaultRequest` follows `default`, then min. */
function setLimitRangeDefaults(object: Draft<LimitRange>): void {
  for (const item of object.spec?.limits ?? []) {
    if (item.type !== "Container") continue;
    const limits = (item.default ??= {});
    const requests = (item.defaultRequest ??= {});
    for (const [name, quantity] of Object.entries(item.max ?? {})) limits[name] ??= quantity;
    for (const [name, quantity] of Object.entries(limits)) requests[name] ??= quantity;
    for (const [name, quantity] of Object.entries(item.min ?? {})) requests[name] ??= quantity;
  }
}

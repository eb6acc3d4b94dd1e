/**
 * ResourceQuotas. They are stored; nothing in this cluster counts or refuses by them.
 */
import type { Resource } from "../../machinery/index.ts";
import type { ResourceQuota } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const resourcequotas: Resource<ResourceQuota> = {
  group: "",
  version: "v1",
  resource: "resourcequotas",
  kind: "ResourceQuota",
  namespaced: true,
};

export const resourceQuotaKind: Kind = defineKind({
  resource: resourcequotas,
  schema: "core.v1.ResourceQuota",
  shortNames: ["quota"],
  hasStatus: true,
  deleteReturnsObject: true,
  unactedWarning: unacted("ResourceQuotas", "no quota is enforced"),
  rules: {
    prepareForCreate(object) {
      object.status = {};
    },
  },
});

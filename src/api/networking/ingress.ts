/**
 * Ingresses. They are stored; no controller of ours routes traffic by them.
 */
import type { Resource } from "../../machinery/index.ts";
import type { Ingress } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const ingresses: Resource<Ingress> = {
  group: "networking.k8s.io",
  version: "v1",
  resource: "ingresses",
  kind: "Ingress",
  namespaced: true,
};

export const ingressKind: Kind = defineKind({
  resource: ingresses,
  schema: "networking.v1.Ingress",
  shortNames: ["ing"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("Ingresses", "no traffic is routed"),
  rules: {
    warnings: ({ metadata }) =>
      metadata.annotations?.["kubernetes.io/ingress.class"] === undefined
        ? []
        : [
            `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
          ],
    prepareForCreate(object) {
      object.status = { loadBalancer: {} };
    },
  },
});

/**
 * Endpoints. They are stored for clients that write them themselves: no controller of ours fills them.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go, SetDefaults_Endpoints.
 */
import type { Draft, Resource } from "../../machinery/index.ts";
import type { Endpoints } from "../generated/types.gen.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const endpoints: Resource<Endpoints> = {
  group: "",
  version: "v1",
  resource: "endpoints",
  kind: "Endpoints",
  namespaced: true,
};

export const endpointsKind: Kind = defineKind({
  resource: endpoints,
  schema: "core.v1.Endpoints",
  shortNames: ["ep"],
  allowsCreateOnUpdate: true,
  rules: { setDefaults: setEndpointsDefaults },
});

function setEndpointsDefaults(object: Draft<Endpoints>): void {
  for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= "TCP";
}

/**
 * Bindings: a body that is posted and never stored. It names the node of a pod.
 * Not here: what the server does with one (apiserver).
 */
import type { Resource } from "../../machinery/index.ts";
import type { Binding } from "../generated/types.gen.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const bindings: Resource<Binding> = {
  group: "",
  version: "v1",
  resource: "bindings",
  kind: "Binding",
  namespaced: true,
};

export const bindingKind: Kind = defineKind({
  resource: bindings,
  schema: "core.v1.Binding",
  verbs: ["create"],
});

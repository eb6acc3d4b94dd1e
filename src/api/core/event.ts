/**
 * Events of the core group. Not here: the row, which events.k8s.io shares (parts/event.ts).
 * Upstream: kubernetes v1.35, pkg/registry/core/event/strategy.go, pkg/apis/core/validation/events.go.
 */
import { invalidValue } from "../../machinery/index.ts";
import type { Event } from "../generated/types.gen.ts";
import type { Errors } from "../parts/checks.ts";
import { defineKind } from "../parts/define-kind.ts";
import { events, eventTable } from "../parts/event.ts";
import type { Kind } from "../parts/kinds.ts";

/** The resource stands where the kind of events.k8s.io finds it too. */
export { events };

export const eventKind: Kind = defineKind({
  resource: events,
  schema: "core.v1.Event",
  shortNames: ["ev"],
  allowsCreateOnUpdate: true,
  rules: {
    ownsNothing: true,
    validate: validateEvent,
    validateUpdate: validateEvent,
    selectableFields: {
      "involvedObject.kind": (event) => event.involvedObject.kind ?? "",
      "involvedObject.namespace": (event) => event.involvedObject.namespace ?? "",
      "involvedObject.name": (event) => event.involvedObject.name ?? "",
      "involvedObject.uid": (event) => event.involvedObject.uid ?? "",
      "involvedObject.apiVersion": (event) => event.involvedObject.apiVersion ?? "",
      "involvedObject.resourceVersion": (event) => event.involvedObject.resourceVersion ?? "",
      "involvedObject.fieldPath": (event) => event.involvedObject.fieldPath ?? "",
      reason: (event) => event.reason ?? "",
      reportingComponent: (event) => event.reportingComponent ?? "",
      source: (event) => event.source?.component || event.reportingComponent || "",
      type: (event) => event.type ?? "",
    },
  },
  table: eventTable,
});

/** An event stands in the namespace of its object; an event of a cluster-wide object stands in `default`. */
function validateEvent(event: Event): Errors {
  const about = event.involvedObject.namespace ?? "";
  const own = event.metadata.namespace ?? "";
  const isRight = about === "" ? own === "" || own === "default" : about === own;
  return isRight ? [] : [invalidValue("involvedObject.namespace", about, "does not match event.namespace")];
}

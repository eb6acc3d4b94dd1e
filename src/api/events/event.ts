/**
 * Events of the group events.k8s.io: the stored core events under newer field names.
 * Not here: how one shape is made from the other when they are read and written (apiserver).
 */
import type { Resource } from "../../machinery/index.ts";
import type { Event, EventsV1Event } from "../generated/types.gen.ts";
import { defineKind } from "../parts/define-kind.ts";
import { events, eventTable } from "../parts/event.ts";
import type { Kind } from "../parts/kinds.ts";

export const eventsV1: Resource<EventsV1Event> = {
  group: "events.k8s.io",
  version: "v1",
  resource: "events",
  kind: "Event",
  namespaced: true,
};

export const eventsV1Kind: Kind = defineKind({
  resource: eventsV1,
  schema: "events.v1.Event",
  shortNames: ["ev"],
  allowsCreateOnUpdate: true,
  storedAs: events,
  rules: {
    selectableFields: {
      "regarding.kind": ({ regarding }) => regarding?.kind ?? "",
      "regarding.namespace": ({ regarding }) => regarding?.namespace ?? "",
      "regarding.name": ({ regarding }) => regarding?.name ?? "",
      "regarding.uid": ({ regarding }) => regarding?.uid ?? "",
      "regarding.apiVersion": ({ regarding }) => regarding?.apiVersion ?? "",
      "regarding.resourceVersion": ({ regarding }) => regarding?.resourceVersion ?? "",
      "regarding.fieldPath": ({ regarding }) => regarding?.fieldPath ?? "",
      reason: (event) => event.reason ?? "",
      reportingController: (event) => event.reportingController ?? "",
      type: (event) => event.type ?? "",
    },
  },
  table: {
    columns: eventTable.columns,
    cells: (event, nowMs) => eventTable.cells(asCoreEvent(event), nowMs),
  },
});

/** The fields that the row reads, under their core names. */
function asCoreEvent(event: EventsV1Event): Event {
  const { regarding = {}, note, deprecatedSource, reportingController } = event;
  const { deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount, ...rest } = event;
  return {
    ...rest,
    involvedObject: regarding,
    message: note ?? "",
    source: deprecatedSource ?? {},
    reportingComponent: reportingController ?? "",
    count: deprecatedCount ?? 0,
    ...(deprecatedFirstTimestamp === undefined ? {} : { firstTimestamp: deprecatedFirstTimestamp }),
    ...(deprecatedLastTimestamp === undefined ? {} : { lastTimestamp: deprecatedLastTimestamp }),
  };
}

/**
 * What the two kinds of events share. An event is stored once, as one of the core group, and served under two groups.
 * Upstream: kubernetes v1.35, pkg/printers/internalversion/printers.go, printEvent.
 */
import type { Resource } from "../../machinery/index.ts";
import type { Event } from "../generated/types.gen.ts";
import { column, nameColumn, nameOf, since, wide } from "./columns.ts";
import type { TableLayout } from "./kinds.ts";

/** Resource of core events; the storage of both kinds. */
export const events: Resource<Event> = {
  group: "",
  version: "v1",
  resource: "events",
  kind: "Event",
  namespaced: true,
};

function objectOf(event: Event): string {
  const { kind = "", name } = event.involvedObject;
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function sourceOf(event: Event): string {
  const component = event.source?.component || event.reportingComponent || "";
  const host = event.source?.host || event.reportingInstance || "";
  return host === "" ? component : `${component}, ${host}`;
}

export const eventTable: TableLayout<Event> = {
  columns: [
    column("Last Seen", "Time since it happened last."),
    column("Type", "Normal or Warning."),
    column("Reason", "Short word for what happened."),
    column("Object", "What it happened to."),
    wide("Subobject", "Part of the object."),
    wide("Source", "Who reports it."),
    column("Message", "What happened."),
    wide("First Seen", "Time since it happened first."),
    { name: "Count", type: "integer", description: "How often it happened.", priority: 1 },
    { ...nameColumn, priority: 1 },
  ],
  cells(event, nowMs) {
    const first = since(event.firstTimestamp ?? event.eventTime ?? undefined, nowMs);
    const last = event.lastTimestamp ? since(event.lastTimestamp, nowMs) : first;
    return [
      event.series === undefined ? last : since(event.series.lastObservedTime ?? undefined, nowMs),
      event.type ?? "",
      event.reason ?? "",
      objectOf(event),
      event.involvedObject.fieldPath ?? "",
      sourceOf(event),
      (event.message ?? "").trim(),
      first,
      event.series === undefined ? event.count || 1 : (event.series.count ?? 0),
      nameOf(event),
    ];
  },
};

/**
 * Events of the group events.k8s.io are the core ones under other field names; they are stored in the core shape.
 * Not here: defaults and validation of events (api/).
 * Upstream: kubernetes v1.34, pkg/apis/events/v1/conversion.go.
 */
import type { Event, EventsV1Event } from "../../../api/index.ts";
import type { KubeObject } from "../../../machinery/index.ts";

type Members = Record<string, unknown>;

/** Core name, name in events.k8s.io; all others are the same. */
const renamed: readonly (readonly [keyof Event, keyof EventsV1Event])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
];

const toShown = new Map<string, string>(renamed);
const toStored = new Map<string, string>(renamed.map(([core, other]) => [other, core]));

function rename(object: KubeObject, names: ReadonlyMap<string, string>, apiVersion: string): KubeObject {
  const { apiVersion: _dropped, kind: _kind, metadata, ...rest } = object as KubeObject & Members;
  const shown: Members = { apiVersion, kind: "Event", metadata };
  for (const [name, value] of Object.entries(rest)) shown[names.get(name) ?? name] = value;
  return shown as unknown as KubeObject;
}

export const eventShape: { shown(stored: KubeObject): KubeObject; stored(shown: KubeObject): KubeObject } = {
  shown: (stored) => rename(stored, toShown, "events.k8s.io/v1"),
  stored: (shown) => rename(shown, toStored, "v1"),
};

/**
 * The usual columns and cells of tables. Not here: the Table object (apiserver/registry/tables.ts).
 */
import { humanDuration, type KubeObject, parseTimeMs } from "../../machinery/index.ts";
import type { TableColumn } from "./kinds.ts";

/** A text column that is always shown. */
export function column(name: string, description: string): TableColumn {
  return { name, type: "string", description, priority: 0 };
}

/** A text column for `-o wide`. */
export function wide(name: string, description: string): TableColumn {
  return { name, type: "string", description, priority: 1 };
}

export function integerColumn(name: string, description: string): TableColumn {
  return { name, type: "integer", description, priority: 0 };
}

export const nameColumn: TableColumn = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name of the object, unique among its kind in its namespace.",
  priority: 0,
};

export const ageColumn: TableColumn = column("Age", "Time since the object was created.");

/** The time since `time`, an RFC 3339 text, as kubectl prints it. `<unknown>` when there is none. */
export function since(time: string | undefined, nowMs: number): string {
  const ms = time === undefined ? undefined : parseTimeMs(time);
  return ms === undefined ? "<unknown>" : humanDuration((nowMs - ms) / 1000);
}

export function ageOf(object: KubeObject, nowMs: number): string {
  return since(object.metadata.creationTimestamp, nowMs);
}

export function nameOf(object: KubeObject): string {
  return object.metadata.name ?? "";
}

/** `k=v,k2=v2` in the order of keys, or `<none>`. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? "<none>" : keys.map((key) => `${key}=${labels?.[key] ?? ""}`).join(",");
}

export function orNone(text: string | undefined): string {
  return text || "<none>";
}

export function orUnknown(text: string | undefined): string {
  return text || "<unknown>";
}

/** How many of a list a cell shows. */
const shownMax = 3;

/** `a,b,c + 2 more...` */
export function someOf(texts: readonly string[], none: string): string {
  const shown = texts.slice(0, shownMax).join(",");
  if (texts.length > shownMax) return `${shown} + ${texts.length - shownMax} more...`;
  return shown || none;
}

/**
 * Tables and PartialObjectMetadata: the forms in which kubectl prints and metadata clients cache.
 * Not here: columns and cells of single kinds (api/), which form is wanted (negotiate.ts).
 */
import type { Kind, TableColumn, TableLayout } from "../../api/index.ts";
import { apiVersionOf, type KubeObject, type ListMeta } from "../../machinery/index.ts";
import { frameOf, frameOfObject, type StoredObject } from "../watch-cache/encode.ts";
import type { ReplyForm } from "./negotiate.ts";
import type { FrameFormat } from "../watch-cache/watchers.ts";

export type IncludeObject = "Metadata" | "Object" | "None";

export interface TableOptions {
  readonly version: "v1" | "v1beta1";
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
}

/** For kinds without columns of their own. */
const plainLayout: TableLayout = {
  columns: [
    {
      name: "Name",
      type: "string",
      format: "name",
      description: "Name of the object, unique among those of its kind in its namespace.",
      priority: 0,
    },
    { name: "Created At", type: "date", description: "When the server created the object.", priority: 0 },
  ],
  cells: (object) => [object.metadata.name ?? "", object.metadata.creationTimestamp ?? null],
};

/** A Table of these objects; `columns: false` leaves the definitions out, as in later events of a watch. */
export function tableOf(
  kind: Kind,
  objects: readonly KubeObject[],
  options: TableOptions & { readonly meta: ListMeta; readonly columns: boolean },
): object {
  const layout = kind.table ?? plainLayout;
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata: options.meta,
    columnDefinitions: options.columns ? layout.columns.map(columnOf) : null,
    rows: objects.map((object) => rowOf(layout, object, options)),
  };
}

function rowOf(layout: TableLayout, object: KubeObject, options: TableOptions): object {
  const conditions = layout.conditions?.(object);
  return {
    cells: layout.cells(object, options.nowMs),
    ...(conditions === undefined || conditions.length === 0 ? {} : { conditions }),
    object: rowObject(object, options),
  };
}

function rowObject(object: KubeObject, options: TableOptions): object | null {
  switch (options.includeObject) {
    case "Object":
      return object;
    case "Metadata":
      return partialOf(object, options.version);
    case "None":
      return null;
  }
}

function columnOf(column: TableColumn): object {
  const { name, type, format, description, priority } = column;
  return { name, type, format: format ?? "", description, priority };
}

export function partialOf(object: KubeObject, version: string): KubeObject {
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

const jsonFormat: FrameFormat = {
  key: "json",
  hasSpecialFirst: false,
  frame: (type, state) => frameOf(type, state),
  bookmark: (object) => frameOfObject("BOOKMARK", object),
};

export interface FormatOptions {
  readonly kind: Kind;
  readonly form: ReplyForm;
  readonly includeObject: IncludeObject;
  readonly nowMs: () => number;
  /** For kinds that show stored objects in another shape. */
  readonly convert?: (object: KubeObject) => KubeObject;
}

/** How the events of a watch are shown. Watches with equal `key` share frames; plain JSON shares one format object. */
export function frameFormat(options: FormatOptions): FrameFormat {
  const { kind, form, includeObject, convert } = options;
  const shown = (state: StoredObject): KubeObject =>
    convert === undefined ? state.object : convert(state.object);
  const shape = convert === undefined ? "" : `${apiVersionOf(kind.resource)}/`;
  switch (form.as) {
    case "object":
      if (convert === undefined) return jsonFormat;
      return {
        key: `${shape}json`,
        hasSpecialFirst: false,
        frame: (type, state) => frameOfObject(type, shown(state)),
        bookmark: jsonFormat.bookmark,
      };
    case "PartialObjectMetadata":
      return {
        key: `${shape}partial/${form.version}`,
        hasSpecialFirst: false,
        frame: (type, state) => frameOfObject(type, partialOf(shown(state), form.version)),
        bookmark: (object) => frameOfObject("BOOKMARK", partialOf(object, form.version)),
      };
    case "Table": {
      const oneRow = (object: KubeObject, columns: boolean): object => {
        const { resourceVersion = "" } = object.metadata;
        const nowMs = options.nowMs();
        return tableOf(kind, [object], {
          version: form.version,
          includeObject,
          nowMs,
          columns,
          meta: { resourceVersion },
        });
      };
      return {
        key: `${shape}table/${form.version}/${includeObject}`,
        hasSpecialFirst: true,
        frame: (type, state, isFirst) => frameOfObject(type, oneRow(shown(state), isFirst)),
        bookmark: (object, isFirst) => frameOfObject("BOOKMARK", oneRow(object, isFirst)),
      };
    }
  }
}

/**
 * For the tests of kinds: valid objects, ways to change them, their errors and their table rows.
 */
import { copyJson, decodeObject, type Draft, type FieldError, type KubeObject } from "../machinery/index.ts";
import { fieldErrorMessage } from "../machinery/field-error.ts";
import { kinds } from "../api/kind-table.ts";
import type { Kind, TableLayout, WriteContext } from "../api/parts/kinds.ts";
import { schemas } from "../api/schemas.ts";

export function kindOf(schema: string): Kind {
  const kind = kinds.find((one) => one.schema === schema);
  if (kind === undefined) throw new Error(`no kind ${schema}`);
  return kind;
}

/** The object as the server sees it: decoded and defaulted. @throws Error when it cannot be decoded. */
export function decoded<T extends KubeObject>(schema: string, input: object): T {
  const { object, errors, unknown } = decodeObject<Draft<KubeObject>>(
    { table: schemas, name: schema },
    input,
  );
  if (errors.length + unknown.length > 0) throw new Error(`${errors.join()} ${unknown.join()}`);
  kindOf(schema).rules.setDefaults?.(object);
  return object as unknown as T;
}

/** `spec.containers[0].image` set to a value, or removed by undefined. The input is not changed. */
export function withPath(input: object, path: string, value: unknown): object {
  const root = copyJson(input) as Record<string, unknown>;
  const names = path.split(/[.[\]]+/).filter((name) => name !== "");
  const last = names.pop() ?? "";
  let at = root;
  for (const [index, name] of names.entries()) {
    const next = names[index + 1] ?? last;
    at[name] ??= /^\d+$/.test(next) ? [] : {};
    at = at[name] as Record<string, unknown>;
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
  return root;
}

export function textsOf(errors: readonly FieldError[] | undefined): string[] {
  return (errors ?? []).map(fieldErrorMessage);
}

/** Errors of a new object. */
export function errorsOf(schema: string, input: object): string[] {
  return textsOf(kindOf(schema).rules.validate?.(decoded(schema, input)));
}

/** Errors of a change. */
export function updateErrorsOf(schema: string, input: object, before: object): string[] {
  return textsOf(kindOf(schema).rules.validateUpdate?.(decoded(schema, input), decoded(schema, before)));
}

export const metadata: object = { name: "abc", namespace: "default" };

export const podInput: object = { metadata, spec: { containers: [{ name: "c", image: "i:1" }] } };

export const daemonSetInput: object = {
  metadata,
  spec: {
    selector: { matchLabels: { a: "b" } },
    template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i:1" }] } },
  },
};

const context: WriteContext = { nowMs: 0, user: { username: "u", groups: [] } };

/** A new object as it goes into validation. */
export function created<T extends KubeObject>(schema: string, input: object): T {
  const object = copyJson(decoded<KubeObject>(schema, input)) as Draft<KubeObject>;
  kindOf(schema).rules.prepareForCreate?.(object, context);
  return object as unknown as T;
}

/** A changed object as it goes into validation. */
export function updated<T extends KubeObject>(schema: string, input: object, before: T): T {
  const object = copyJson(decoded<KubeObject>(schema, input)) as Draft<KubeObject>;
  kindOf(schema).rules.prepareForUpdate?.(object, before, context);
  return object as unknown as T;
}

/** Metadata of an object that is an hour old when its cells are made. */
export const hourOld: object = { name: "n", creationTimestamp: "2026-01-01T00:00:00Z" };

const nowMs = Date.parse("2026-01-01T01:00:00Z");

export function layoutOf(schema: string): TableLayout {
  const { table } = kindOf(schema);
  if (table === undefined) throw new Error(`no table for ${schema}`);
  return table;
}

/** Names of the columns: those that are always shown, and those of `-o wide`. */
export function columnsOf(schema: string): readonly [shown: string[], wide: string[]] {
  const named = (priority: 0 | 1): string[] =>
    layoutOf(schema)
      .columns.filter((column) => column.priority === priority)
      .map((column) => column.name);
  return [named(0), named(1)];
}

/** Cells by column name. @throws Error when there is not one cell for each column. */
export function cellsOf(schema: string, object: object): Record<string, unknown> {
  const { columns, cells } = layoutOf(schema);
  const row = cells({ metadata: hourOld, ...object } as KubeObject, nowMs);
  if (row.length !== columns.length) throw new Error(`${row.length} cells in ${columns.length} columns`);
  return Object.fromEntries(columns.map((column, index) => [column.name, row[index]]));
}

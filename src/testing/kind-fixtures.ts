/** Valid objects for the tests of validation, and ways to change them. Only tests import this. */
import { copyJson, decodeObject, type Draft, type FieldError, type KubeObject } from "../machinery/index.ts";
import { fieldErrorMessage } from "../machinery/field-error.ts";
import { kinds } from "../api/kind-table.ts";
import type { Kind } from "../api/parts/kinds.ts";
import { schemas } from "../api/schemas.ts";

export function kindOf(schema: string): Kind {
  const kind = kinds.find((one) => one.schema === schema);
  if (kind === undefined) throw new Error(`no kind ${schema}`);
  return kind;
}

/** The object as the server would see it: decoded and defaulted. @throws Error when it cannot be decoded. */
export function decoded<T extends KubeObject>(schema: string, input: object): T {
  const { object, errors, unknown } = decodeObject<Draft<KubeObject>>(
    { table: schemas, name: schema },
    input,
  );
  if (errors.length + unknown.length > 0) throw new Error(`${errors.join()} ${unknown.join()}`);
  kindOf(schema).rules.setDefaults?.(object);
  return object as unknown as T;
}

/** `spec.containers[0].image` set to a value, or taken away by undefined. The input is not changed. */
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

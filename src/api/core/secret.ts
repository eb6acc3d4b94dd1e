/**
 * Secrets. Not here: what they share with ConfigMaps (parts/data.ts).
 * Upstream: kubernetes v1.35, pkg/registry/core/secret/strategy.go, pkg/apis/core/v1/conversion.go (stringData),
 * pkg/apis/core/validation/validation.go (ValidateSecret, ValidateSecretUpdate).
 */
import {
  configMapKeyErrors,
  type Draft,
  type FieldError,
  keyPath,
  required,
  type Resource,
  tooLong,
} from "../../machinery/index.ts";
import type { Secret } from "../generated/types.gen.ts";
import { addAll, checkImmutable, type Errors, invalids } from "../parts/checks.ts";
import { ageColumn, ageOf, column, integerColumn, nameColumn, nameOf } from "../parts/columns.ts";
import { base64Bytes, checkFrozen, dataBytesMax, sizeOf } from "../parts/data.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const secrets: Resource<Secret> = {
  group: "",
  version: "v1",
  resource: "secrets",
  kind: "Secret",
  namespaced: true,
};

export const secretKind: Kind = defineKind({
  resource: secrets,
  schema: "core.v1.Secret",
  rules: {
    setDefaults(object) {
      mergeStringData(object);
      object.type ||= "Opaque";
    },
    validate: validateSecret,
    validateUpdate: (object, before) => [
      ...checkImmutable("type", object.type, before.type),
      ...checkFrozen(object, before),
      ...validateSecret(object),
    ],
    selectableFields: { type: (object) => object.type ?? "" },
  },
  table: {
    columns: [
      nameColumn,
      column("Type", "What the secret is for."),
      integerColumn("Data", "Number of keys."),
      ageColumn,
    ],
    cells: (object, nowMs) => [nameOf(object), object.type ?? "", sizeOf(object.data), ageOf(object, nowMs)],
  },
});

/** `stringData` is write-only: it goes into `data` as base64 of UTF-8, and away. */
function mergeStringData(object: Draft<Secret>): void {
  if (object.stringData === undefined) return;
  const added = Object.entries(object.stringData).map(([key, value]) => [
    key,
    base64(new TextEncoder().encode(value)),
  ]);
  // Not assigned one by one: a key may be `__proto__`.
  object.data = Object.fromEntries([...Object.entries(object.data ?? {}), ...added]) as Record<
    string,
    string
  >;
  delete object.stringData;
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Standard base64 with padding; pure rooms have no Buffer. */
function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const a = bytes[at] ?? 0;
    const b = bytes[at + 1] ?? 0;
    const c = bytes[at + 2] ?? 0;
    const group = (a << 16) | (b << 8) | c;
    const left = bytes.length - at;
    text += base64Alphabet.charAt(group >> 18) + base64Alphabet.charAt((group >> 12) & 63);
    text += left > 1 ? base64Alphabet.charAt((group >> 6) & 63) : "=";
    text += left > 2 ? base64Alphabet.charAt(group & 63) : "=";
  }
  return text;
}

function validateSecret(object: Secret): Errors {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(object.data ?? {})) {
    addAll(errors, invalids(keyPath("data", key), key, configMapKeyErrors(key)));
    bytes += base64Bytes(value);
  }
  if (bytes > dataBytesMax) errors.push(tooLong("data", dataBytesMax));
  return [...errors, ...checkType(object)];
}

/** Keys that a type cannot do without. */
const neededKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function checkType(object: Secret): FieldError[] {
  const { type = "", data = {} } = object;
  const needed = Object.hasOwn(neededKeys, type) ? (neededKeys[type] ?? []) : [];
  const errors = needed
    .filter((key) => !Object.hasOwn(data, key))
    .map((key) => required(keyPath("data", key)));
  if (
    type === "kubernetes.io/basic-auth" &&
    !Object.hasOwn(data, "username") &&
    !Object.hasOwn(data, "password")
  ) {
    errors.push(required(keyPath("data", "username")), required(keyPath("data", "password")));
  }
  const accountKey = "kubernetes.io/service-account.name";
  if (type === "kubernetes.io/service-account-token" && !object.metadata.annotations?.[accountKey]) {
    errors.push(required(keyPath("metadata.annotations", accountKey)));
  }
  return errors;
}

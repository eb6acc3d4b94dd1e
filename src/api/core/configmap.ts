/**
 * ConfigMaps. Not here: what they share with Secrets (parts/data.ts).
 * Upstream: kubernetes v1.35, pkg/apis/core/validation/validation.go, ValidateConfigMap, ValidateConfigMapUpdate.
 */
import {
  configMapKeyErrors,
  type FieldError,
  invalidValue,
  keyPath,
  type Resource,
  tooLong,
} from "../../machinery/index.ts";
import type { ConfigMap } from "../generated/types.gen.ts";
import { addAll, byteLength, type Errors, invalids } from "../parts/checks.ts";
import { ageColumn, ageOf, integerColumn, nameColumn, nameOf } from "../parts/columns.ts";
import { base64Bytes, checkFrozen, dataBytesMax, sizeOf } from "../parts/data.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const configmaps: Resource<ConfigMap> = {
  group: "",
  version: "v1",
  resource: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};

export const configMapKind: Kind = defineKind({
  resource: configmaps,
  schema: "core.v1.ConfigMap",
  shortNames: ["cm"],
  rules: {
    validate: validateConfigMap,
    validateUpdate: (object, before) => [...checkFrozen(object, before), ...validateConfigMap(object)],
  },
  table: {
    columns: [nameColumn, integerColumn("Data", "Number of keys."), ageColumn],
    cells: (object, nowMs) => [
      nameOf(object),
      sizeOf(object.data) + sizeOf(object.binaryData),
      ageOf(object, nowMs),
    ],
  },
});

function validateConfigMap(object: ConfigMap): Errors {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(object.data ?? {})) {
    addAll(errors, invalids(keyPath("data", key), key, configMapKeyErrors(key)));
    if (Object.hasOwn(object.binaryData ?? {}, key)) {
      errors.push(invalidValue(keyPath("data", key), key, "duplicate of key present in binaryData"));
    }
    bytes += byteLength(value);
  }
  for (const [key, value] of Object.entries(object.binaryData ?? {})) {
    addAll(errors, invalids(keyPath("binaryData", key), key, configMapKeyErrors(key)));
    bytes += base64Bytes(value);
  }
  if (bytes > dataBytesMax) errors.push(tooLong("[]", dataBytesMax));
  return errors;
}

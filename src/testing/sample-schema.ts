/**
 * A small schema table for tests of machinery, which cannot see the real one in api/.
 * Its types are cut-down copies of upstream's, with the same strategies and merge keys.
 */
import type { Field, Schema, SchemaTable } from "../machinery/index.ts";

const string: Schema = { type: "string" };
const integer: Schema = { type: "integer", bits: 32 };
const boolean: Schema = { type: "boolean" };
const ref = (name: string): Schema => ({ type: "ref", name });
const array = (of: Schema): Schema => ({ type: "array", of });
const map = (of: Schema): Schema => ({ type: "map", of });
const object = (fields: Readonly<Record<string, Field>>): Schema => ({ type: "object", fields });
const mergedBy = (type: string, patchMergeKey: string): Field => ({
  schema: array(ref(type)),
  patchStrategy: "merge",
  patchMergeKey,
});

export const sampleTable: SchemaTable = {
  "v1.Pod": object({
    apiVersion: { schema: string },
    kind: { schema: string },
    metadata: { schema: ref("v1.ObjectMeta"), required: true },
    spec: { schema: ref("v1.PodSpec"), required: true },
    data: { schema: { type: "rawText" } },
  }),
  "v1.ObjectMeta": object({
    name: { schema: string },
    labels: { schema: map(string) },
    finalizers: { schema: array(string), patchStrategy: "merge" },
    creationTimestamp: { schema: { type: "time" } },
    generation: { schema: { type: "integer" } },
  }),
  "v1.PodSpec": object({
    containers: { ...mergedBy("v1.Container", "name"), required: true },
    volumes: { ...mergedBy("v1.Volume", "name"), patchStrategy: "merge,retainKeys" },
    tolerations: { schema: array(ref("v1.Toleration")) },
    nodeSelector: { schema: map(string) },
    securityContext: { schema: ref("v1.SecurityContext") },
    hostNetwork: { schema: boolean },
    priority: { schema: integer, pointer: true },
    renewTime: { schema: { type: "microTime" } },
    weight: { schema: { type: "number" } },
    reference: { schema: ref("v1.Reference") },
    matrix: { schema: array(array(string)), patchStrategy: "merge" },
    overhead: { schema: ref("v1.Resources"), patchStrategy: "replace" },
    free: { schema: { type: "raw" } },
  }),
  "v1.Container": object({
    name: { schema: string, required: true },
    image: { schema: string },
    args: { schema: array(string) },
    env: mergedBy("v1.EnvVar", "name"),
    ports: mergedBy("v1.Port", "containerPort"),
    resources: { schema: ref("v1.Resources"), required: true },
  }),
  "v1.EnvVar": object({ name: { schema: string, required: true }, value: { schema: string } }),
  "v1.Port": object({ containerPort: { schema: integer, required: true }, protocol: { schema: string } }),
  "v1.Resources": object({ limits: { schema: map({ type: "quantity" }) } }),
  "v1.Volume": object({
    name: { schema: string, required: true },
    emptyDir: { schema: object({ medium: { schema: string } }) },
    hostPath: {
      schema: object({ path: { schema: string, required: true }, type: { schema: string, pointer: true } }),
    },
  }),
  "v1.Toleration": object({ key: { schema: string }, effect: { schema: string } }),
  "v1.SecurityContext": object({ runAsNonRoot: { schema: boolean, pointer: true } }),
  "v1.Reference": object({
    apiGroup: { schema: string, required: true, pointer: true },
    target: { schema: { type: "intOrString" }, required: true },
    token: { schema: { type: "bytes" } },
  }),
};

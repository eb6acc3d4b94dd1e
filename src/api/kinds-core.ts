/**
 * Kinds of the core group. Not here: rules longer than a few lines (pod-rules.ts, validation/), tables (tables/).
 */
import type { Draft } from "../machinery/index.ts";
import {
  mergeStringData,
  setEndpointsDefaults,
  setLimitRangeDefaults,
  setNamespaceDefaults,
  setNodeDefaults,
  setPersistentVolumeClaimDefaults,
  setPersistentVolumeDefaults,
  setSecretDefaults,
  setServiceDefaults,
} from "./defaults/core.ts";
import { setPodDefaults } from "./parts/pod-defaults.ts";
import { setReplicationControllerDefaults } from "./defaults/workloads.ts";
import { defineKind, keepField, unacted } from "./parts/define-kind.ts";
import type { Kind } from "./parts/kinds.ts";
import {
  podSelectableFields,
  preparePodForCreate,
  preparePodForStatusUpdate,
  preparePodForUpdate,
} from "./core/pod/strategy.ts";
import {
  bindings,
  configmaps,
  endpoints,
  events,
  limitranges,
  namespaces,
  nodes,
  persistentvolumeclaims,
  persistentvolumes,
  pods,
  replicationcontrollers,
  resourcequotas,
  secrets,
  serviceaccounts,
  services,
} from "./resources.ts";
import {
  configMapTable,
  namespaceTable,
  nodeTable,
  secretTable,
  serviceAccountTable,
  serviceTable,
} from "./tables/core-tables.ts";
import { eventTable } from "./parts/event-table.ts";
import { podTable } from "./core/pod/table.ts";
import type { Namespace } from "./generated/types.gen.ts";
import {
  validateEvent,
  validateNamespaceStatusUpdate,
  validateNode,
  validateNodeUpdate,
} from "./validation/cluster.ts";
import {
  validateConfigMap,
  validateConfigMapUpdate,
  validateSecret,
  validateSecretUpdate,
  validateService,
} from "./validation/data.ts";
import {
  validatePod,
  validatePodCreate,
  validatePodStatusUpdate,
  validatePodUpdate,
} from "./core/pod/validation.ts";
import { validateReplicationController } from "./apps/daemonset/validation.ts";
import { podWarnings } from "./parts/pod-warnings.ts";

/** Holds a namespace until its contents are gone; it stands in the spec, not in the metadata. */
const namespaceFinalizer = "kubernetes";

function prepareNamespaceForCreate(object: Draft<Namespace>): void {
  object.status = { phase: "Active" };
  const finalizers = (object.spec.finalizers ??= []);
  if (!finalizers.includes(namespaceFinalizer)) finalizers.push(namespaceFinalizer);
}

const namespaceKind: Kind = defineKind({
  resource: namespaces,
  schema: "core.v1.Namespace",
  shortNames: ["ns"],
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  subresources: [{ name: "finalize", kind: "Namespace", verbs: ["update"] }],
  hasStatus: true,
  deleteReturnsObject: true,
  table: namespaceTable,
  rules: {
    setDefaults: setNamespaceDefaults,
    prepareForCreate: prepareNamespaceForCreate,
    prepareForUpdate: (object, before) => keepField(object.spec, before.spec, "finalizers"),
    validateStatusUpdate: validateNamespaceStatusUpdate,
    selectableFields: { "status.phase": (object) => object.status?.phase ?? "" },
  },
});

const nodeKind: Kind = defineKind({
  resource: nodes,
  schema: "core.v1.Node",
  shortNames: ["no"],
  hasStatus: true,
  table: nodeTable,
  rules: {
    setDefaults: setNodeDefaults,
    validate: validateNode,
    validateUpdate: (object, before) => [...validateNode(object), ...validateNodeUpdate(object, before)],
    validateStatusUpdate: (object, before) => [
      ...validateNode(object),
      ...validateNodeUpdate(object, before),
    ],
    prepareForCreate(object) {
      // A node agent registers with its status in one call.
      object.status ??= {};
    },
    selectableFields: { "spec.unschedulable": (object) => String(object.spec.unschedulable ?? false) },
  },
});

const podKind: Kind = defineKind({
  resource: pods,
  schema: "core.v1.Pod",
  shortNames: ["po"],
  categories: ["all"],
  subresources: [
    { name: "binding", kind: "Binding", verbs: ["create"] },
    { name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
    { name: "log", kind: "Pod", verbs: ["get"] },
  ],
  hasGeneration: true,
  hasStatus: true,
  deleteReturnsObject: true,
  hasGracefulDeletion: true,
  table: podTable,
  rules: {
    setDefaults: setPodDefaults,
    prepareForCreate: preparePodForCreate,
    prepareForUpdate: preparePodForUpdate,
    validate: (pod) => [...validatePodCreate(pod), ...validatePod(pod)],
    validateUpdate: (pod, before) => [...validatePodUpdate(pod, before), ...validatePod(pod)],
    prepareForStatusUpdate: preparePodForStatusUpdate,
    validateStatusUpdate: validatePodStatusUpdate,
    warnings: podWarnings,
    selectableFields: podSelectableFields,
    indexedField: "spec.nodeName",
  },
});

const eventKind: Kind = defineKind({
  resource: events,
  schema: "core.v1.Event",
  shortNames: ["ev"],
  allowsCreateOnUpdate: true,
  table: eventTable,
  rules: {
    validate: validateEvent,
    validateUpdate: validateEvent,
    selectableFields: {
      "involvedObject.kind": (event) => event.involvedObject.kind ?? "",
      "involvedObject.namespace": (event) => event.involvedObject.namespace ?? "",
      "involvedObject.name": (event) => event.involvedObject.name ?? "",
      "involvedObject.uid": (event) => event.involvedObject.uid ?? "",
      "involvedObject.apiVersion": (event) => event.involvedObject.apiVersion ?? "",
      "involvedObject.resourceVersion": (event) => event.involvedObject.resourceVersion ?? "",
      "involvedObject.fieldPath": (event) => event.involvedObject.fieldPath ?? "",
      reason: (event) => event.reason ?? "",
      reportingComponent: (event) => event.reportingComponent ?? "",
      source: (event) => event.source?.component || event.reportingComponent || "",
      type: (event) => event.type ?? "",
    },
  },
});

const configMapKind: Kind = defineKind({
  resource: configmaps,
  schema: "core.v1.ConfigMap",
  shortNames: ["cm"],
  table: configMapTable,
  rules: {
    validate: validateConfigMap,
    validateUpdate: (object, before) => [
      ...validateConfigMapUpdate(object, before),
      ...validateConfigMap(object),
    ],
  },
});

const secretKind: Kind = defineKind({
  resource: secrets,
  schema: "core.v1.Secret",
  table: secretTable,
  rules: {
    setDefaults(object) {
      mergeStringData(object);
      setSecretDefaults(object);
    },
    validate: validateSecret,
    validateUpdate: (object, before) => [...validateSecretUpdate(object, before), ...validateSecret(object)],
    selectableFields: { type: (object) => object.type ?? "" },
  },
});

const serviceAccountKind: Kind = defineKind({
  resource: serviceaccounts,
  schema: "core.v1.ServiceAccount",
  shortNames: ["sa"],
  deleteReturnsObject: true,
  table: serviceAccountTable,
});

const serviceKind: Kind = defineKind({
  resource: services,
  schema: "core.v1.Service",
  shortNames: ["svc"],
  categories: ["all"],
  hasStatus: true,
  allowsCreateOnUpdate: true,
  unactedWarning: unacted("Services", "they get no cluster address and balance no load"),
  table: serviceTable,
  rules: {
    setDefaults: setServiceDefaults,
    validate: validateService,
    validateUpdate: validateService,
    prepareForCreate(object) {
      object.status = { loadBalancer: {} };
    },
    selectableFields: {
      "spec.clusterIP": (object) => object.spec.clusterIP ?? "",
      "spec.type": (object) => object.spec.type ?? "",
    },
  },
});

const endpointsKind: Kind = defineKind({
  resource: endpoints,
  schema: "core.v1.Endpoints",
  shortNames: ["ep"],
  allowsCreateOnUpdate: true,
  rules: { setDefaults: setEndpointsDefaults },
});

const bindingKind: Kind = defineKind({ resource: bindings, schema: "core.v1.Binding", verbs: ["create"] });

const limitRangeKind: Kind = defineKind({
  resource: limitranges,
  schema: "core.v1.LimitRange",
  shortNames: ["limits"],
  allowsCreateOnUpdate: true,
  unactedWarning: unacted("LimitRanges", "no pod is limited"),
  rules: { setDefaults: setLimitRangeDefaults },
});

const resourceQuotaKind: Kind = defineKind({
  resource: resourcequotas,
  schema: "core.v1.ResourceQuota",
  shortNames: ["quota"],
  hasStatus: true,
  deleteReturnsObject: true,
  unactedWarning: unacted("ResourceQuotas", "no quota is enforced"),
  rules: {
    prepareForCreate(object) {
      object.status = {};
    },
  },
});

const replicationControllerKind: Kind = defineKind({
  resource: replicationcontrollers,
  schema: "core.v1.ReplicationController",
  shortNames: ["rc"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("ReplicationControllers", "no pods are created"),
  rules: {
    setDefaults: setReplicationControllerDefaults,
    validate: validateReplicationController,
    validateUpdate: validateReplicationController,
    prepareForCreate(object) {
      object.status = { replicas: 0 };
    },
  },
});

const persistentVolumeKind: Kind = defineKind({
  resource: persistentvolumes,
  schema: "core.v1.PersistentVolume",
  shortNames: ["pv"],
  hasStatus: true,
  deleteReturnsObject: true,
  unactedWarning: unacted("PersistentVolumes", "they are bound to no claim"),
  rules: {
    setDefaults: setPersistentVolumeDefaults,
    prepareForCreate(object) {
      object.status = { phase: "Pending" };
    },
  },
});

const persistentVolumeClaimKind: Kind = defineKind({
  resource: persistentvolumeclaims,
  schema: "core.v1.PersistentVolumeClaim",
  shortNames: ["pvc"],
  hasStatus: true,
  deleteReturnsObject: true,
  unactedWarning: unacted("PersistentVolumeClaims", "no volume is provisioned"),
  rules: {
    setDefaults: setPersistentVolumeClaimDefaults,
    prepareForCreate(object) {
      object.status = { phase: "Pending" };
    },
  },
});

export const coreKinds: readonly Kind[] = [
  bindingKind,
  configMapKind,
  endpointsKind,
  eventKind,
  limitRangeKind,
  namespaceKind,
  nodeKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
  replicationControllerKind,
  resourceQuotaKind,
  secretKind,
  serviceAccountKind,
  serviceKind,
];

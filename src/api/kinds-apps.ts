/**
 * Kinds of the groups apps and batch. DaemonSets have no scale subresource.
 */
import {
  prepareDaemonSetForCreate,
  prepareDaemonSetForStatusUpdate,
  prepareDaemonSetForUpdate,
} from "./apps/daemonset/strategy.ts";
import {
  setCronJobDefaults,
  setDaemonSetDefaults,
  setDeploymentDefaults,
  setJobDefaults,
  setReplicaSetDefaults,
  setStatefulSetDefaults,
} from "./defaults/workloads.ts";
import { defineKind, unacted } from "./parts/define-kind.ts";
import type { Kind } from "./parts/kinds.ts";
import {
  controllerrevisions,
  cronjobs,
  daemonsets,
  deployments,
  jobs,
  replicasets,
  statefulsets,
} from "./resources.ts";
import { controllerRevisionTable, daemonSetTable } from "./tables/apps-tables.ts";
import {
  validateControllerRevision,
  validateControllerRevisionUpdate,
  validateDaemonSet,
  validateDaemonSetCreate,
  validateDaemonSetStatusUpdate,
  validateDaemonSetUpdate,
  validateTemplateOwner,
  validateTemplateOwnerUpdate,
} from "./apps/daemonset/validation.ts";
import { daemonSetAnnotationWarnings } from "./apps/daemonset/annotations.ts";
import { templateWarnings } from "./parts/pod-warnings.ts";

const daemonSetKind: Kind = defineKind({
  resource: daemonsets,
  schema: "apps.v1.DaemonSet",
  shortNames: ["ds"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  table: daemonSetTable,
  rules: {
    setDefaults: setDaemonSetDefaults,
    prepareForCreate: prepareDaemonSetForCreate,
    prepareForUpdate: prepareDaemonSetForUpdate,
    prepareForStatusUpdate: prepareDaemonSetForStatusUpdate,
    validate: (object) => [...validateDaemonSet(object), ...validateDaemonSetCreate(object)],
    validateUpdate: (object, before) => [
      ...validateDaemonSetUpdate(object, before),
      ...validateDaemonSet(object),
    ],
    validateStatusUpdate: validateDaemonSetStatusUpdate,
    warnings: (object) => [
      ...daemonSetAnnotationWarnings(object),
      ...templateWarnings("spec.template", object.spec.template),
    ],
  },
});

const controllerRevisionKind: Kind = defineKind({
  resource: controllerrevisions,
  schema: "apps.v1.ControllerRevision",
  table: controllerRevisionTable,
  rules: {
    validate: validateControllerRevision,
    validateUpdate: (object, before) => [
      ...validateControllerRevisionUpdate(object, before),
      ...validateControllerRevision(object),
    ],
  },
});

const deploymentKind: Kind = defineKind({
  resource: deployments,
  schema: "apps.v1.Deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("Deployments", "no pods are created"),
  rules: {
    setDefaults: setDeploymentDefaults,
    validate: validateTemplateOwner,
    validateUpdate: (object, before) => [
      ...validateTemplateOwnerUpdate(object, before),
      ...validateTemplateOwner(object),
    ],
    prepareForCreate(object) {
      object.status = {};
    },
  },
});

const replicaSetKind: Kind = defineKind({
  resource: replicasets,
  schema: "apps.v1.ReplicaSet",
  shortNames: ["rs"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("ReplicaSets", "no pods are created"),
  rules: {
    setDefaults: setReplicaSetDefaults,
    validate: validateTemplateOwner,
    validateUpdate: (object, before) => [
      ...validateTemplateOwnerUpdate(object, before),
      ...validateTemplateOwner(object),
    ],
    prepareForCreate(object) {
      object.status = { replicas: 0 };
    },
  },
});

const statefulSetKind: Kind = defineKind({
  resource: statefulsets,
  schema: "apps.v1.StatefulSet",
  shortNames: ["sts"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("StatefulSets", "no pods are created"),
  rules: {
    setDefaults: setStatefulSetDefaults,
    validate: validateTemplateOwner,
    validateUpdate: (object, before) => [
      ...validateTemplateOwnerUpdate(object, before),
      ...validateTemplateOwner(object),
    ],
    prepareForCreate(object) {
      object.status = { replicas: 0, availableReplicas: 0 };
    },
  },
});

const jobKind: Kind = defineKind({
  resource: jobs,
  schema: "batch.v1.Job",
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("Jobs", "no pods are created"),
  rules: {
    setDefaults: setJobDefaults,
    prepareForCreate(object) {
      object.status = {};
    },
  },
});

const cronJobKind: Kind = defineKind({
  resource: cronjobs,
  schema: "batch.v1.CronJob",
  shortNames: ["cj"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("CronJobs", "no jobs are started"),
  rules: {
    setDefaults: setCronJobDefaults,
    prepareForCreate(object) {
      object.status = {};
    },
  },
});

export const appsKinds: readonly Kind[] = [
  controllerRevisionKind,
  daemonSetKind,
  deploymentKind,
  replicaSetKind,
  statefulSetKind,
];

export const batchKinds: readonly Kind[] = [cronJobKind, jobKind];

/**
 * CronJobs. They are stored; no controller of ours starts their Jobs.
 * Upstream: kubernetes v1.35, pkg/apis/batch/v1/defaults.go, SetDefaults_CronJob.
 */
import type { Draft, Resource } from "../../machinery/index.ts";
import type { CronJob } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { setPodTemplateDefaults } from "../parts/pod-template.ts";
import { podWarnings } from "../parts/pod-warnings.ts";

export const cronjobs: Resource<CronJob> = {
  group: "batch",
  version: "v1",
  resource: "cronjobs",
  kind: "CronJob",
  namespaced: true,
};

export const cronJobKind: Kind = defineKind({
  resource: cronjobs,
  schema: "batch.v1.CronJob",
  shortNames: ["cj"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("CronJobs", "no jobs are started"),
  rules: {
    warnings: ({ spec: { jobTemplate } }) =>
      jobTemplate.spec === undefined
        ? []
        : podWarnings("spec.jobTemplate.spec.template", jobTemplate.spec.template),
    setDefaults: setCronJobDefaults,
    prepareForCreate(object) {
      object.status = {};
    },
  },
});

function setCronJobDefaults(object: Draft<CronJob>): void {
  const { spec } = object;
  spec.concurrencyPolicy ||= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  if (spec.jobTemplate.spec !== undefined) setPodTemplateDefaults(spec.jobTemplate.spec.template);
}

/**
 * Jobs. They are stored; no controller of ours runs them.
 * Upstream: kubernetes v1.35, pkg/apis/batch/v1/defaults.go, SetDefaults_Job.
 */
import type { Draft, Resource } from "../../machinery/index.ts";
import type { Job } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { setPodTemplateDefaults } from "../parts/pod-template.ts";
import { podNameWarnings, podWarnings } from "../parts/pod-warnings.ts";

export const jobs: Resource<Job> = {
  group: "batch",
  version: "v1",
  resource: "jobs",
  kind: "Job",
  namespaced: true,
};

export const jobKind: Kind = defineKind({
  resource: jobs,
  schema: "batch.v1.Job",
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("Jobs", "no pods are created"),
  rules: {
    warnings: ({ metadata, spec }) => [
      ...podNameWarnings(metadata.name),
      ...podWarnings("spec.template", spec.template),
    ],
    setDefaults: setJobDefaults,
    prepareForCreate(object) {
      object.status = {};
    },
    orphansByDefault: {
      warning:
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
    },
  },
});

/** Retries of a Job that says nothing, and of one that counts them for each index instead. */
const backoffLimit = 6;
const noBackoffLimit = 2_147_483_647;

function setJobDefaults(object: Draft<Job>): void {
  const { spec } = object;
  setPodTemplateDefaults(spec.template);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? backoffLimit : noBackoffLimit;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed";
  const labels = spec.template.metadata?.labels ?? {};
  if (Object.keys(object.metadata.labels ?? {}).length === 0 && Object.keys(labels).length > 0) {
    object.metadata.labels = { ...labels };
  }
}

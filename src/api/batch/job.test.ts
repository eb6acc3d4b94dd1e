/** Jobs: defaults, and the first status. */
import { expect, test } from "vitest";
import { created, decoded, metadata } from "../../testing/kind-fixtures.ts";
import type { Job } from "../generated/types.gen.ts";

const schema = "batch.v1.Job";
const template = {
  metadata: { labels: { a: "b" } },
  spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i:1" }] },
};
const specOf = (spec: object): Job["spec"] =>
  decoded<Job>(schema, { metadata, spec: { template, ...spec } }).spec;

test("defaults", () => {
  expect(specOf({})).toMatchObject({
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: "TerminatingOrFailed",
    template: { spec: { dnsPolicy: "ClusterFirst" } },
  });
});

test("a job that says its parallelism needs no number of completions", () => {
  expect(specOf({ parallelism: 3 })).toMatchObject({ parallelism: 3 });
  expect(specOf({ parallelism: 3 })).not.toHaveProperty("completions");
  expect(specOf({ completions: 5 })).toMatchObject({ completions: 5, parallelism: 1 });
});

test("retries for each index lift the limit for the job, and a failure policy waits for the end of a pod", () => {
  expect(specOf({ backoffLimitPerIndex: 1 }).backoffLimit).toBe(2_147_483_647);
  expect(specOf({ podFailurePolicy: { rules: [] } }).podReplacementPolicy).toBe("Failed");
});

test("labels follow the template where there are none", () => {
  const labelsOf = (labels: object): unknown =>
    decoded<Job>(schema, { metadata: { ...metadata, labels }, spec: { template } }).metadata.labels;
  expect(labelsOf({})).toEqual({ a: "b" });
  expect(labelsOf({ x: "y" })).toEqual({ x: "y" });
});

test("the status of a client is dropped", () => {
  expect(created<Job>(schema, { metadata, spec: { template }, status: { active: 7 } }).status).toEqual({});
});

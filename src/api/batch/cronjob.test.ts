/** CronJobs: defaults, and the first status. */
import { expect, test } from "vitest";
import { created, metadata } from "../../testing/kind-fixtures.ts";
import type { CronJob } from "../generated/types.gen.ts";

test("defaults, and no status of a client", () => {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i:1" }] } };
  const object = created<CronJob>("batch.v1.CronJob", {
    metadata,
    spec: { schedule: "@daily", jobTemplate: { spec: { template } } },
    status: { lastScheduleTime: "2026-01-01T00:00:00Z" },
  });
  expect(object.spec).toMatchObject({
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    jobTemplate: { spec: { template: { spec: { dnsPolicy: "ClusterFirst" } } } },
  });
  expect(object.status).toEqual({});
});

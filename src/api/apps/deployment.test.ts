/** Deployments: defaults, and the first status. */
import { expect, test } from "vitest";
import { created, daemonSetInput, decoded, withPath } from "../../testing/kind-fixtures.ts";
import type { Deployment } from "../generated/types.gen.ts";

const schema = "apps.v1.Deployment";

test("defaults", () => {
  expect(decoded<Deployment>(schema, daemonSetInput).spec).toMatchObject({
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    template: { spec: { restartPolicy: "Always" } },
  });
});

test("what is set stays, and Recreate gets no numbers", () => {
  const input = withPath(withPath(daemonSetInput, "spec.replicas", 0), "spec.strategy", { type: "Recreate" });
  const { spec } = decoded<Deployment>(schema, input);
  expect(spec.replicas).toBe(0);
  expect(spec.strategy).toEqual({ type: "Recreate" });
});

test("the status of a client is dropped", () => {
  expect(created<Deployment>(schema, { ...daemonSetInput, status: { replicas: 7 } }).status).toEqual({});
});

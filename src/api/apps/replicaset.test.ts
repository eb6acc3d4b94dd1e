/** ReplicaSets: defaults, and the first status. */
import { expect, test } from "vitest";
import { created, daemonSetInput, decoded } from "../../testing/kind-fixtures.ts";
import type { ReplicaSet } from "../generated/types.gen.ts";

const schema = "apps.v1.ReplicaSet";

test("defaults", () => {
  const { spec } = decoded<ReplicaSet>(schema, daemonSetInput);
  expect(spec.replicas).toBe(1);
  expect(spec.template?.spec.restartPolicy).toBe("Always");
});

test("the status of a client is dropped", () => {
  const { status } = created<ReplicaSet>(schema, {
    ...daemonSetInput,
    status: { replicas: 7, readyReplicas: 7 },
  });
  expect(status).toEqual({ replicas: 0 });
});

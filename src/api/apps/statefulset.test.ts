/** StatefulSets: defaults, those of their volume claims among them, and the first status. */
import { expect, test } from "vitest";
import { created, daemonSetInput, decoded, withPath } from "../../testing/kind-fixtures.ts";
import type { StatefulSet } from "../generated/types.gen.ts";

const schema = "apps.v1.StatefulSet";

test("defaults", () => {
  const input = withPath(daemonSetInput, "spec.volumeClaimTemplates", [{ metadata: { name: "data" } }]);
  expect(decoded<StatefulSet>(schema, input).spec).toMatchObject({
    replicas: 1,
    revisionHistoryLimit: 10,
    podManagementPolicy: "OrderedReady",
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    template: { spec: { restartPolicy: "Always" } },
    volumeClaimTemplates: [
      { spec: { resources: {}, volumeMode: "Filesystem" }, status: { phase: "Pending" } },
    ],
  });
});

test("the status of a client is dropped", () => {
  const { status } = created<StatefulSet>(schema, { ...daemonSetInput, status: { replicas: 7 } });
  expect(status).toEqual({ replicas: 0, availableReplicas: 0 });
});

/** The certificate authority's ConfigMap: created, restored, left alone. */
import { expect, test } from "vitest";
import type { ConfigMap, Namespace } from "../../api/index.ts";
import { type Action, configMapName, description, descriptionKey, plan } from "./plan.ts";

const active: Namespace = { metadata: { name: "n" }, spec: {} };
const right: ConfigMap = {
  metadata: { namespace: "n", name: configMapName, annotations: { [descriptionKey]: description } },
  data: { "ca.crt": "PEM" },
};

test.each<
  [name: string, namespace: Namespace | undefined, configMap: ConfigMap | undefined, does: Action["do"]]
>([
  ["missing", active, undefined, "create"],
  ["right", active, right, "nothing"],
  ["another certificate", active, { ...right, data: { "ca.crt": "OLD" } }, "update"],
  ["more data", active, { ...right, data: { "ca.crt": "PEM", x: "y" } }, "update"],
  ["no annotation", active, { ...right, metadata: { namespace: "n", name: configMapName } }, "update"],
  ["namespace is gone", undefined, undefined, "nothing"],
  [
    "namespace is going",
    { ...active, metadata: { name: "n", deletionTimestamp: "t" } },
    undefined,
    "nothing",
  ],
  ["namespace is terminating", { ...active, status: { phase: "Terminating" } }, undefined, "nothing"],
])("%s: %s", (_name, namespace, configMap, does) => {
  expect(plan({ namespace, configMap, rootCa: "PEM" }).do).toBe(does);
});

test("an update keeps foreign annotations and restores the data", () => {
  const configMap = {
    ...right,
    metadata: { ...right.metadata, annotations: { mine: "x" } },
    data: { "ca.crt": "OLD", x: "y" },
  };
  const action = plan({ namespace: active, configMap, rootCa: "PEM" });
  expect(action).toMatchObject({
    configMap: { metadata: { annotations: { mine: "x", [descriptionKey]: description } } },
  });
  expect(action.do === "update" && action.configMap.data).toEqual({ "ca.crt": "PEM" });
});

/** What every namespace has: the certificate authority and the service account, against the real API server. */
import { expect, test } from "vitest";
import { configmaps, namespaces, serviceaccounts } from "../../api/index.ts";
import { withCluster } from "../../testing/cluster.ts";
import { createServiceAccountController } from "../service-account/index.ts";
import { createRootCaController } from "./index.ts";

test("every namespace has both, old and new, and gets them back", async () => {
  await withCluster(async (cluster) => {
    const { client } = cluster;
    await cluster.start(
      createRootCaController({ rootCa: "PEM" }, cluster.dependencies("root-ca-certificate-publisher")),
      createServiceAccountController({}, cluster.dependencies("service-account-controller")),
    );
    await client.create(namespaces, { metadata: { name: "fresh" }, spec: {} });
    await cluster.advance(100);
    const everywhere = ["default", "kube-system", "fresh"];
    const found = await Promise.all(
      everywhere.map(async (namespace) => [
        (await cluster.find(configmaps, "kube-root-ca.crt", namespace))?.data,
        (await cluster.find(serviceaccounts, "default", namespace))?.metadata.name,
      ]),
    );
    expect(found).toEqual(everywhere.map(() => [{ "ca.crt": "PEM" }, "default"]));
    await client.delete(configmaps, { name: "kube-root-ca.crt", namespace: "fresh" });
    await client.delete(serviceaccounts, { name: "default", namespace: "fresh" });
    const body = { data: { "ca.crt": "FORGED", more: "x" } };
    await client.patch(
      configmaps,
      { name: "kube-root-ca.crt", namespace: "default" },
      { type: "merge", body },
    );
    await cluster.advance(100);
    expect((await cluster.find(configmaps, "kube-root-ca.crt", "fresh"))?.data).toEqual({ "ca.crt": "PEM" });
    expect((await cluster.find(configmaps, "kube-root-ca.crt", "default"))?.data).toEqual({
      "ca.crt": "PEM",
    });
    expect(await cluster.find(serviceaccounts, "default", "fresh")).toBeDefined();
    const before = cluster.calls.length;
    await cluster.advance(60_000);
    expect(cluster.calls.slice(before).filter((call) => !call.startsWith("GET"))).toEqual([]);
    expect(cluster.complaints).toEqual([]);
  });
});

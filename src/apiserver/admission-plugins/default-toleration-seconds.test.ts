/** Pods get tolerations of nodes that are not ready or unreachable, at creation and at updates. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { samplePod, TestApiServer } from "../../testing/test-api-server.ts";

const pods = "/api/v1/namespaces/default/pods";
const [notReady, unreachable] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const added = (key: string): object => ({
  key,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 300,
});

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

async function created(tolerations: readonly object[]): Promise<readonly object[]> {
  const pod = samplePod("p") as { spec: object };
  const body = { ...pod, spec: { ...pod.spec, tolerations } };
  return (await api.ok("POST", pods, { body })).spec.tolerations;
}

test.each<[string, readonly object[], readonly object[]]>([
  ["nothing", [], [added(notReady), added(unreachable)]],
  ["everything", [{ operator: "Exists" }], []],
  ["not ready", [{ key: notReady, operator: "Exists" }], [added(unreachable)]],
  [
    "not ready, of another effect",
    [{ key: notReady, operator: "Exists", effect: "NoSchedule" }],
    [added(notReady), added(unreachable)],
  ],
])("a pod that tolerates %s", async (_what, given, more) => {
  expect(await created(given)).toEqual([...given, ...more]);
});

test("an update that says nothing of them keeps them", async () => {
  await created([]);
  const pod = await api.ok("GET", `${pods}/p`);
  const body = {
    ...pod,
    metadata: { ...pod.metadata, labels: { a: "b" } },
    spec: { ...pod.spec, tolerations: [] },
  };
  const updated = await api.ok("PUT", `${pods}/p`, { body });
  expect(updated.metadata.labels).toEqual({ a: "b" });
  expect(updated.spec.tolerations).toEqual([added(notReady), added(unreachable)]);
});

/** Which paths the server answers: what a path names must exist, be where the path says, and take the verb. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Method } from "../machinery/index.ts";
import { samplePod, TestApiServer } from "../testing/test-api-server.ts";

let api: TestApiServer;
beforeAll(async () => {
  api = await TestApiServer.start();
  await api.ok("POST", "/api/v1/namespaces/default/pods", { body: samplePod("log") });
});
afterAll(() => api.stop());

const a = "/api/v1/namespaces/default";

test.each([
  ["GET", "/api/v1/pods", 200],
  ["GET", `${a}/pods/`, 200],
  ["GET", `${a}/pods/log`, 200],
  ["GET", `${a}/pods/log?watch=true`, 200],
  ["GET", a, 200],
  ["GET", "/api/v1/nodes", 200],
  ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Dlog", 200],
  ["GET", "/api/v1/pods/log", 404],
  ["GET", `${a}/nodes`, 404],
  ["GET", `${a}/namespaces`, 404],
  ["GET", `${a}/namespaces/default`, 404],
  ["GET", `${a}/pods/log/nothing`, 404],
  ["GET", `${a}/pods/log/status/deeper`, 404],
  ["GET", `${a}//pods`, 404],
  ["GET", "//api/v1/pods", 404],
  ["GET", "/apis//v1/pods", 404],
  ["GET", "/api/v1/watch", 404],
  ["GET", "/api/v1/watch/pods", 404],
  ["GET", `/api/v1/watch/namespaces/default/pods/log`, 404],
  ["GET", `/api/v1/proxy/namespaces/default/pods/log`, 404],
  ["GET", `${a}/pods/.`, 400],
  ["GET", `${a}/pods/%25`, 400],
  ["GET", `${a}/pods/%zz`, 400],
  ["POST", `${a}/pods/log`, 405],
  ["POST", "/api/v1/pods", 405],
  ["PUT", `${a}/pods`, 405],
  ["PATCH", `${a}/pods`, 405],
  ["DELETE", "/api/v1/pods", 405],
  ["OPTIONS", `${a}/pods`, 405],
  ["GET", `${a}/pods/log/binding`, 405],
] as const satisfies readonly (readonly [Method, string, number])[])(
  "%s %s: %i",
  async (method, target, status) => {
    const { reply } = await api.call(method, target);
    expect(reply.status).toBe(status);
  },
);

test.each([
  ["GET", `${a}/endpoints`, 200],
  ["GET", `${a}/endpoints/none`, 404],
] as const)("%s %s: %i, and says that Endpoints are deprecated", async (method, target, status) => {
  const { reply } = await api.call(method, target);
  expect(reply.status).toBe(status);
  expect(reply.warnings).toEqual([
    "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  ]);
});

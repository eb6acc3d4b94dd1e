/** Calls of a namespaced factory stay in their namespace; nodes are shared. */
import { expect, test } from "vitest";
import { nodes, pods } from "../../api/index.ts";
import { seededRandom, silentLog } from "../../base/index.ts";
import { TestApiServer } from "../../testing/test-api-server.ts";
import { createClient } from "../transport/api-client.ts";
import { loopbackTransport } from "../transport/loopback-transport.ts";
import { inNamespace } from "./namespaced-informers.ts";
import { createInformerFactory } from "./shared-informer.ts";

test("lists and watches are confined to the namespace", async () => {
  const server = await TestApiServer.start();
  const { clock } = server;
  const paths: string[] = [];
  const direct = loopbackTransport(server.handler, { user: { username: "t", groups: ["system:masters"] } });
  const client = createClient({
    ...direct,
    send: (call) => {
      paths.push(call.path);
      return direct.send(call);
    },
    watch: (call, sink) => {
      paths.push(`watch ${call.path}`);
      return direct.watch(call, sink);
    },
  });
  for (const namespace of ["a", "b"]) {
    await server.ok("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
    const body = { metadata: { name: `p-${namespace}` }, spec: { containers: [{ name: "c", image: "i" }] } };
    await server.ok("POST", `/api/v1/namespaces/${namespace}/pods`, { body });
  }
  const factory = createInformerFactory(client, { clock, random: seededRandom(1), log: silentLog });
  const [a, b] = ["a", "b"].map((namespace) => inNamespace(factory, namespace)) as [
    typeof factory,
    typeof factory,
  ];
  const stop = new AbortController();
  const [podsOfA, podsOfB] = [a.for(pods), b.for(pods)];
  expect(a.for(nodes)).toBe(b.for(nodes));
  a.start(stop.signal);
  await clock.advance(1_000);
  await b.waitForSync(stop.signal);
  expect(podsOfA.lister.list().map(({ metadata }) => metadata.name)).toEqual(["p-a"]);
  expect(podsOfB.lister.list().map(({ metadata }) => metadata.name)).toEqual(["p-b"]);
  expect(paths.toSorted()).toEqual([
    "/api/v1/namespaces/a/pods",
    "/api/v1/namespaces/b/pods",
    "/api/v1/nodes",
    "watch /api/v1/namespaces/a/pods",
    "watch /api/v1/namespaces/b/pods",
    "watch /api/v1/nodes",
  ]);
  stop.abort();
  await server.stop();
});

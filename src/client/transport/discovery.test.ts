/** What a server serves, in either form of discovery, also when it does not know some versions. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { kinds } from "../../api/index.ts";
import { TestApiServer } from "../../testing/test-api-server.ts";
import { createClient } from "./api-client.ts";
import type { Transport, TransportCall, TransportReply } from "./client.ts";
import type { DiscoveredVersion } from "./discovery.ts";
import { loopbackTransport } from "./loopback-transport.ts";

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

/** Discovery over a transport that changes calls or replies. */
async function discovered(change: {
  readonly ask?: (call: TransportCall) => TransportCall;
  readonly answer?: (call: TransportCall, reply: TransportReply) => TransportReply;
}): Promise<{ readonly versions: readonly DiscoveredVersion[]; readonly paths: readonly string[] }> {
  const { ask = (call) => call, answer = (_call, reply) => reply } = change;
  const user = { username: "tester", groups: ["system:masters"] };
  const inner = loopbackTransport(api.handler, { user });
  const paths: string[] = [];
  const transport: Transport = {
    ...inner,
    send: async (call) => {
      paths.push(call.path);
      const asked = ask(call);
      return answer(asked, await inner.send(asked));
    },
  };
  return { versions: await createClient(transport).discover(), paths };
}

const plain = (call: TransportCall): TransportCall => ({ ...call, accept: "application/json" });
const served = kinds.map(({ resource, verbs }) => ({ ...resource, verbs }));

test("two requests return everything that is served, in the server's order", async () => {
  const { versions, paths } = await discovered({});
  expect(paths).toEqual(["/api", "/apis"]);
  expect(versions.flatMap(({ resources }) => resources)).toEqual(served);
  expect(versions.every(({ isKnown }) => isKnown)).toBe(true);
});

test("a server with only the legacy form gets a request for each version", async () => {
  const { versions, paths } = await discovered({ ask: plain });
  expect(versions).toEqual((await discovered({})).versions);
  expect(paths).toHaveLength(2 + versions.length);
});

test("versions that the server does not know are named", async () => {
  const unknown = (versions: readonly DiscoveredVersion[]): unknown =>
    versions
      .filter(({ isKnown }) => !isKnown)
      .map(({ group, version, resources }) => [group, version, resources]);
  const away = await discovered({
    ask: plain,
    answer: (call, reply) => (call.path === "/apis/apps/v1" ? { ...reply, status: 503, object: {} } : reply),
  });
  expect(unknown(away.versions)).toEqual([["apps", "v1", []]]);
  const stale = await discovered({
    answer: (_call, reply) => {
      const document = structuredClone(reply.object) as {
        items: { metadata: { name?: string }; versions: { freshness: string }[] }[];
      };
      for (const { metadata, versions } of document.items)
        if (metadata.name === "apps") versions[0]!.freshness = "Stale";
      return { ...reply, object: document };
    },
  });
  expect(unknown(stale.versions)).toEqual([["apps", "v1", []]]);
  expect(stale.versions).toHaveLength(away.versions.length);
});

test("a server that does not list its groups is an error", async () => {
  const refused = discovered({
    answer: (call, reply) => (call.path === "/apis" ? { ...reply, status: 503, object: {} } : reply),
  });
  await expect(refused).rejects.toMatchObject({ status: { code: 503 } });
});

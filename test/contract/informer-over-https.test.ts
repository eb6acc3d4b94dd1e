/**
 * An informer over real HTTPS whose server has forgotten the history it asks for (410), after its connections were cut:
 * it lists anew, and its cache and handlers tell the truth. Not here: the reflector's rules (src/client).
 */
import { expect, test } from "vitest";
import { serveHttp } from "../../src/apiserver/index.ts";
import { type ConfigMap, configmaps } from "../../src/api/index.ts";
import { type Log, seededRandom, silentLog } from "../../src/base/index.ts";
import { createClient, createInformerFactory, httpTransport } from "../../src/client/index.ts";
import { createMemoryStore } from "../../src/storage/index.ts";
import { turns } from "../../src/testing/http.ts";
import { TestApiServer } from "../../src/testing/test-api-server.ts";
import { testTls } from "../../src/testing/tls.ts";
import { FaultProxy } from "../e2e/fault-proxy.ts";

/** Twice the events of one kind that the server keeps in memory (it forgets half at a time), and some more. */
const eventsBeyondMemory = 4_500;

test("a watch that cannot go on where it was is replaced by a list", async () => {
  const store = createMemoryStore();
  const server = await TestApiServer.start({ store });
  const { clock } = server;
  const tls = await testTls();
  const random = seededRandom(1);
  const http = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    handler: server.handler,
    clock,
    random,
    tls: { key: tls.server.key, cert: tls.server.cert, clientCa: tls.ca.cert },
  });
  const proxy = await FaultProxy.open(new URL(`https://127.0.0.1:${http.port}`));
  const admin = await tls.client("admin", ["system:masters"]);
  const transport = httpTransport({
    server: `https://127.0.0.1:${proxy.port}`,
    ca: tls.ca.cert,
    clock,
    ...admin,
  });
  const said: string[] = [];
  const log: Log = { ...silentLog, debug: (message) => void said.push(message) };
  const informers = createInformerFactory(createClient(transport), { clock, random, log });
  const informer = informers.for(configmaps);
  const deleted: string[] = [];
  informer.addHandler({
    deleted: ({ metadata }, isStale) => void deleted.push(`${metadata.name} ${isStale ? "stale" : ""}`),
  });
  const stop = new AbortController();
  const path = "/api/v1/namespaces/default/configmaps";
  const put = (name: string, n: number): Promise<ConfigMap> =>
    server.ok("PUT", `${path}/${name}`, { body: { metadata: { name }, data: { n: String(n) } } });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      await turns();
      await clock.advance(500);
    }
  };
  try {
    for (const name of ["kept", "gone"]) await server.ok("POST", path, { body: { metadata: { name } } });
    informers.start(stop.signal);
    await until(() => informer.lister.size >= 2 && proxy.connections > 0);
    await turns();

    proxy.blackHole();
    for (let n = 1; n <= eventsBeyondMemory; n++) await put("kept", n);
    await server.ok("DELETE", `${path}/gone`);
    await store.compact(store.currentRevision());
    proxy.heal();
    proxy.cut();

    const newest = (): string | undefined => informer.lister.get("default/kept")?.data?.["n"];
    await until(() => newest() === String(eventsBeyondMemory));
    expect(said).toContain("watch expired, listing again");
    expect(deleted).toEqual(["gone stale"]);
    await put("kept", 0);
    await until(() => newest() === "0");
    stop.abort(new Error("test ends"));
    await turns();
  } finally {
    stop.abort(new Error("test ends"));
    await transport.close();
    await proxy.close();
    await http.close();
    await server.stop();
  }
});

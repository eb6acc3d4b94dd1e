/** A node that the server does not take is registered later, by a simulated clock against the real API server. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Node, nodes } from "../../api/index.ts";
import { createLimiter, type Log, seededRandom, silentLog } from "../../base/index.ts";
import { createClient, loopbackTransport, type TransportReply } from "../../client/index.ts";
import { serviceUnavailable } from "../../machinery/index.ts";
import { tamperedTransport } from "../../testing/tampered-transport.ts";
import { TestApiServer } from "../../testing/test-api-server.ts";
import { registerNode } from "./registration.ts";

let server: TestApiServer;
let stop: AbortController;
/** While true, the server is away: creations are answered 503. */
let isAway: boolean;
/** When each creation was tried, in ms. */
let tries: number[];
let errors: number;

beforeEach(async () => {
  server = await TestApiServer.start();
  stop = new AbortController();
  isAway = true;
  tries = [];
  errors = 0;
});
afterEach(() => server.stop());

const node: Node = { apiVersion: "v1", kind: "Node", metadata: { name: "n1" }, spec: {} };

function register(): { readonly hasEnded: boolean } {
  const refusal: TransportReply = { status: 503, object: serviceUnavailable("away").status, warnings: [] };
  const network = tamperedTransport(
    loopbackTransport(server.handler, { user: { username: "n", groups: ["system:masters"] } }),
    {
      send: (call) => {
        if (call.method === "POST") tries.push(server.clock.monotonicMs());
        return isAway ? refusal : call;
      },
    },
  );
  const log: Log = { ...silentLog, error: () => void errors++ };
  const random = seededRandom(3);
  const dependencies = {
    client: createClient(network),
    clock: server.clock,
    random,
    log,
    writes: createLimiter(1),
  };
  const result = { hasEnded: false };
  void registerNode(node, dependencies, stop.signal).then(() => (result.hasEnded = true));
  return result;
}

test("a refused node is there as soon as the server takes it, and the refusal is logged once", async () => {
  const registration = register();
  await server.clock.advance(60_000);
  expect(registration.hasEnded).toBe(false);
  isAway = false;
  await server.clock.advance(7_000);
  expect((await server.call("GET", "/api/v1/nodes/n1")).status).toBe(200);
  expect(registration.hasEnded).toBe(true);
  expect(errors).toBe(1);
});

test("pauses grow from 50 ms to at most 7 s, and never end", async () => {
  register();
  await server.clock.advance(600_000);
  const pauses = tries.slice(1).map((at, index) => at - tries[index]!);
  expect(pauses[0]).toBeGreaterThanOrEqual(50);
  expect(pauses[0]).toBeLessThanOrEqual(100);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(7_000);
  expect(Math.min(...pauses.slice(8))).toBeGreaterThanOrEqual(3_500);
  expect(tries.length).toBeGreaterThan(600_000 / 7_000);
});

test("a node of that name that is there already is registered", async () => {
  await createClient(
    loopbackTransport(server.handler, { user: { username: "n", groups: ["system:masters"] } }),
  ).create(nodes, node);
  isAway = false;
  const registration = register();
  await server.clock.advance(0);
  expect(registration.hasEnded).toBe(true);
  expect(errors).toBe(0);
});

test("an abort ends the registration", async () => {
  const registration = register();
  await server.clock.advance(1_000);
  stop.abort();
  await server.clock.advance(0);
  expect(registration.hasEnded).toBe(true);
  const before = tries.length;
  await server.clock.advance(60_000);
  expect(tries.length).toBe(before);
});

/**
 * The client contract, in one process: with one server on the memory store, and with two servers on one foreign store where
 * each call goes to the next server.
 */
import { createApiServer } from "../../src/apiserver/index.ts";
import { seededRandom, silentLog, silentMetrics, SimulatedClock } from "../../src/base/index.ts";
import { createMemoryStore } from "../../src/storage/index.ts";
import { ServerPair } from "../../src/testing/server-pair.ts";
import { clientContract, type ClientWorld } from "./client-contract.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Some calls in a row over the foreign store's network. */
const settleMs = 500;

async function oneServer(seed: number): Promise<ClientWorld> {
  const clock = new SimulatedClock();
  const random = seededRandom(seed);
  const store = createMemoryStore({ clock });
  const dependencies = { store, clock, random, log: silentLog, metrics: silentMetrics };
  const server = createApiServer({ freeze: true }, dependencies);
  const end = new AbortController();
  void server.run(end.signal);
  await server.ready;
  return {
    clock,
    random,
    handler: server.handler,
    compact: () => store.compact(store.currentRevision()),
    settle: turn,
    advance: (ms) => clock.advance(ms, turn),
    stop: async () => {
      end.abort();
      await turn();
    },
  };
}

async function twoServers(seed: number): Promise<ClientWorld> {
  const pair = await ServerPair.start(seed);
  const { clock, driver, database, handler } = pair;
  return {
    clock,
    random: seededRandom(seed),
    handler,
    compact: async () => database.compact(database.revision),
    settle: () => driver.pass(settleMs),
    advance: (ms) => driver.pass(ms),
    stop: () => pair.stop(),
  };
}

clientContract({ name: "one server", open: oneServer, sharesObjects: true, runs: 30 });
clientContract({ name: "two servers on one store", open: twoServers, sharesObjects: false, runs: 15 });

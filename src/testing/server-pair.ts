/**
 * Two API servers over one foreign store, each with a connection of its own, in simulated time that advances while a call waits.
 * Not here: the store (foreign-store.ts), one server (test-api-server.ts).
 */
import { seededRandom, SimulatedClock } from "../base/index.ts";
import type { ApiHandler } from "../machinery/index.ts";
import { ForeignDatabase } from "./foreign-database.ts";
import { type ForeignFaults, ForeignStore } from "./foreign-store.ts";
import { TestApiServer } from "./test-api-server.ts";
import { TimeDriver } from "./time-driver.ts";

export class ServerPair {
  readonly clock: SimulatedClock = new SimulatedClock();
  readonly driver: TimeDriver = new TimeDriver(this.clock);
  readonly database: ForeignDatabase;
  readonly stores: readonly [ForeignStore, ForeignStore];
  readonly servers: readonly [TestApiServer, TestApiServer];
  #calls = 0;

  constructor(seed: number, database: ForeignDatabase = new ForeignDatabase()) {
    const { clock } = this;
    this.database = database;
    const storeOf = (at: number): ForeignStore =>
      new ForeignStore(database, { clock, random: seededRandom(seed * 10 + at) });
    this.stores = [storeOf(1), storeOf(2)];
    const serverOf = (at: 0 | 1): TestApiServer =>
      new TestApiServer({ store: this.stores[at], clock, seed: seed * 10 + 3 + at });
    this.servers = [serverOf(0), serverOf(1)];
  }

  /** Both servers are ready when it resolves. `database` is a new one, or one with a past. */
  static async start(seed: number, database?: ForeignDatabase): Promise<ServerPair> {
    const pair = new ServerPair(seed, database);
    await pair.driver.until(Promise.all(pair.servers.map(({ server }) => server.ready)));
    return pair;
  }

  /** Sets the faults of both connections from now on. */
  set faults(faults: ForeignFaults) {
    for (const store of this.stores) store.faults = faults;
  }

  /** Each call goes to the next server. */
  readonly handler: ApiHandler = (call) => this.handlerOf((this.#calls++ % 2) as 0 | 1)(call);

  handlerOf(at: 0 | 1): ApiHandler {
    return (call) => this.driver.until(this.servers[at].handler(call));
  }

  async stop(): Promise<void> {
    await this.driver.until(Promise.all(this.servers.map((server) => server.stop())));
    await this.driver.until(Promise.all(this.stores.map((store) => store.close())));
  }
}

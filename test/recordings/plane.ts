/**
 * Control planes for recordings: what `lares server` starts, on a memory store, in this process. No nodes.
 * A scenario has a plane to itself while it plays; the next one of the pool takes it over, as on one server.
 * Not here: playing (player.ts).
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../src/base/index.ts";
import { startControlPlane } from "../../src/main/control-plane.ts";
import { systemClock } from "../../src/main/system.ts";
import { createMemoryStore } from "../../src/storage/index.ts";
import { httpsSender, loopbackSender, type Sender } from "./senders.ts";

export interface Plane {
  readonly sender: Sender;
  /** The administrator's. */
  readonly token: string;
  stop(): Promise<void>;
}

export async function startPlane(over: Sender["over"]): Promise<Plane> {
  const dataDir = mkdtempSync(join(tmpdir(), "lares-recordings-"));
  const store = createMemoryStore({ clock: systemClock });
  const log = silentLog;
  const plane = await startControlPlane({
    dataDir,
    store,
    log,
    port: 0,
    fresh: false,
    placement: "affinity",
  });
  const sender = over === "HTTPS" ? httpsSender(plane.url) : loopbackSender(plane.handler);
  return {
    sender,
    token: readFileSync(join(dataDir, "pki", "admin.token"), "utf8").trim(),
    stop: async () => {
      sender.close();
      await plane.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Lends planes; starts one when all are lent, up to a number. */
export class PlanePool {
  readonly #start: () => Promise<Plane>;
  readonly #planesMax: number;
  readonly #all: Promise<Plane>[] = [];
  readonly #free: Promise<Plane>[] = [];
  readonly #waiting: ((plane: Promise<Plane>) => void)[] = [];

  constructor(start: () => Promise<Plane>, planesMax: number) {
    this.#start = start;
    this.#planesMax = planesMax;
  }

  async with<T>(use: (plane: Plane) => Promise<T>): Promise<T> {
    const plane = await this.#take();
    try {
      return await use(plane);
    } finally {
      this.#give(Promise.resolve(plane));
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map(async (plane) => (await plane).stop()));
  }

  #take(): Promise<Plane> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#all.length >= this.#planesMax) return new Promise((resolve) => this.#waiting.push(resolve));
    const started = this.#start();
    this.#all.push(started);
    return started;
  }

  #give(plane: Promise<Plane>): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(plane);
    else next(plane);
  }
}

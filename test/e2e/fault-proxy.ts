/**
 * A TCP proxy with faults on demand, between a program under test and the API server. TLS passes through unchanged.
 *
 *   pass ──▶ cut: all connections are reset
 *        ──▶ black hole: bytes vanish without a reset; connections of that time stay dead for ever
 *        ──▶ delay: each piece comes later, in order
 *        ──▶ truncate: a reply stops in the middle and the connection is reset
 *
 * For tests under test/e2e only.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing passes any more, without a reset. */
  isDead: boolean;
}

export class FaultProxy {
  readonly #listener: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  #isBlackHole = false;
  #delayMs = 0;
  #truncations = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#listener = createServer((client) => this.#accept(client));
  }

  static async open(url: URL): Promise<FaultProxy> {
    const proxy = new FaultProxy({ host: url.hostname, port: Number(url.port) });
    await new Promise<void>((resolve) => proxy.#listener.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Connections that are open and alive. */
  get connections(): number {
    return [...this.#pairs].filter(({ isDead }) => !isDead).length;
  }

  /** Resets every connection now; new ones pass. */
  cut(): void {
    for (const pair of this.#pairs) reset(pair);
  }

  /** From now on bytes vanish both ways, on old connections and new ones. */
  blackHole(): void {
    this.#isBlackHole = true;
    for (const pair of this.#pairs) pair.isDead = true;
  }

  /** New connections pass without faults; those of a black hole stay dead. */
  heal(): void {
    this.#isBlackHole = false;
    this.#delayMs = 0;
    this.#truncations = 0;
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Of each of the next `pieces` chunks from the server half arrives, and its connection is reset. */
  truncate(pieces: number): void {
    this.#truncations = pieces;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#listener.close(resolve));
  }

  #accept(client: Socket): void {
    const pair: Pair = { client, server: connect(this.#target), isDead: this.#isBlackHole };
    this.#pairs.add(pair);
    client.on("data", (bytes) => this.#forward(pair, pair.server, bytes));
    pair.server.on("data", (bytes) => {
      if (!pair.isDead && this.#truncations > 0 && bytes.length > 1) {
        this.#truncations--;
        client.write(bytes.subarray(0, bytes.length >> 1), () => reset(pair));
        pair.isDead = true;
      } else this.#forward(pair, client, bytes);
    });
    for (const [socket, other] of [
      [client, pair.server],
      [pair.server, client],
    ] as const) {
      socket.on("error", () => {});
      socket.on("end", () => {
        if (!pair.isDead) other.end();
      });
      socket.on("close", () => {
        if (pair.isDead && socket === pair.client) return;
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  #forward(pair: Pair, to: Socket, bytes: Buffer): void {
    if (pair.isDead) return;
    const write = (): void => void (!pair.isDead && !to.destroyed && to.write(bytes));
    if (this.#delayMs === 0) write();
    else setTimeout(write, this.#delayMs);
  }
}

function reset({ client, server }: Pair): void {
  client.resetAndDestroy();
  server.resetAndDestroy();
}

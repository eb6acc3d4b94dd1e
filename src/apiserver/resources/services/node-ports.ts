/**
 * Node ports of Services: a key of the store for each, whose value names the Service. No API shows them.
 * Not here: which ports a Service needs (allocator.ts), what is wrong in the store (repair.ts).
 * Upstream: kubernetes v1.35, pkg/registry/core/service/portallocator/allocator.go. There it is one bitmap for all.
 */
import type { Clock, Random } from "../../../base/index.ts";
import { type KeyValue, type Store, storageFailureOf } from "../../../storage/index.ts";
import { NotAvailable, type Owner } from "./cluster-ips.ts";
import type { PortRange } from "./ranges.ts";
import { takeAny } from "./stock.ts";

const prefix = "/internal/nodeports/";

export interface TakenPort extends Owner {
  readonly port: number;
  readonly takenAtMs: number;
  readonly stored: KeyValue;
}

export class NodePorts {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #range: PortRange;

  constructor(dependencies: {
    readonly store: Store;
    readonly clock: Clock;
    readonly random: Random;
    readonly range: PortRange;
  }) {
    this.#store = dependencies.store;
    this.#clock = dependencies.clock;
    this.#random = dependencies.random;
    this.#range = dependencies.range;
  }

  /** The given port. A dry run takes any, as upstream. @throws NotAvailable. */
  async take(port: number, owner: Owner, options: { readonly isDryRun: boolean }): Promise<void> {
    if (options.isDryRun) return;
    const index = port - Number(this.#range.first);
    if (index < 0 || index >= this.#range.size)
      throw new NotAvailable(
        `provided port is not in the valid range. The range of valid ports is ${this.#range.text}`,
      );
    if (!(await this.tryTake(port, owner))) throw new NotAvailable("provided port is already allocated");
  }

  /** @param apart ports that the same Service has already. @throws NotAvailable when nothing is left. */
  async takeAny(
    owner: Owner,
    options: { readonly isDryRun: boolean; readonly apart: ReadonlySet<number> },
  ): Promise<number> {
    const portAt = (index: number): number => Number(this.#range.first) + index;
    const index = await takeAny(this.#range, this.#random, {
      mayBeFree: (at) => !options.apart.has(portAt(at)),
      tryTake: async (at) => options.isDryRun || this.tryTake(portAt(at), owner),
    });
    if (index === undefined) throw new NotAvailable("range is full");
    return portAt(index);
  }

  /** False when somebody has it. */
  async tryTake(port: number, owner: Owner): Promise<boolean> {
    const value = JSON.stringify({ ...owner, takenAtMs: this.#clock.nowMs() });
    try {
      await this.#store.create(`${prefix}${port}`, new TextEncoder().encode(value));
      return true;
    } catch (error) {
      if (storageFailureOf(error)?.code === "exists") return false;
      throw error;
    }
  }

  /** Nothing happens when another one has it. */
  async giveBack(port: number, owner: Owner): Promise<void> {
    const stored = await this.#store.get(`${prefix}${port}`);
    const taken = stored === undefined ? undefined : takenPort(stored);
    if (taken?.namespace === owner.namespace && taken.name === owner.name) await this.remove(taken);
  }

  /** Unless it was given back and taken again meanwhile. */
  async remove({ stored }: TakenPort): Promise<void> {
    try {
      await this.#store.delete(stored.key, stored.modRevision);
    } catch (error) {
      const code = storageFailureOf(error)?.code;
      if (code !== "conflict" && code !== "not-found") throw error;
    }
  }

  async all(): Promise<readonly TakenPort[]> {
    const { items } = await this.#store.list({ prefix });
    return items.flatMap((item) => takenPort(item) ?? []);
  }
}

/** Undefined for what somebody else has put there. Nobody gets such a port. */
function takenPort(stored: KeyValue): TakenPort | undefined {
  let value: Partial<TakenPort> | null;
  try {
    value = JSON.parse(new TextDecoder().decode(stored.value)) as Partial<TakenPort> | null;
  } catch {
    return undefined;
  }
  const { namespace, name, takenAtMs } = value ?? {};
  if (typeof namespace !== "string" || typeof name !== "string" || typeof takenAtMs !== "number")
    return undefined;
  return { port: Number(stored.key.slice(prefix.length)), namespace, name, takenAtMs, stored };
}

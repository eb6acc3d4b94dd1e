/**
 * What one Service is given for one write: families, addresses, node ports and a port for health checks.
 *
 *   wanted and had already   stays
 *   wanted and not had       taken now, goes back when the write is not made
 *   had and not wanted       goes back when the write is made
 *
 * Not here: where a taken thing stands (cluster-ips.ts, node-ports.ts), what is carried over before (api/core/service/carry.ts).
 * Upstream: kubernetes v1.35, pkg/registry/core/service/storage/alloc.go.
 * Differs: a port for health checks that is not to be had is the client's mistake (422), where upstream answers 500.
 */
import {
  clusterIpsOf,
  completeFamilies,
  isHeadless,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
  nodePortsOf,
  type Service,
  services,
} from "../../../api/index.ts";
import type { Log } from "../../../base/index.ts";
import {
  type Draft,
  dns1035LabelErrors,
  internalError,
  invalid,
  invalidValue,
  type KubeObject,
} from "../../../machinery/index.ts";
import type { Allocation, Allocator } from "../../registry/allocator.ts";
import { type ClusterIps, NotAvailable, type Owner } from "./cluster-ips.ts";
import type { NodePorts } from "./node-ports.ts";
import type { AddressRange } from "./ranges.ts";

export interface ServiceStocks {
  readonly ips: ClusterIps;
  readonly ports: NodePorts;
  /** The default one first. */
  readonly ranges: () => readonly AddressRange[];
  readonly log: Log;
}

export function serviceAllocator(stocks: ServiceStocks): Allocator {
  return {
    async allocate(draft, before, { isDryRun }) {
      const given = new Given(stocks, draft as Draft<Service>, { before: before as Service, isDryRun });
      try {
        await given.take();
      } catch (error) {
        await given.revert();
        throw error;
      }
      return given;
    },
    async release(removed) {
      const service = removed as Service;
      await giveBack(stocks, ownerOf(service), { ips: clusterIpsOf(service), ports: nodePortsOf(service) });
    },
  };
}

export function ownerOf({ metadata }: KubeObject): Owner {
  return { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
}

interface Things {
  readonly ips: readonly string[];
  readonly ports: readonly number[];
}

/** What cannot be given back now is found by the repair. */
async function giveBack(stocks: ServiceStocks, owner: Owner, { ips, ports }: Things): Promise<void> {
  const all = [
    ...ips.map((ip) => stocks.ips.giveBack(ip, owner)),
    ...ports.map((port) => stocks.ports.giveBack(port, owner)),
  ];
  for (const outcome of await Promise.allSettled(all)) {
    if (outcome.status === "fulfilled") continue;
    stocks.log.warn("an address or port of a service could not be given back yet", {
      service: `${owner.namespace}/${owner.name}`,
      error: String(outcome.reason),
    });
  }
}

class Given implements Allocation {
  readonly #stocks: ServiceStocks;
  readonly #draft: Draft<Service>;
  readonly #before: Service | undefined;
  readonly #isDryRun: boolean;
  readonly #owner: Owner;
  readonly #takenIps: string[] = [];
  readonly #takenPorts: number[] = [];

  constructor(
    stocks: ServiceStocks,
    draft: Draft<Service>,
    { before, isDryRun }: { readonly before: Service | undefined; readonly isDryRun: boolean },
  ) {
    this.#stocks = stocks;
    this.#draft = draft;
    this.#before = before;
    this.#isDryRun = isDryRun;
    this.#owner = ownerOf(draft);
  }

  async take(): Promise<void> {
    // What has no valid name is refused in a moment.
    if (dns1035LabelErrors(this.#owner.name).length > 0) return;
    const families = this.#stocks.ranges().map(({ family }) => family);
    const errors = completeFamilies(this.#draft, this.#before, families);
    if (errors.length > 0) throw invalid(services, this.#owner.name, errors);
    await this.#takeIps();
    await this.#takePorts();
    await this.#takeHealthCheckPort();
  }

  async commit(): Promise<void> {
    if (this.#isDryRun || this.#before === undefined) return;
    const [ips, ports] = [new Set(clusterIpsOf(this.#draft)), new Set(nodePortsOf(this.#draft))];
    await giveBack(this.#stocks, this.#owner, {
      ips: clusterIpsOf(this.#before).filter((ip) => !ips.has(ip)),
      ports: nodePortsOf(this.#before).filter((port) => !ports.has(port)),
    });
  }

  async revert(): Promise<void> {
    if (this.#isDryRun) return;
    await giveBack(this.#stocks, this.#owner, { ips: this.#takenIps, ports: this.#takenPorts });
  }

  async #takeIps(): Promise<void> {
    const { spec } = this.#draft;
    if (!needsClusterIp(this.#draft) || isHeadless(this.#draft)) return;
    if (this.#before !== undefined && isHeadless(this.#before)) return;
    const had = this.#before === undefined ? [] : clusterIpsOf(this.#before);
    const ips = [...(spec.clusterIPs ?? [])];
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      // Another one in the place of one that it had is refused by the rules.
      if (had[index] !== undefined) continue;
      const range = this.#stocks.ranges().find((one) => one.family === family);
      if (range !== undefined) ips[index] = await this.#takeIp(range, ips[index] ?? "", ips);
    }
    if (ips.length === 0) return;
    spec.clusterIPs = ips;
    spec.clusterIP = ips[0]!;
  }

  async #takeIp(range: AddressRange, asked: string, all: readonly string[]): Promise<string> {
    const options = { range, isDryRun: this.#isDryRun };
    try {
      const ip = asked || (await this.#stocks.ips.takeAny(this.#owner, options));
      if (asked !== "") await this.#stocks.ips.take(asked, this.#owner, options);
      this.#takenIps.push(ip);
      return ip;
    } catch (error) {
      if (!(error instanceof NotAvailable)) throw error;
      if (asked === "") throw internalError(new Error(`failed to allocate a serviceIP: ${error.message}`));
      const text = `failed to allocate IP ${asked}: ${error.message}`;
      throw invalid(services, this.#owner.name, [invalidValue("spec.clusterIPs", all, text)]);
    }
  }

  async #takePorts(): Promise<void> {
    const { type, ports = [], allocateLoadBalancerNodePorts } = this.#draft.spec;
    if (!needsNodePorts(this.#draft)) return;
    const known = new Set(this.#before === undefined ? [] : nodePortsOf(this.#before));
    for (const [index, { nodePort }] of ports.entries()) {
      if (!nodePort || known.has(nodePort)) continue;
      await this.#takePort(nodePort, `spec.ports[${index}].nodePort`);
      known.add(nodePort);
    }
    if (type === "LoadBalancer" && allocateLoadBalancerNodePorts === false) return;
    // One port of two protocols has one node port.
    const byPort = new Map<number, number>();
    for (const { port, nodePort } of ports) if (nodePort && !byPort.has(port)) byPort.set(port, nodePort);
    for (const port of ports) {
      if (port.nodePort) continue;
      const number = byPort.get(port.port) ?? (await this.#takeAnyPort("nodePort", known));
      port.nodePort = number;
      byPort.set(port.port, number);
      known.add(number);
    }
  }

  async #takeHealthCheckPort(): Promise<void> {
    const { spec } = this.#draft;
    const before = this.#before;
    const had =
      before !== undefined && needsHealthCheckPort(before) ? before.spec.healthCheckNodePort : undefined;
    if (!needsHealthCheckPort(this.#draft)) {
      if (had !== undefined) delete spec.healthCheckNodePort;
      return;
    }
    const asked = spec.healthCheckNodePort ?? 0;
    // Another one in the place of one that it had is refused by the rules.
    if (had !== undefined && asked !== 0) return;
    if (asked !== 0) await this.#takePort(asked, "spec.healthCheckNodePort");
    else
      spec.healthCheckNodePort = await this.#takeAnyPort(
        "HealthCheck NodePort",
        new Set(nodePortsOf(this.#draft)),
      );
  }

  async #takePort(port: number, field: string): Promise<void> {
    try {
      await this.#stocks.ports.take(port, this.#owner, { isDryRun: this.#isDryRun });
      this.#takenPorts.push(port);
    } catch (error) {
      if (!(error instanceof NotAvailable)) throw error;
      throw invalid(services, this.#owner.name, [invalidValue(field, port, error.message)]);
    }
  }

  async #takeAnyPort(what: string, apart: ReadonlySet<number>): Promise<number> {
    try {
      const port = await this.#stocks.ports.takeAny(this.#owner, { isDryRun: this.#isDryRun, apart });
      this.#takenPorts.push(port);
      return port;
    } catch (error) {
      if (!(error instanceof NotAvailable)) throw error;
      throw internalError(new Error(`failed to allocate a ${what}: ${error.message}`));
    }
  }
}

/**
 * Services as a part of the server: their ranges, what gives them addresses and ports, and its repair.
 *
 *   start: the ServiceCIDR is there ─▶ one repair ─▶ served ─▶ a repair every three minutes
 *
 * Not here: the `kubernetes` Service (../kubernetes-service.ts).
 * Design: docs/designs/0013-service-addresses.md.
 */
import {
  formatCidr,
  ipaddresses,
  servedCidrName,
  type ServiceCIDR,
  servicecidrs,
  services,
} from "../../../api/index.ts";
import { assert, type Clock, type Log, type Random, sleep } from "../../../base/index.ts";
import {
  apiVersionOf,
  copyJson,
  type Draft,
  isAlreadyExists,
  type KubeObject,
} from "../../../machinery/index.ts";
import type { Store } from "../../../storage/index.ts";
import type { Allocator } from "../../registry/allocator.ts";
import type { ResourceRegistry } from "../../registry/resource-registry.ts";
import { statusErrorOf } from "../../registry/storage-errors.ts";
import type { Writes } from "../../registry/writes.ts";
import { serviceAllocator } from "./allocator.ts";
import { ClusterIps, serverWriter } from "./cluster-ips.ts";
import { NodePorts } from "./node-ports.ts";
import {
  addressAt,
  type AddressRange,
  defaultClusterIpRange,
  defaultNodePortRange,
  parseClusterIpRanges,
  parsePortRange,
} from "./ranges.ts";
import { repairServices } from "./repair.ts";

/** As upstream's repair loops. */
const repairEveryMs = 180_000;

export interface ServiceRangeOptions {
  /** `10.96.0.0/16`, or one of each family. Only a store without a ServiceCIDR takes it. */
  readonly clusterIpRange?: string;
  /** `30000-32767`. */
  readonly nodePortRange?: string;
}

export interface ServicesDependencies {
  readonly writes: Writes;
  readonly resources: ResourceRegistry;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class Services {
  readonly allocator: Allocator;
  readonly #dependencies: ServicesDependencies;
  readonly #ips: ClusterIps;
  readonly #ports: NodePorts;
  #ranges: readonly AddressRange[];

  /** @throws defect for ranges that are none: whoever takes options checks them before. */
  constructor(options: ServiceRangeOptions, dependencies: ServicesDependencies) {
    const { writes, resources, store, clock, random, log } = dependencies;
    const ranges = parseClusterIpRanges(options.clusterIpRange ?? defaultClusterIpRange);
    const ports = parsePortRange(options.nodePortRange ?? defaultNodePortRange);
    assert(typeof ranges !== "string" && typeof ports !== "string", "a range of services is none", options);
    this.#dependencies = dependencies;
    this.#ranges = ranges;
    this.#ips = new ClusterIps({ writes, random, served: () => resources.of(ipaddresses) });
    this.#ports = new NodePorts({ store, clock, random, range: ports });
    this.allocator = serviceAllocator({
      ips: this.#ips,
      ports: this.#ports,
      ranges: () => this.#ranges,
      log,
    });
  }

  /** The address of the `kubernetes` Service. */
  get firstIp(): string {
    return addressAt(this.#ranges[0]!, 0);
  }

  /** Before anything is served. @throws StatusError, StorageError when the store does not answer. */
  async prepare(): Promise<void> {
    const { log } = this.#dependencies;
    const wanted = cidrsOf(this.#ranges);
    const { cidrs = [] } = (await this.#serviceCidr(wanted)).spec;
    const stored = parseClusterIpRanges(cidrs.join());
    if (typeof stored === "string") log.warn("the ServiceCIDR is not usable", { why: stored });
    else {
      if (cidrsOf(stored).join() !== wanted.join())
        log.warn("services have another range since the first start", {
          range: cidrs.join(),
          asked: wanted.join(),
        });
      this.#ranges = stored;
    }
    await this.#repair();
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#dependencies;
    for (;;) {
      try {
        await sleep(clock, repairEveryMs, signal);
      } catch {
        return;
      }
      try {
        await this.#repair();
      } catch (error) {
        if (statusErrorOf(error).status.code === 500) throw error;
        log.warn("addresses of services could not be repaired yet", { error: String(error) });
      }
    }
  }

  #repair(): Promise<void> {
    const { writes, resources, clock, log } = this.#dependencies;
    return repairServices({
      writes,
      clock,
      log,
      services: () => resources.of(services),
      addresses: () => resources.of(ipaddresses),
      allocator: this.allocator,
      ips: this.#ips,
      ports: this.#ports,
    });
  }

  /** The stored one, or a new one. */
  async #serviceCidr(cidrs: readonly string[]): Promise<ServiceCIDR> {
    const { writes, resources } = this.#dependencies;
    const served = resources.of(servicecidrs);
    const name = servedCidrName;
    const object = {
      apiVersion: apiVersionOf(servicecidrs),
      kind: servicecidrs.kind,
      metadata: { name, finalizers: ["networking.k8s.io/service-cidr-finalizer"] },
      spec: { cidrs },
    };
    for (;;) {
      const found = await writes.find(served, { name });
      if (found !== undefined) return found.object as ServiceCIDR;
      try {
        await writes.createObject(served, copyJson(object) as Draft<KubeObject>, { writer: serverWriter });
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }
  }
}

function cidrsOf(ranges: readonly AddressRange[]): readonly string[] {
  return ranges.map(({ cidr }) => formatCidr(cidr));
}

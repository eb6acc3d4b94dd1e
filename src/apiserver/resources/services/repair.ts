/**
 * Holds what is taken against the stored Services: what a crash between two writes, a lost answer or an older version has left.
 *
 *   a Service has it, and nobody has taken it      taken now, for this Service
 *   it is taken for a Service that has it not      given back, once it is a minute old
 *   two Services have it                           logged: a person has to choose
 *   a Service without an address                   is given one
 *
 * Upstream: kubernetes v1.35, pkg/registry/core/service/ipallocator/controller/repairip.go, .../portallocator/controller.
 */
import {
  clusterIpsOf,
  formatIp,
  type IPAddress,
  isHeadless,
  needsClusterIp,
  nodePortsOf,
  parseIp,
  type Service,
} from "../../../api/index.ts";
import type { Clock, Log } from "../../../base/index.ts";
import { copyJson, type Draft, parseTimeMs } from "../../../machinery/index.ts";
import type { Allocator } from "../../registry/allocator.ts";
import { conflictAttempts } from "../../registry/change.ts";
import type { Served } from "../../registry/resource-registry.ts";
import { statusErrorOf } from "../../registry/storage-errors.ts";
import type { Writes } from "../../registry/writes.ts";
import { ownerOf } from "./allocator.ts";
import { type ClusterIps, type Owner, serverWriter, serviceOf } from "./cluster-ips.ts";
import type { NodePorts } from "./node-ports.ts";

/** How long a taken thing may wait for its Service: longer than any write takes. */
const graceMs = 60_000;

export interface RepairDependencies {
  readonly writes: Writes;
  readonly services: () => Served;
  readonly addresses: () => Served;
  readonly allocator: Allocator;
  readonly ips: ClusterIps;
  readonly ports: NodePorts;
  readonly clock: Clock;
  readonly log: Log;
}

/** One pass. @throws StatusError or StorageError when the store does not answer; the next pass goes on from there. */
export async function repairServices(dependencies: RepairDependencies): Promise<void> {
  const { writes, ports } = dependencies;
  // Before the Services are read: a port that is taken later cannot seem to be missing.
  const taken = await ports.all();
  await writes.caughtUp();
  await completeServices(dependencies);
  await writes.caughtUp();
  const all = servicesOf(dependencies);
  await repairIps(dependencies, all);
  await repairPorts(dependencies, all, taken);
}

function servicesOf({ services }: RepairDependencies): readonly Service[] {
  return services()
    .cache.candidates({})
    .map(({ object }) => object as Service);
}

/** Those that were stored before addresses were given out. One that cannot have what it says stays as it is. */
async function completeServices(dependencies: RepairDependencies): Promise<void> {
  const { writes, services, allocator, log } = dependencies;
  for (const service of servicesOf(dependencies)) {
    if (!needsClusterIp(service) || isHeadless(service) || clusterIpsOf(service).length > 0) continue;
    const owner = ownerOf(service);
    try {
      await writes.modify(services(), owner, {
        writer: serverWriter,
        attempts: conflictAttempts,
        next: async (before) => {
          const object = copyJson(before) as Draft<Service>;
          if (object.spec.clusterIP) object.spec.clusterIPs ??= [object.spec.clusterIP];
          return { object, allocation: await allocator.allocate(object, before, { isDryRun: false }) };
        },
      });
      log.info("a service was given its address", { service: nameOf(owner) });
    } catch (error) {
      if (isAway(error)) throw error;
      log.warn("a service has no address, and cannot be given one", {
        service: nameOf(owner),
        error: String(error),
      });
    }
  }
}

/** The store did not answer, or too many wait: the next pass goes on. */
function isAway(error: unknown): boolean {
  const { code } = statusErrorOf(error).status;
  return code === 429 || code === 503 || code === 504;
}

async function repairIps(dependencies: RepairDependencies, all: readonly Service[]): Promise<void> {
  const { addresses, ips, writes, clock, log } = dependencies;
  const owners = ownersOf(all, canonicalIpsOf, log);
  for (const [ip, owner] of owners) {
    const state = addresses().cache.get(undefined, ip);
    const parent = state === undefined ? undefined : serviceOf(state.object as IPAddress);
    if (parent !== undefined && nameOf(parent) === nameOf(owner)) continue;
    if (state !== undefined && parent === undefined) {
      log.warn("a service has an address that is kept from services", { ip, service: nameOf(owner) });
      continue;
    }
    if (state !== undefined) await writes.remove(addresses(), state, { writer: serverWriter });
    if (await ips.tryTake(ip, owner))
      log.warn("the address of a service was not taken", { ip, service: nameOf(owner) });
  }
  for (const state of addresses().cache.candidates({})) {
    const { name = "", creationTimestamp = "" } = state.object.metadata;
    const parent = serviceOf(state.object as IPAddress);
    if (parent === undefined || owners.has(name)) continue;
    if (clock.nowMs() - (parseTimeMs(creationTimestamp) ?? 0) < graceMs) continue;
    await ips.giveBack(name, parent);
    log.warn("an address was taken for a service that has it not", { ip: name, service: nameOf(parent) });
  }
}

async function repairPorts(
  { ports, clock, log }: RepairDependencies,
  all: readonly Service[],
  taken: Awaited<ReturnType<NodePorts["all"]>>,
): Promise<void> {
  const owners = ownersOf(all, nodePortsOf, log);
  const byPort = new Map(taken.map((one) => [one.port, one]));
  for (const [port, owner] of owners) {
    const present = byPort.get(port);
    if (present !== undefined && nameOf(present) === nameOf(owner)) continue;
    if (present !== undefined) await ports.remove(present);
    if (await ports.tryTake(port, owner))
      log.warn("the node port of a service was not taken", { port, service: nameOf(owner) });
  }
  for (const one of taken) {
    if (owners.has(one.port) || clock.nowMs() - one.takenAtMs < graceMs) continue;
    await ports.remove(one);
    log.warn("a node port was taken for a service that has it not", {
      port: one.port,
      service: nameOf(one),
    });
  }
}

/** Without what an older version has stored that is no address. */
function canonicalIpsOf(service: Service): readonly string[] {
  return clusterIpsOf(service).flatMap((text) => {
    const ip = parseIp(text);
    return ip === undefined ? [] : [formatIp(ip)];
  });
}

/** Who has each thing by the stored Services: the first of two. */
function ownersOf<T>(
  all: readonly Service[],
  thingsOf: (service: Service) => readonly T[],
  log: Log,
): ReadonlyMap<T, Owner> {
  const owners = new Map<T, Owner>();
  for (const service of all) {
    for (const thing of thingsOf(service)) {
      const first = owners.get(thing);
      if (first === undefined) owners.set(thing, ownerOf(service));
      else
        log.warn("two services have one address or node port", {
          taken: String(thing),
          services: `${nameOf(first)}, ${nameOf(ownerOf(service))}`,
        });
    }
  }
  return owners;
}

function nameOf({ namespace, name }: Owner): string {
  return `${namespace}/${name}`;
}

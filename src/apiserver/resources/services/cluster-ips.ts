/**
 * Addresses of Services: an IPAddress for each, named after it, whose parent is the Service.
 * Not here: which addresses a Service needs (allocator.ts), what is wrong in the store (repair.ts).
 * Upstream: kubernetes v1.35, pkg/registry/core/service/ipallocator/ipallocator.go.
 */
import { formatCidr, formatIp, type IPAddress, ipaddresses, parseIp, services } from "../../../api/index.ts";
import type { Random } from "../../../base/index.ts";
import { apiVersionOf, type Draft, isAlreadyExists, type KubeObject } from "../../../machinery/index.ts";
import type { Served } from "../../registry/resource-registry.ts";
import type { Writes } from "../../registry/writes.ts";
import { addressAt, type AddressRange, isInRange } from "./ranges.ts";
import { takeAny } from "./stock.ts";

/** The Service that has something. */
export interface Owner {
  readonly namespace: string;
  readonly name: string;
}

export class NotAvailable extends Error {}

/** The server itself writes IPAddresses. */
export const serverWriter = {
  user: { username: "system:apiserver", groups: ["system:masters"] },
  isDryRun: false,
} as const;

export class ClusterIps {
  readonly #writes: Writes;
  readonly #random: Random;
  readonly #served: () => Served;

  constructor(dependencies: {
    readonly writes: Writes;
    readonly random: Random;
    readonly served: () => Served;
  }) {
    this.#writes = dependencies.writes;
    this.#random = dependencies.random;
    this.#served = dependencies.served;
  }

  /** The given address. A dry run only looks whether it is in the range, as upstream. @throws NotAvailable. */
  async take(
    text: string,
    owner: Owner,
    options: { readonly range: AddressRange; readonly isDryRun: boolean },
  ): Promise<void> {
    const { range, isDryRun } = options;
    const ip = parseIp(text);
    if (ip === undefined || !isInRange(range, ip))
      throw new NotAvailable(
        `the provided IP (${text}) is not in the valid range. The range of valid IPs is ${formatCidr(range.cidr)}`,
      );
    if (isDryRun || (await this.tryTake(formatIp(ip), owner))) return;
    throw new NotAvailable("provided IP is already allocated");
  }

  /** @throws NotAvailable when nothing is left. */
  async takeAny(
    owner: Owner,
    options: { readonly range: AddressRange; readonly isDryRun: boolean },
  ): Promise<string> {
    const { range, isDryRun } = options;
    const index = await takeAny(range, this.#random, {
      mayBeFree: (at) => this.#served().cache.get(undefined, addressAt(range, at)) === undefined,
      tryTake: async (at) => isDryRun || this.tryTake(addressAt(range, at), owner),
    });
    if (index === undefined) throw new NotAvailable("range is full");
    return addressAt(range, index);
  }

  /** False when somebody has it. */
  async tryTake(ip: string, owner: Owner): Promise<boolean> {
    const served = this.#served();
    const object = {
      apiVersion: apiVersionOf(ipaddresses),
      kind: ipaddresses.kind,
      metadata: {
        name: ip,
        labels: {
          "ipaddress.kubernetes.io/ip-family": ip.includes(":") ? "IPv6" : "IPv4",
          "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        },
      },
      spec: { parentRef: { resource: services.resource, ...owner } },
    };
    try {
      await this.#writes.createObject(served, object as Draft<KubeObject>, { writer: serverWriter });
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  /** Nothing happens when another one has it. */
  async giveBack(ip: string, owner: Owner): Promise<void> {
    const parsed = parseIp(ip);
    const state =
      parsed === undefined ? undefined : await this.#writes.find(this.#served(), { name: formatIp(parsed) });
    if (state === undefined || !isOwnedBy(state.object as IPAddress, owner)) return;
    await this.#writes.remove(this.#served(), state, { writer: serverWriter });
  }
}

function isOwnedBy(address: IPAddress, { namespace, name }: Owner): boolean {
  const owner = serviceOf(address);
  return owner?.namespace === namespace && owner.name === name;
}

/** Undefined for an address that is kept from Services for something else. */
export function serviceOf({ spec }: IPAddress): Owner | undefined {
  const parent = spec.parentRef as IPAddress["spec"]["parentRef"] | null;
  if (!parent || parent.group || parent.resource !== services.resource) return undefined;
  return { namespace: parent.namespace ?? "", name: parent.name };
}

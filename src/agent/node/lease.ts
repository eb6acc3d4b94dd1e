/**
 * The Lease by which a node says that it lives. Upstream: kubernetes v1.35, component-helpers/apimachinery/lease/controller.go.
 * Not here: when it is renewed (node-agent.ts).
 */
import { type Lease, leases, type Node } from "../../api/index.ts";
import type { Clock, Limiter } from "../../base/index.ts";
import type { Client } from "../../client/index.ts";
import { formatMicroTime, isAlreadyExists, isConflict, isNotFound } from "../../machinery/index.ts";

const namespace = "kube-node-lease";

export interface LeaseDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly writes: Limiter;
  readonly settings: { readonly leaseSeconds: number };
}

export class NodeLease {
  readonly #dependencies: LeaseDependencies;
  /** As the server answered last; undefined when it is to be made or read anew. */
  #lease: Lease | undefined;

  constructor(dependencies: LeaseDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * One write when all is well. A Lease of that name that was there, or was changed by others, is read and taken over.
   * Resolves without a renewal when it has been deleted: the next call makes it again.
   */
  async renew({ metadata: { name, uid } }: Node): Promise<void> {
    const { client, clock, writes, settings } = this.#dependencies;
    const renewTime = formatMicroTime(clock.nowMs());
    const fresh: Lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name: name!,
        namespace,
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name: name!, uid: uid! }],
      },
      spec: { holderIdentity: name!, leaseDurationSeconds: settings.leaseSeconds, renewTime },
    };
    try {
      this.#lease = await writes.run(() =>
        this.#lease === undefined
          ? client.create(leases, fresh)
          : client.update(leases, { ...this.#lease, spec: { ...this.#lease.spec, renewTime } }),
      );
    } catch (error) {
      if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error;
      this.#lease = undefined;
      if (isNotFound(error)) return;
      const live = await client.get(leases, { name: name!, namespace });
      this.#lease = await client.update(leases, { ...live, spec: fresh.spec! });
    }
  }
}

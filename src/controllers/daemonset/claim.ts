/**
 * Ownership of pods and revisions: who is kept, released or adopted (docs/spec/daemonset-controller.md#6), and the
 * patches that do it. Adoption needs one live look at the DaemonSet per pass: a cache may not know yet that it is being
 * deleted.
 * Upstream: kubernetes v1.34, pkg/controller/controller_ref_manager.go.
 */
import { daemonsets, type DaemonSet } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import {
  controllerOf,
  isInvalid,
  isNotFound,
  type KubeObject,
  type Resource,
  type Selector,
} from "../../machinery/index.ts";
import { ownerReference } from "./template.ts";

export type ClaimDecision = "keep" | "release" | "adopt" | "ignore";

/** The table of #6.2, for an owner that is not being deleted. */
export function decideClaim(candidate: KubeObject, uid: string, selector: Selector): ClaimDecision {
  const controller = controllerOf(candidate);
  const matches = selector.matches(candidate.metadata.labels ?? {});
  if (controller !== undefined) {
    if (controller.uid !== uid) return "ignore";
    return matches ? "keep" : "release";
  }
  return matches && candidate.metadata.deletionTimestamp === undefined ? "adopt" : "ignore";
}

/** One claim pass over objects of one DaemonSet. */
export class ClaimPass {
  readonly #client: Client;
  readonly #daemonSet: DaemonSet;
  #canAdopt: Promise<void> | undefined;

  constructor(client: Client, daemonSet: DaemonSet) {
    this.#client = client;
    this.#daemonSet = daemonSet;
  }

  /** @returns the adopted object, or undefined when it is gone. @throws when the owner may not adopt or the API refuses. */
  async adopt<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T | undefined> {
    await this.ownerLives();
    const body = {
      metadata: { uid: object.metadata.uid, ownerReferences: [ownerReference(this.#daemonSet)] },
    };
    try {
      return await this.#patch(resource, object, body);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** One live look in a pass. @throws when the DaemonSet is gone, another one, or on its way out. */
  ownerLives(): Promise<void> {
    this.#canAdopt ??= this.#checkOwner();
    return this.#canAdopt;
  }

  /** @returns the released object, or undefined when there is nothing to release any more. */
  async release<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T | undefined> {
    const { uid } = this.#daemonSet.metadata;
    const body = { metadata: { uid: object.metadata.uid, ownerReferences: [{ $patch: "delete", uid }] } };
    try {
      return await this.#patch(resource, object, body);
    } catch (error) {
      // Invalid means that the object has another UID or no such owner any more.
      if (isNotFound(error) || isInvalid(error)) return undefined;
      throw error;
    }
  }

  #patch<T extends KubeObject>(resource: Resource<T>, object: T, body: object): Promise<T> {
    return this.#client.patch(resource, addressOf(object), { type: "strategic", body });
  }

  async #checkOwner(): Promise<void> {
    const { name, namespace, uid } = this.#daemonSet.metadata;
    const live = await this.#client.get(daemonsets, addressOf(this.#daemonSet));
    if (live.metadata.uid !== uid) {
      throw new Error(
        `original DaemonSet ${namespace ?? ""}/${name ?? ""} is gone: got uid ${live.metadata.uid ?? ""}, wanted ${uid ?? ""}`,
      );
    }
    if (live.metadata.deletionTimestamp !== undefined) {
      throw new Error(
        `${namespace ?? ""}/${name ?? ""} has just been deleted at ${live.metadata.deletionTimestamp}`,
      );
    }
  }
}

export function addressOf(object: KubeObject): { readonly name: string; readonly namespace?: string } {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? { name: name ?? "" } : { name: name ?? "", namespace };
}

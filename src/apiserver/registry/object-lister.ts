/**
 * What admission plug-ins find other objects by: the caches of the served resources.
 */
import type { KubeObject, Resource } from "../../machinery/index.ts";
import type { ObjectLister } from "../admission/lister.ts";
import { isStored, type ResourceRegistry } from "./resource-registry.ts";

export function objectLister(resources: ResourceRegistry): ObjectLister {
  const cacheOf = ({ group, version, resource }: Resource) => {
    const served = resources.find(group, version, resource);
    return served !== undefined && isStored(served) ? served.cache : undefined;
  };
  return {
    get: <T extends KubeObject>(resource: Resource<T>, { namespace, name }: Address) =>
      cacheOf(resource)?.get(namespace, name)?.object as T | undefined,
    list: <T extends KubeObject>(resource: Resource<T>, namespace?: string) =>
      (cacheOf(resource)?.candidates(namespace === undefined ? {} : { namespace }) ?? []).map(
        (state) => state.object as T,
      ),
  };
}

interface Address {
  readonly namespace?: string;
  readonly name: string;
}

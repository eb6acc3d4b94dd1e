/**
 * The objects of this server as connectors see them: by resource, without caches.
 * Not here: what connectors do (resources/).
 */
import type { Clock } from "../../base/index.ts";
import { type KubeObject, pathNotFound, type Resource } from "../../machinery/index.ts";
import type { Target } from "./change.ts";
import type { ServerObjects } from "./definition.ts";
import { deleteObject } from "./deletion.ts";
import { isStored, type ResourceRegistry, type Served } from "./resource-registry.ts";
import type { Writes } from "./writes.ts";

export function serverObjects(server: {
  readonly resources: ResourceRegistry;
  readonly writes: Writes;
  readonly clock: Clock;
}): ServerObjects {
  const { resources, writes, clock } = server;
  const servedOf = ({ group, version, resource }: Resource): Served => {
    const served = resources.find(group, version, resource);
    if (served === undefined || !isStored(served)) throw pathNotFound();
    return served;
  };
  return {
    nowMs: () => clock.nowMs(),
    get: async <T extends KubeObject>(resource: Resource<T>, target: Target) =>
      (await writes.find(servedOf(resource), target))?.object as T | undefined,
    list: <T extends KubeObject>(resource: Resource<T>, namespace: string) =>
      servedOf(resource)
        .cache.candidates({ namespace })
        .map((state) => state.object as T),
    modify: async (resource, target, change) =>
      (await writes.modify(servedOf(resource), target, change)).state.object,
    delete: async (resource, target, request) =>
      void (await deleteObject(writes, servedOf(resource), { ...request, target, isAdmitted: true })),
  };
}

/**
 * A factory that shows one namespace only: lists and watches of namespaced kinds carry it, so rights in that namespace
 * are enough. Cluster-scoped kinds are shared with the factory behind it.
 */
import type { KubeObject, Resource } from "../../machinery/index.ts";
import type { Informer, InformerFactory } from "./informer.ts";
import type { Selection } from "./reflector.ts";

/** A selection that names a namespace of its own keeps it. */
export function inNamespace(factory: InformerFactory, namespace: string): InformerFactory {
  return {
    for: <T extends KubeObject>(resource: Resource<T>, selection: Selection = {}): Informer<T> =>
      factory.for(resource, resource.namespaced ? { namespace, ...selection } : selection),
    start: (signal) => factory.start(signal),
    waitForSync: (signal) => factory.waitForSync(signal),
  };
}

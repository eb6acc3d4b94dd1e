/**
 * An informer factory for one namespace: lists and watches of namespaced kinds name it, so rights in that namespace
 * are enough. Informers of cluster-scoped kinds are those of the given factory.
 */
import type { KubeObject, Resource } from "../../machinery/index.ts";
import type { Informer, InformerFactory } from "./informer.ts";
import type { Selection } from "./reflector.ts";

/** A selection that names a namespace of its own keeps it. */
export function inNamespace(factory: InformerFactory, namespace: string): InformerFactory {
  return {
    resources: factory.resources,
    for: <T extends KubeObject>(resource: Resource<T>, selection: Selection = {}): Informer<T> =>
      factory.for(resource, resource.namespaced ? { namespace, ...selection } : selection),
    start: (signal) => factory.start(signal),
    waitForSync: (signal) => factory.waitForSync(signal),
  };
}

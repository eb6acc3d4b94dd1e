/**
 * How admission plug-ins find other objects.
 * Not here: where they come from (registry/object-lister.ts).
 */
import type { KubeObject, Resource } from "../../machinery/index.ts";

/**
 * While a plug-in runs it shows at least everything that was acknowledged before the request. Objects are shared: never change
 * them. A resource that is not served has no objects.
 */
export interface ObjectLister {
  /** O(1). */
  get<T extends KubeObject>(
    resource: Resource<T>,
    address: { readonly namespace?: string; readonly name: string },
  ): T | undefined;
  /** In the order of keys. O(result). */
  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[];
}

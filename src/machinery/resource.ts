/**
 * The address of a kind: group, version and plural resource name. Constants stand in api/.
 * Not here: what the server does with a kind (api/parts/kinds.ts).
 */
import type { KubeObject } from "./meta.ts";

/** `T` is the object type; it exists only for the compiler. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, lower case: `daemonsets`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly typeMarker?: T;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: { readonly group: string; readonly version: string }): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** `pods` or `daemonsets.apps`: the form in error messages. */
export function qualifiedResource(resource: { readonly group: string; readonly resource: string }): string {
  return resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
}

export interface PathOptions {
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** The URL path of a collection, an object or a subresource; segments are percent-encoded. */
export function resourcePath(resource: Resource, options: PathOptions = {}): string {
  const root =
    resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope =
    resource.namespaced && options.namespace ? `/namespaces/${encodeURIComponent(options.namespace)}` : "";
  const name = options.name === undefined ? "" : `/${encodeURIComponent(options.name)}`;
  const sub = options.subresource === undefined ? "" : `/${options.subresource}`;
  return `${root}${scope}/${resource.resource}${name}${sub}`;
}

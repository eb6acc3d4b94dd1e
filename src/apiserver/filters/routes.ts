/**
 * URL paths of resources: seven shapes, all else is for discovery, documents and health.
 *
 *   /api/v1/RES            /api/v1/RES/NAME            /api/v1/RES/NAME/SUB
 *   /api/v1/namespaces/NS/RES   .../RES/NAME   .../RES/NAME/SUB     (and /apis/GROUP/VERSION/... alike)
 *   anything else
 *
 * Not here: what is done with them (handler.ts), which resources exist (api/).
 */
import { badRequest } from "../../machinery/index.ts";

export interface ResourceRoute {
  readonly shape: "resource";
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

export type Route = ResourceRoute | { readonly shape: "other" };

const other: Route = { shape: "other" };

/** Subresources of the Namespace object itself; every other word after `/namespaces/NS/` is a resource. */
const namespaceSubresources = new Set(["status", "finalize"]);

/** @throws StatusError 400 for broken percent-encoding. */
export function routeOf(path: string): Route {
  const segments = path.split("/");
  if (segments[0] !== "") return other;
  if (segments.length > 1 && segments[segments.length - 1] === "") segments.pop();
  if (segments[1] === "api") return resourceRoute("", segments[2], segments.slice(3).map(decodeSegment));
  if (segments[1] === "apis")
    return resourceRoute(segments[2] ?? "", segments[3], segments.slice(4).map(decodeSegment));
  return other;
}

function resourceRoute(group: string, version: string | undefined, rest: readonly string[]): Route {
  if (version === undefined || rest.length === 0 || rest.includes("")) return other;
  const [first, second, third] = rest;
  const isInNamespace =
    first === "namespaces" &&
    third !== undefined &&
    !(group === "" && rest.length === 3 && namespaceSubresources.has(third));
  const [resource, name, subresource, ...deeper] = isInNamespace ? rest.slice(2) : rest;
  if (resource === undefined || deeper.length > 0) return other;
  return {
    shape: "resource",
    group,
    version,
    resource,
    ...(isInNamespace ? { namespace: second! } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape ${JSON.stringify(segment)}`);
  }
}

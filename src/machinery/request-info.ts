/**
 * What a call asks for, as its method, path and query say: the only reader of paths.
 *
 *   /api/v1/[watch/]RES[/NAME[/SUB]]   /api/v1/[watch/]namespaces/NS/RES[/NAME[/SUB]]   (/apis/GROUP/VERSION/... alike)
 *
 * Not here: which resources exist and what is done with them (apiserver), paths for a resource (resource.ts).
 * Upstream: kubernetes v1.35, apiserver/pkg/endpoints/request/requestinfo.go, apiserver/pkg/server/filters/longrunning.go.
 * Differs: docs/designs/0007-one-request-chain.md.
 */
import type { CallHead, Method } from "./call.ts";
import { parseFieldSelector } from "./field-selector.ts";
import { badRequest } from "./status.ts";

export type ResourceVerb =
  "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** Texts that a call does not name are "". */
export interface RequestInfo {
  readonly isResourceRequest: boolean;
  /** As in the call: percent-encoding still in place. */
  readonly path: string;
  /** What a resource request does with the resource, "" for methods without such a verb. Of other requests the method in lower case. */
  readonly verb: ResourceVerb | "proxy" | "" | Lowercase<Method>;
  /** Set for discovery paths too. */
  readonly apiPrefix: "" | "api" | "apis";
  readonly apiGroup: string;
  readonly apiVersion: string;
  /** Of a Namespace object its own name. */
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  /** In the path, or as the only name that the field selector of a list or watch lets through. */
  readonly name: string;
  /** Decoded segments from the resource on: the resource, then the name, the subresource, and what lies deeper. */
  readonly parts: readonly string[];
  /** Not parsed. Only of lists, watches and deletions of collections. */
  readonly fieldSelector: string;
  readonly labelSelector: string;
  /** The path goes through `/namespaces/NAMESPACE/`. */
  readonly isInNamespace: boolean;
  /** The deprecated form `/api/v1/watch/...`, or `/api/v1/proxy/...`. */
  readonly isVerbInPath: boolean;
  /** Such a call has no time limit and takes no seat in flow control. */
  readonly isLongRunning: boolean;
}

const pathVerbs = new Set<string>(["watch", "proxy"]);

/** Subresources of the Namespace object itself; every other word after `/namespaces/NS/` is a resource. */
const namespaceSubresources = new Set(["status", "finalize"]);

const longRunningSubresources = new Set(["attach", "exec", "log", "portforward", "proxy"]);

const resourceVerbs: Readonly<Record<Method, ResourceVerb | "">> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
  OPTIONS: "",
};

const otherVerbs: Readonly<Record<Method, Lowercase<Method>>> = {
  GET: "get",
  HEAD: "head",
  POST: "post",
  PUT: "put",
  PATCH: "patch",
  DELETE: "delete",
  OPTIONS: "options",
};

const noParts: readonly string[] = [];

/** @throws StatusError 400 for broken percent-encoding in the part of a path that names a resource. */
export function requestInfoOf(call: Pick<CallHead, "method" | "path" | "query">): RequestInfo {
  const segments = call.path.split("/");
  if (segments.length > 2 && segments[segments.length - 1] === "") segments.pop();
  const root = segments[1];
  const apiPrefix = segments[0] === "" && (root === "api" || root === "apis") ? root : "";
  const resourceAt = apiPrefix === "apis" ? 4 : 3;
  if (apiPrefix === "" || segments.length <= resourceAt || segments.includes("", 1))
    return otherRequest(call, apiPrefix);
  return resourceRequest(call, {
    apiPrefix,
    apiGroup: apiPrefix === "apis" ? segments[2]! : "",
    apiVersion: segments[resourceAt - 1]!,
    parts: call.path.includes("%")
      ? segments.slice(resourceAt).map(decodeSegment)
      : segments.slice(resourceAt),
  });
}

function otherRequest(
  { method, path }: Pick<CallHead, "method" | "path">,
  apiPrefix: RequestInfo["apiPrefix"],
): RequestInfo {
  return {
    isResourceRequest: false,
    path,
    verb: otherVerbs[method],
    apiPrefix,
    apiGroup: "",
    apiVersion: "",
    namespace: "",
    resource: "",
    subresource: "",
    name: "",
    parts: noParts,
    fieldSelector: "",
    labelSelector: "",
    isInNamespace: false,
    isVerbInPath: false,
    isLongRunning: false,
  };
}

interface Split {
  readonly apiPrefix: "api" | "apis";
  readonly apiGroup: string;
  readonly apiVersion: string;
  /** At least one, none empty. The array is changed. */
  readonly parts: string[];
}

function resourceRequest(
  call: Pick<CallHead, "method" | "path" | "query">,
  { apiPrefix, apiGroup, apiVersion, parts }: Split,
): RequestInfo {
  const isVerbInPath = parts.length > 1 && pathVerbs.has(parts[0]!);
  const pathVerb = isVerbInPath ? (parts.shift() as "watch" | "proxy") : undefined;
  const namespace = parts[0] === "namespaces" ? (parts[1] ?? "") : "";
  const isInNamespace =
    parts[0] === "namespaces" && parts.length > 2 && !namespaceSubresources.has(parts[2]!);
  if (isInNamespace) parts.splice(0, 2);
  const subresource = pathVerb === "proxy" ? "" : (parts[2] ?? "");
  const verb = pathVerb ?? verbOf(call, parts.length === 1);
  const hasSelectors = !isVerbInPath && (verb === "list" || verb === "watch" || verb === "deletecollection");
  const fieldSelector = hasSelectors ? firstValue(call.query, "fieldSelector") : "";
  return {
    isResourceRequest: true,
    path: call.path,
    verb,
    apiPrefix,
    apiGroup,
    apiVersion,
    namespace,
    resource: parts[0]!,
    subresource,
    name: parts[1] ?? (verb === "deletecollection" ? "" : selectedName(fieldSelector)),
    parts,
    fieldSelector,
    labelSelector: hasSelectors ? firstValue(call.query, "labelSelector") : "",
    isInNamespace,
    isVerbInPath,
    isLongRunning: verb === "watch" || verb === "proxy" || longRunningSubresources.has(subresource),
  };
}

function verbOf(
  { method, query }: Pick<CallHead, "method" | "query">,
  isCollection: boolean,
): ResourceVerb | "" {
  const verb = resourceVerbs[method];
  if (!isCollection) return verb;
  if (verb === "get") return isFlagSet(query, "watch") ? "watch" : "list";
  return verb === "delete" ? "deletecollection" : verb;
}

/** A parameter without a value counts as true, as upstream; only "false" and "0" do not. */
export function isFlagSet(query: CallHead["query"], name: string): boolean {
  for (const [candidate, value] of query)
    if (candidate === name) return value !== "0" && value.toLowerCase() !== "false";
  return false;
}

function firstValue(query: CallHead["query"], name: string): string {
  for (const [candidate, value] of query) if (candidate === name) return value;
  return "";
}

/** The name that a field selector asks for, if it is one that a path could hold. A selector that cannot be understood is refused later. */
function selectedName(fieldSelector: string): string {
  if (!fieldSelector.includes("metadata.name")) return "";
  try {
    const { requirements } = parseFieldSelector(fieldSelector);
    const wanted = requirements.find(({ field, operator }) => field === "metadata.name" && operator === "=");
    const name = wanted?.value ?? "";
    return name === "." || name === ".." || /[/%]/.test(name) ? "" : name;
  } catch {
    return "";
  }
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape ${JSON.stringify(segment)}`);
  }
}

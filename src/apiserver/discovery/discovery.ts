/**
 * Discovery: which groups, versions and resources there are, in the aggregated form (one request) and the legacy form.
 * Documents are made from what is served when first asked for, and again when that has changed.
 * Not here: schemas (openapi.ts).
 * Upstream: kubernetes v1.35, apiserver/pkg/endpoints/discovery.
 */
import type { Kind, Subresource } from "../../api/index.ts";
import { notAcceptable, type CallHead, type ApiReply } from "../../machinery/index.ts";
import { allows, parseAccept } from "../registry/accept.ts";
import {
  documentOf,
  documentReply,
  isRead,
  madeOf,
  trimmedPath,
  type Document,
  type Endpoint,
  type ServedKinds,
} from "./document.ts";
import { mediaTypes } from "../registry/negotiate.ts";
import { statusReply } from "../registry/replies.ts";

export interface DiscoveryOptions {
  readonly served: ServedKinds;
  /** `127.0.0.1:6443`: what legacy clients are told to use. */
  readonly serverAddress: string;
  /** Further paths for the index at `/`. */
  readonly otherPaths?: readonly string[];
}

type AggregatedVersion = "v2" | "v2beta1";

const json = "application/json";

/** Asked in turn by the handler; undefined for paths that are not discovery, and for groups that do not exist. */
export function createDiscovery(options: DiscoveryOptions): Endpoint {
  const current = madeOf(options.served, (all) => ({
    groups: groupsOf(all.map(({ kind }) => kind)),
    once: keptDocuments(),
  }));
  return (call) => {
    if (!isRead(call)) return undefined;
    const path = trimmedPath(call.path);
    const segments = path.split("/").slice(1);
    const { groups, once } = current();
    if (path === "/")
      return plain(
        call,
        once(path, json, () => ({ paths: indexPaths(groups, options) })),
      );
    if (path === "/api" || path === "/apis") return rootReply(call, { path, groups, options, once });
    const make = listMaker(segments, groups);
    return make === undefined ? undefined : plain(call, once(path, json, make));
  };
}

type Once = (name: string, contentType: string, make: () => object) => Document;

function keptDocuments(): Once {
  const documents = new Map<string, Document>();
  return (name, contentType, make) => {
    let document = documents.get(name);
    if (document === undefined) documents.set(name, (document = documentOf(contentType, make())));
    return document;
  };
}

interface Group {
  readonly name: string;
  /** Order of preference. */
  readonly versions: readonly { readonly version: string; readonly kinds: readonly Kind[] }[];
}

/** In the order of the table; the first version of a group is the preferred one. */
function groupsOf(kinds: readonly Kind[]): readonly Group[] {
  const groups = new Map<string, Map<string, Kind[]>>();
  for (const kind of kinds) {
    const { group, version } = kind.resource;
    const versions = groups.get(group) ?? new Map<string, Kind[]>();
    groups.set(group, versions);
    const list = versions.get(version) ?? [];
    versions.set(version, list);
    list.push(kind);
  }
  return [...groups].map(([name, versions]) => ({
    name,
    versions: [...versions].map(([version, list]) => ({ version, kinds: list })),
  }));
}

function groupVersion(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

interface RootContext {
  readonly path: "/api" | "/apis";
  readonly groups: readonly Group[];
  readonly options: DiscoveryOptions;
  readonly once: Once;
}

/** `/api` holds the core group, `/apis` all others; the first clause of Accept that we can serve decides the form. */
function rootReply(call: CallHead, context: RootContext): ApiReply {
  const { path, once } = context;
  const mine = context.groups.filter((group) => (group.name === "") === (path === "/api"));
  for (const clause of parseAccept(call.accept)) {
    if (!allows(clause, json)) continue;
    const { g, v, as } = clause.parameters;
    if (g === undefined && v === undefined && as === undefined) {
      const make = (): object => (path === "/api" ? apiVersions(context.options) : apiGroupList(mine));
      return withVary(documentReply(call, once(path, json, make)));
    }
    if (g !== "apidiscovery.k8s.io" || as !== "APIGroupDiscoveryList" || (v !== "v2" && v !== "v2beta1"))
      continue;
    const contentType = `${json};g=${g};v=${v};as=${as}`;
    return withVary(
      documentReply(
        call,
        once(`${path} ${v}`, contentType, () => aggregated(mine, v)),
      ),
    );
  }
  return statusReply(notAcceptable(mediaTypes));
}

function withVary(reply: ApiReply): ApiReply {
  return { ...reply, headers: { ...reply.headers, vary: "Accept" } };
}

function plain(call: CallHead, document: Document): ApiReply {
  const isAcceptable = parseAccept(call.accept).some(
    (clause) => allows(clause, json) && clause.parameters["as"] === undefined,
  );
  if (!isAcceptable) return statusReply(notAcceptable(mediaTypes));
  return documentReply(call, document);
}

/** `/api/v1`, `/apis/GROUP` and `/apis/GROUP/VERSION`. */
function listMaker(segments: readonly string[], groups: readonly Group[]): (() => object) | undefined {
  const [root, first, second] = segments;
  const isCore = root === "api" && segments.length === 2;
  if (!isCore && (root !== "apis" || segments.length < 2 || segments.length > 3 || first === ""))
    return undefined;
  const group = groups.find((candidate) => candidate.name === (isCore ? "" : first));
  if (group === undefined) return undefined;
  const wanted = isCore ? first : second;
  if (wanted === undefined) return () => ({ kind: "APIGroup", apiVersion: "v1", ...apiGroup(group) });
  const version = group.versions.find((candidate) => candidate.version === wanted);
  return version === undefined ? undefined : () => resourceList(group.name, version);
}

function indexPaths(groups: readonly Group[], options: DiscoveryOptions): readonly string[] {
  const paths = ["/api", "/apis", ...(options.otherPaths ?? [])];
  for (const group of groups) {
    if (group.name !== "") paths.push(`/apis/${group.name}`);
    for (const { version } of group.versions) {
      paths.push(group.name === "" ? `/api/${version}` : `/apis/${group.name}/${version}`);
    }
  }
  return paths.sort();
}

function apiVersions(options: DiscoveryOptions): object {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: options.serverAddress }],
  };
}

function apiGroup(group: Group): object {
  const versions = group.versions.map(({ version }) => ({
    groupVersion: groupVersion(group.name, version),
    version,
  }));
  return { name: group.name, versions, preferredVersion: versions[0] };
}

function apiGroupList(groups: readonly Group[]): object {
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(apiGroup) };
}

function resourceList(group: string, { version, kinds }: Group["versions"][number]): object {
  const resources = kinds.flatMap((kind) => [
    legacyResource(kind),
    ...kind.subresources.map((subresource) => legacySubresource(kind, subresource)),
  ]);
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: groupVersion(group, version), resources };
}

function legacyResource(kind: Kind): object {
  return {
    name: kind.resource.resource,
    singularName: kind.singular,
    namespaced: kind.resource.namespaced,
    kind: kind.resource.kind,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
  };
}

/** Group and version are given only where they differ from the list's. */
function legacySubresource(kind: Kind, subresource: Subresource): object {
  const { group, version } = subresourceKind(kind, subresource);
  const isForeign = group !== kind.resource.group || version !== kind.resource.version;
  return {
    name: `${kind.resource.resource}/${subresource.name}`,
    singularName: "",
    namespaced: kind.resource.namespaced,
    ...(isForeign ? { group, version } : {}),
    kind: subresource.kind,
    verbs: subresource.verbs,
  };
}

function subresourceKind(
  kind: Kind,
  subresource: Subresource,
): { group: string; version: string; kind: string } {
  return {
    group: subresource.group ?? kind.resource.group,
    version: subresource.version ?? kind.resource.version,
    kind: subresource.kind,
  };
}

function aggregated(groups: readonly Group[], version: AggregatedVersion): object {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group.name === "" ? {} : { name: group.name },
      versions: group.versions.map((entry) => ({
        version: entry.version,
        resources: entry.kinds.map(aggregatedResource),
        freshness: "Current",
      })),
    })),
  };
}

function aggregatedResource(kind: Kind): object {
  const { group, version, kind: name, resource, namespaced } = kind.resource;
  return {
    resource,
    responseKind: { group, version, kind: name },
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(kind.subresources.length > 0
      ? {
          subresources: kind.subresources.map((subresource) => ({
            subresource: subresource.name,
            responseKind: subresourceKind(kind, subresource),
            verbs: subresource.verbs,
          })),
        }
      : {}),
  };
}

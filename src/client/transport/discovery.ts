/**
 * What an API server serves, by its discovery: one request each for `/api` and `/apis` where the server supports the
 * aggregated form, else one for each version.
 * Not here: following its changes (informers/discovered-resources.ts).
 * Upstream: kubernetes v1.35, client-go discovery/{aggregated_discovery,discovery_client}.go.
 */
import { createLimiter } from "../../base/index.ts";
import type { Resource } from "../../machinery/index.ts";

export interface ApiResource extends Resource {
  readonly verbs: readonly string[];
}

/** One version of a group. Versions of a group come in the order of preference. */
export interface DiscoveredVersion {
  readonly group: string;
  readonly version: string;
  /** Without subresources. */
  readonly resources: readonly ApiResource[];
  /** False when the server could not list them: then `resources` is empty. */
  readonly isKnown: boolean;
}

/** GET of a path. @throws StatusError. */
export type GetDocument = (path: string, accept: string) => Promise<object>;

const json = "application/json";
const aggregatedForms = ["v2", "v2beta1"].map(
  (version) => `${json};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
);
const accepted = [...aggregatedForms, json].join(",");

/** Documents asked for at once from a server that needs one for each version. */
const parallelMax = 8;

/** @throws StatusError when the server does not list its groups. */
export async function discover(get: GetDocument): Promise<readonly DiscoveredVersion[]> {
  const [core, groups] = await Promise.all([versionsBelow("/api", get), versionsBelow("/apis", get)]);
  return [...core, ...groups];
}

async function versionsBelow(
  root: "/api" | "/apis",
  get: GetDocument,
): Promise<readonly DiscoveredVersion[]> {
  const document = (await get(root, accepted)) as AggregatedList & LegacyRoot;
  if (document.kind === "APIGroupDiscoveryList") return (document.items ?? []).flatMap(versionsOf);
  const limiter = createLimiter(parallelMax);
  return Promise.all(
    legacyVersions(document).map((one) => limiter.run(() => legacyVersion(`${root}/${one.path}`, one, get))),
  );
}

interface AggregatedList {
  readonly kind?: string;
  readonly items?: readonly AggregatedGroup[];
}

interface AggregatedGroup {
  readonly metadata?: { readonly name?: string };
  readonly versions?: readonly {
    readonly version: string;
    readonly freshness?: string;
    readonly resources?: readonly {
      readonly resource: string;
      readonly responseKind?: { readonly kind?: string };
      readonly scope?: string;
      readonly verbs?: readonly string[];
    }[];
  }[];
}

function versionsOf({ metadata, versions = [] }: AggregatedGroup): readonly DiscoveredVersion[] {
  const group = metadata?.name ?? "";
  return versions.map(({ version, freshness, resources = [] }) => {
    const isKnown = freshness !== "Stale";
    const found = resources.map(({ resource, responseKind, scope, verbs = [] }) => ({
      group,
      version,
      resource,
      kind: responseKind?.kind ?? "",
      namespaced: scope === "Namespaced",
      verbs,
    }));
    return { group, version, resources: isKnown ? found : [], isKnown };
  });
}

interface LegacyRoot {
  /** Of `/api`. */
  readonly versions?: readonly string[];
  /** Of `/apis`. */
  readonly groups?: readonly {
    readonly name: string;
    readonly versions: readonly { readonly version: string }[];
    readonly preferredVersion?: { readonly version: string };
  }[];
}

interface LegacyVersion {
  readonly group: string;
  readonly version: string;
  /** Below the root. */
  readonly path: string;
}

function legacyVersions({ versions = [], groups = [] }: LegacyRoot): readonly LegacyVersion[] {
  const core = versions.map((version) => ({ group: "", version, path: version }));
  const others = groups.flatMap(({ name, versions: all, preferredVersion }) => {
    const isPreferred = (version: string): number => (version === preferredVersion?.version ? 0 : 1);
    return all
      .map(({ version }) => ({ group: name, version, path: `${name}/${version}` }))
      .sort((a, b) => isPreferred(a.version) - isPreferred(b.version));
  });
  return [...core, ...others];
}

interface ApiResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs?: readonly string[];
  }[];
}

/** When an aggregated API is down, the server answers 503 for its version only. */
async function legacyVersion(
  path: string,
  { group, version }: LegacyVersion,
  get: GetDocument,
): Promise<DiscoveredVersion> {
  try {
    const { resources = [] } = (await get(path, json)) as ApiResourceList;
    const found = resources
      .filter(({ name }) => !name.includes("/"))
      .map(({ name, kind, namespaced, verbs = [] }) => ({
        group,
        version,
        resource: name,
        kind,
        namespaced,
        verbs,
      }));
    return { group, version, resources: found, isKnown: true };
  } catch {
    return { group, version, resources: [], isKnown: false };
  }
}

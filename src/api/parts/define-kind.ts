/**
 * Makes a `Kind` of what a kind file says. What it does not say has the usual value.
 * Not here: what every write keeps of the stored object, such as the status (apiserver/registry).
 */
import type { KubeObject, Resource } from "../../machinery/index.ts";
import type { Kind, KindRules, Subresource, TableLayout } from "./kinds.ts";

const allVerbs: readonly string[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

const statusVerbs: readonly string[] = ["get", "patch", "update"];

export interface KindOptions<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly schema: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs?: readonly string[];
  /** Besides `status`. */
  readonly subresources?: readonly Subresource[];
  readonly hasGeneration?: boolean;
  readonly hasStatus?: boolean;
  readonly needsResourceVersion?: boolean;
  readonly allowsCreateOnUpdate?: boolean;
  readonly deleteReturnsObject?: boolean;
  readonly unactedWarning?: string;
  readonly deprecationWarning?: string;
  readonly storedAs?: Resource;
  readonly rules?: KindRules<NoInfer<T>>;
  readonly table?: TableLayout<NoInfer<T>>;
}

export function defineKind<T extends KubeObject>(options: KindOptions<T>): Kind {
  const { resource, hasStatus = false, unactedWarning, deprecationWarning, storedAs, table } = options;
  const status: Subresource = { name: "status", kind: resource.kind, verbs: statusVerbs };
  const kind: Kind<T> = {
    resource,
    singular: resource.kind.toLowerCase(),
    shortNames: options.shortNames ?? [],
    categories: options.categories ?? [],
    verbs: options.verbs ?? allVerbs,
    subresources: [...(options.subresources ?? []), ...(hasStatus ? [status] : [])],
    hasGeneration: options.hasGeneration ?? false,
    hasStatusSubresource: hasStatus,
    allowsUnconditionalUpdate: options.needsResourceVersion !== true,
    allowsCreateOnUpdate: options.allowsCreateOnUpdate ?? false,
    deleteReturnsObject: options.deleteReturnsObject ?? false,
    schema: options.schema,
    rules: options.rules ?? {},
    ...(unactedWarning === undefined ? {} : { unactedWarning }),
    ...(deprecationWarning === undefined ? {} : { deprecationWarning }),
    ...(storedAs === undefined ? {} : { storedAs }),
    ...(table === undefined ? {} : { table }),
  };
  // To the compiler, a Kind<Pod> is no Kind<KubeObject>: its rules take Pods only. The server hands each kind its own objects.
  return kind as unknown as Kind;
}

/** The warning of kinds that nothing in this cluster acts on. */
export function unacted(kinds: string, consequence: string): string {
  return `${kinds} are stored, but nothing in this cluster acts on them: ${consequence}`;
}

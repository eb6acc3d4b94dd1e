/**
 * Pieces that kind entries share: usual verbs, subresources, warnings.
 * Not here: what every write keeps of the stored object, such as the status (apiserver/registry).
 */
import { copyJson, type KubeObject, type Resource } from "../../machinery/index.ts";
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
  readonly hasGracefulDeletion?: boolean;
  readonly unactedWarning?: string;
  readonly storedAs?: Resource;
  readonly rules?: KindRules<NoInfer<T>>;
  readonly table?: TableLayout<NoInfer<T>>;
}

/** A kind entry; what is not said is the usual. */
export function defineKind<T extends KubeObject>(options: KindOptions<T>): Kind {
  const { resource, hasStatus = false, unactedWarning, storedAs, table } = options;
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
    hasGracefulDeletion: options.hasGracefulDeletion ?? false,
    schema: options.schema,
    rules: options.rules ?? {},
    ...(unactedWarning === undefined ? {} : { unactedWarning }),
    ...(storedAs === undefined ? {} : { storedAs }),
    ...(table === undefined ? {} : { table }),
  };
  // A kind of Pods is no kind of any object to the compiler; the server hands each kind only its own objects.
  return kind as unknown as Kind;
}

type Members = Record<string, unknown>;

/** Puts the stored value of a field back, or takes the field away if the stored object lacks it. */
export function keepField(object: object, before: object, field: string): void {
  const value = (before as Members)[field];
  if (value === undefined) delete (object as Members)[field];
  else (object as Members)[field] = copyJson(value);
}

/** `<kind> are kept, but ...`: the warning of kinds that nothing in this cluster acts on. */
export function unacted(kinds: string, consequence: string): string {
  return `${kinds} are stored, but nothing in this cluster acts on them: ${consequence}`;
}

/**
 * What a kind is: all that the server has to know of one. Everything in it is pure.
 * Not here: how the server stores and serves objects (apiserver/registry).
 */
import type { Draft, FieldError, KubeObject, Resource } from "../../machinery/index.ts";
import type { NameRule } from "./metadata.ts";

export interface TableColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: "name";
  readonly description: string;
  /** 0 is always shown, 1 only with `-o wide`. */
  readonly priority: 0 | 1;
}

export interface TableLayout<T extends KubeObject = KubeObject> {
  readonly columns: readonly TableColumn[];
  /** One cell per column. */
  cells(object: T, nowMs: number): readonly (string | number | boolean | null)[];
  conditions?(object: T): readonly object[] | undefined;
}

/** What differs between kinds when objects are written. An absent rule means that nothing is special. */
export interface KindRules<T extends KubeObject = KubeObject> {
  /** Fills defaults in place, after decoding. Objects that an older schema stored pass here too. A second run changes nothing. */
  setDefaults?(object: Draft<T>): void;
  /** Runs before the validation of a create. Sets and removes what clients may not: status, phase, finalizers. */
  prepareForCreate?(object: Draft<T>, context: WriteContext): void;
  /**
   * Runs before the validation of an update of the main resource. Copies protected parts from `before`. The status of a kind
   * with a status subresource has been copied already.
   */
  prepareForUpdate?(object: Draft<T>, before: T, context: WriteContext): void;
  /** Errors of a new object. Its metadata is not checked here. */
  validate?(object: T): readonly FieldError[];
  /** Errors of the changed object, and of the change itself. The metadata is not checked here. */
  validateUpdate?(object: T, before: T): readonly FieldError[];
  /** `object` is the stored one with the new status, labels and annotations. Everything else is shared with `before`. */
  prepareForStatusUpdate?(object: Draft<T>, before: T): void;
  validateStatusUpdate?(object: T, before: T): readonly FieldError[];
  /**
   * Seconds that the deletion of a live object waits, given those that were asked for. Absent means that no deletion waits.
   */
  graceSeconds?(object: T, asked: number | undefined): number;
  /** `object` is the stored one with the metadata of one that is being deleted; only its top level is fresh. */
  prepareForDelete?(object: Draft<T>): void;
  /** True when an object that is being deleted stays although it has no finalizer in its metadata. */
  isHeldBack?(object: T): boolean;
  /** Texts for Warning headers on create and on updates that change the generation. */
  warnings?(object: T): readonly string[];
  /** Whether an update may be answered a tenth of a second later, so that one commit carries many. */
  mayWait?(object: T): boolean;
  /** The paths of field selectors, with their values. metadata.name and metadata.namespace need no entry. */
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>;
  /** The selectable field by which lists and watches are indexed (`spec.nodeName` of pods). */
  readonly indexedField?: string;
  /** Absent means `subdomain`. */
  readonly nameRule?: NameRule;
  /** Present when a deletion that says nothing of dependents orphans them. It is what whoever says nothing is told, "" for nothing. */
  readonly orphansByDefault?: { readonly warning: string };
  /** True when no object of the kind owns others: its deletion never leaves work for the garbage collector (Event). */
  readonly ownsNothing?: boolean;
}

export interface WriteContext {
  readonly nowMs: number;
  readonly user: { readonly username: string; readonly groups: readonly string[] };
}

export interface Kind<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly Subresource[];
  /** True when metadata.generation is kept (docs/spec/api-server.md#4.2). */
  readonly hasGeneration: boolean;
  /** True when the kind's status is written only through /status. */
  readonly hasStatusSubresource: boolean;
  /** PUT without resourceVersion is allowed for all kinds but Lease. */
  readonly allowsUnconditionalUpdate: boolean;
  /** PUT of a missing object creates it (Lease, Event). */
  readonly allowsCreateOnUpdate: boolean;
  /** DELETE answers with the object even when it is gone at once. */
  readonly deleteReturnsObject: boolean;
  /** The text of a Warning on create. It is set when nothing acts on stored objects of this kind. */
  readonly unactedWarning?: string;
  /** The text of a Warning on every answer about this kind. It is set when upstream has deprecated the kind. */
  readonly deprecationWarning?: string;
  /** The resource whose stored objects this kind shows under another group (events.k8s.io). */
  readonly storedAs?: Resource;
  /** Name of the schema in the run-time table, e.g. `apps.v1.DaemonSet`. */
  readonly schema: string;
  readonly rules: KindRules<T>;
  readonly table?: TableLayout<T>;
}

export interface Subresource {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

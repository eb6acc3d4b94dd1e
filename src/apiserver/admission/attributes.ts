/**
 * What a request asks for, as an admission plug-in sees it.
 * Not here: plug-ins and the chain (chain.ts), who makes attributes (registry/admitted-write.ts).
 * Upstream: kubernetes v1.35, apiserver/pkg/admission/attributes.go.
 */
import type { Draft, KubeObject, Resource, UserInfo } from "../../machinery/index.ts";

/** A patch is an UPDATE, a post to `pods/NAME/binding` a CREATE; CONNECT opens a stream (`exec`). */
export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** The options of the request; which of them there are depends on the verb. */
export interface OperationOptions {
  readonly fieldManager?: string;
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface Attributes {
  readonly operation: Operation;
  /** The resource that stores the object: of events in either group, the core one. */
  readonly resource: Resource;
  /** "" for the object itself. */
  readonly subresource: string;
  /** "" for what is not in a namespace. */
  readonly namespace: string;
  /** "" while a new object has no name yet. */
  readonly name: string;
  /**
   * The wanted object in the shape in which it is stored, with defaults; of a connect its options, which have no metadata.
   * Absent for a DELETE. `admit` may change it in place: it belongs to this request alone.
   */
  readonly object: Partial<Draft<KubeObject>> | undefined;
  /** The newest stored object, of an UPDATE or DELETE. Shared: never change it. */
  readonly oldObject: KubeObject | undefined;
  readonly options: OperationOptions;
  readonly isDryRun: boolean;
  readonly user: UserInfo;
  /** Adds a text to the warnings of the reply. */
  warn(text: string): void;
}

/** What `validate` sees: the object as it will be stored, which it may not change. */
export type ValidatedAttributes = Omit<Attributes, "object"> & {
  readonly object: Partial<KubeObject> | undefined;
};

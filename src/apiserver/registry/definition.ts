/**
 * All that the server has to know of a resource. A resource is added by one value of this type.
 *
 *   kind           names, verbs, columns, and the strategy: defaults, prepare, validate (api/)
 *   subresources   what each of them does: a view of the object, or a connector
 *   answers        what a resource does that is never stored
 *
 * Not here: the entry that is made of it (resource-registry.ts), definitions (resources/).
 */
import type { Kind } from "../../api/index.ts";
import type {
  ApiRequest,
  ApiReply,
  Draft,
  FieldError,
  KubeObject,
  Resource,
  ResourceVerb,
  SchemaTable,
} from "../../machinery/index.ts";
import type { Writer } from "./admitted-write.ts";
import type { Change, Target } from "./change.ts";
import type { DeleteOptions } from "./delete-options.ts";

export interface ResourceDefinition {
  readonly kind: Kind;
  /** The table in which the kind's schema is found. Absent means that of the built-in kinds. */
  readonly schemas?: SchemaTable;
  /** What OpenAPI says of the schema: by type, or type and field (`com.example.v1.Widget.spec`). */
  readonly descriptions?: Readonly<Record<string, string>>;
  /** One for each subresource of the kind; `status` is a view that need not be given. */
  readonly subresources?: Readonly<Record<string, Subresource>>;
  /** For a kind that cannot be read: it is not stored, only answers. */
  readonly answers?: Connector;
  /** For a kind that is stored as another. */
  readonly shape?: Shape;
  /** Objects are many and seldom read: but for the newest only their bytes are kept in memory. */
  readonly isSeldomRead?: boolean;
  /** Objects go by themselves. */
  readonly expiry?: Expiry;
}

/** Between the shape that clients of a kind see and the stored one. */
export interface Shape {
  shown(stored: KubeObject): KubeObject;
  stored(shown: KubeObject): KubeObject;
}

export interface Expiry {
  /** How long an object stays after it was last seen. */
  readonly lifeMs: number;
  /** When something last happened to the object. */
  lastSeenMs(object: KubeObject): number;
}

export type Subresource = View | Connector;

/** Another way to write the object itself; reading it gives the whole object. */
export interface View {
  readonly as: "view";
  /** The state that is asked for: `before`, with what the view may change taken from `draft`. Pure. */
  next(draft: Draft<KubeObject>, before: KubeObject): NextOfView;
}

/** What is to be stored if there are no errors. */
export interface NextOfView {
  readonly next: Draft<KubeObject>;
  readonly errors: readonly FieldError[];
}

/** Does something with the object, for each verb that discovery tells of the subresource. */
export interface Connector {
  readonly as: "connector";
  readonly verbs: Readonly<Partial<Record<ResourceVerb, ConnectorVerb>>>;
}

/** A verb that only reads is not admitted. */
export type ConnectorVerb = ReadingVerb | AdmittedVerb<unknown>;

export interface ReadingVerb {
  readonly operation?: undefined;
  serve(request: ConnectorRequest): Promise<ApiReply>;
}

export interface AdmittedVerb<Asked> {
  /** What plug-ins are told. CONNECT is for streams, and what they ask for are its options. */
  readonly operation: "CREATE" | "CONNECT";
  /** What plug-ins are told that it is about. Absent means the resource and subresource of the request. */
  readonly admittedAs?: { readonly resource: Resource; readonly subresource: string };
  /** What the request asks for, from its body or query: an object of its own, which plug-ins may change. @throws StatusError 400. */
  read(call: ApiRequest): Asked;
  /** The verb's own rules, after plug-ins have changed what is asked for. @throws StatusError 400, 422. */
  check?(asked: Asked, request: ConnectorRequest): void;
  serve(asked: Asked, request: ConnectorWrite): Promise<ApiReply>;
}

/** One call on a connector. */
export interface ConnectorRequest {
  readonly call: ApiRequest;
  readonly namespace: string | undefined;
  /** "" when the path names none. */
  readonly name: string;
  readonly objects: ServerObjects;
}

export interface ConnectorWrite extends ConnectorRequest {
  readonly writer: Writer;
}

/** What connectors read and change. The admission chain is not asked: it was, about the request itself. */
export interface ServerObjects {
  nowMs(): number;
  /** The newest state. Shared: never change it. */
  get<T extends KubeObject>(resource: Resource<T>, target: Target): Promise<T | undefined>;
  /** At least as new as the last answer of `get`. */
  list<T extends KubeObject>(resource: Resource<T>, namespace: string): readonly T[];
  /** Nothing is written when nothing changes. @returns the new state. @throws StatusError 404, 409 and what the change throws. */
  modify(resource: Resource, target: Target, change: Change): Promise<KubeObject>;
  /** @throws StatusError 404, 409. */
  delete(resource: Resource, target: Target, request: DeletionAsked): Promise<void>;
}

export interface DeletionAsked {
  readonly options: DeleteOptions;
  readonly writer: Writer;
}

/** An entry for the table of a connector, which holds verbs that ask for different things. */
export function admittedVerb<Asked>(verb: AdmittedVerb<Asked>): ConnectorVerb {
  return verb as AdmittedVerb<unknown>;
}

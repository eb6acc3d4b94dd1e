/**
 * One request as the admission chain sees it: which plug-ins it meets, and the attributes that they are shown.
 * Not here: the chain (admission/chain.ts), where in a write it is asked (writes.ts, deletion.ts).
 */
import type { AdmissionChain, AdmissionStep } from "../admission/chain.ts";
import type { Attributes, Operation, OperationOptions } from "../admission/attributes.ts";
import type { Draft, KubeObject, Resource, UserInfo } from "../../machinery/index.ts";

/** Who writes, and how. */
export interface Writer {
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  readonly options?: OperationOptions;
  /** Aborted when the caller goes away: then it waits no longer for its turn. */
  readonly signal?: AbortSignal;
  /** Tells whoever writes something, whatever comes of it. */
  warn?(text: string): void;
}

export interface AdmittedRequest {
  readonly operation: Operation;
  readonly resource: Resource;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly writer: Writer;
}

type AnyObject = Partial<Draft<KubeObject>>;

export class AdmittedWrite {
  readonly #request: AdmittedRequest;
  readonly #step: AdmissionStep;

  constructor(chain: AdmissionChain, request: AdmittedRequest) {
    this.#request = request;
    this.#step = chain.step(request.resource, request.operation, request.subresource ?? "");
  }

  /** False when there is no plug-in to ask. */
  get isAsked(): boolean {
    return this.#step.admits || this.#step.validates;
  }

  /** Undefined when nobody has to wait. @throws StatusError, or rejects with it. */
  admit(object: AnyObject | undefined, oldObject?: KubeObject): Promise<void> | undefined {
    return this.#step.admits ? this.#step.admit(this.#attributes(object, oldObject)) : undefined;
  }

  /** `object` as it will be stored, under the name that it will have. */
  validate(object: Partial<KubeObject> | undefined, oldObject?: KubeObject): Promise<void> | undefined {
    if (!this.#step.validates) return undefined;
    return this.#step.validate(this.#attributes(object as AnyObject | undefined, oldObject));
  }

  #attributes(object: AnyObject | undefined, oldObject: KubeObject | undefined): Attributes {
    const { operation, resource, subresource = "", namespace = "", name, writer } = this.#request;
    return {
      operation,
      resource,
      subresource,
      namespace,
      name: name ?? object?.metadata?.name ?? "",
      object,
      oldObject,
      options: writer.options ?? {},
      isDryRun: writer.isDryRun,
      user: writer.user,
      warn: (text) => writer.warn?.(text),
    };
  }
}

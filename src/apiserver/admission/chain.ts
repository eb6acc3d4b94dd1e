/**
 * The admission chain: plug-ins that complete or refuse what a request asks for, because of other objects, the user or the
 * old object.
 *
 *   admit, one after another (may change the object) ─▶ rules of the kind ─▶ validate, one after another (may not)
 *
 * Not here: where in a write it runs (registry/writes.ts), the plug-ins (admission-plugins/).
 * Upstream: kubernetes v1.35, apiserver/pkg/admission/{interfaces,chain}.go.
 */
import { assert } from "../../base/index.ts";
import type { Resource } from "../../machinery/index.ts";
import type { Attributes, Operation, ValidatedAttributes } from "./attributes.ts";

/** What a plug-in wants to see. */
export interface Handles {
  readonly operations: readonly Operation[];
  /** Absent means all. */
  readonly resources?: readonly Pick<Resource, "group" | "resource">[];
  /** `""` is the object itself, which is what absent means; `"*"` is that and every subresource. */
  readonly subresources?: readonly string[];
}

/** A method that can answer at once answers undefined, so that nobody waits. Both refuse by throwing a StatusError. */
export interface AdmissionPlugin {
  /** Upstream's name. */
  readonly name: string;
  readonly handles: Handles;
  /** May change the object. It has not been validated yet: only its types can be trusted. */
  admit?(attributes: Attributes): Promise<void> | void;
  /** Sees the object as it will be stored. May be called several times for one request, each time with another name or old object. */
  validate?(attributes: ValidatedAttributes): Promise<void> | void;
}

/** The plug-ins for one operation on one resource or subresource. */
export interface AdmissionStep {
  /** Whether any plug-in may change the object. */
  readonly admits: boolean;
  /** Whether any plug-in looks at the object as it will be stored. */
  readonly validates: boolean;
  /** Undefined when no plug-in has to wait. @throws StatusError (or rejects with it). */
  admit(attributes: Attributes): Promise<void> | undefined;
  validate(attributes: ValidatedAttributes): Promise<void> | undefined;
}

export interface AdmissionChainOptions {
  /** Finds a `validate` that changes the object, at the price of copying it. For tests. */
  readonly checksValidate?: boolean;
}

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #options: AdmissionChainOptions;
  /** Worked out once for each resource; a resource that is not served any more is forgotten. */
  readonly #steps = new WeakMap<Resource, Map<string, AdmissionStep>>();

  /** @param plugins in the order in which they run. */
  constructor(plugins: readonly AdmissionPlugin[], options: AdmissionChainOptions = {}) {
    this.#plugins = plugins;
    this.#options = options;
  }

  /** @param subresource one that the resource has, or "". */
  step(resource: Resource, operation: Operation, subresource: string): AdmissionStep {
    let steps = this.#steps.get(resource);
    if (steps === undefined) this.#steps.set(resource, (steps = new Map()));
    const key = subresource === "" ? operation : `${operation}/${subresource}`;
    let step = steps.get(key);
    if (step === undefined) steps.set(key, (step = this.#make(resource, operation, subresource)));
    return step;
  }

  #make(resource: Resource, operation: Operation, subresource: string): AdmissionStep {
    const asked = { resource, operation, subresource };
    const plugins = this.#plugins.filter(({ handles }) => doesHandle(handles, asked));
    const admitting = plugins.filter(({ admit }) => admit !== undefined);
    const validating = plugins.filter(({ validate }) => validate !== undefined);
    const validate = (attributes: ValidatedAttributes): Promise<void> | undefined =>
      inTurn(validating, (plugin) => plugin.validate!(attributes));
    return {
      admits: admitting.length > 0,
      validates: validating.length > 0,
      admit: (attributes) => inTurn(admitting, (plugin) => plugin.admit!(attributes)),
      validate: this.#options.checksValidate === true ? checked(validate) : validate,
    };
  }
}

function doesHandle(
  { operations, resources, subresources = [""] }: Handles,
  asked: { readonly resource: Resource; readonly operation: Operation; readonly subresource: string },
): boolean {
  const { resource, operation, subresource } = asked;
  return (
    operations.includes(operation) &&
    (subresources.includes(subresource) || subresources.includes("*")) &&
    (resources === undefined ||
      resources.some((one) => one.group === resource.group && one.resource === resource.resource))
  );
}

/** Calls one after another; makes a promise only when one of them does. */
function inTurn(
  plugins: readonly AdmissionPlugin[],
  call: (plugin: AdmissionPlugin) => Promise<void> | void,
): Promise<void> | undefined {
  for (const [index, plugin] of plugins.entries()) {
    const waiting = call(plugin);
    if (waiting !== undefined) return afterwards(waiting, plugins.slice(index + 1), call);
  }
  return undefined;
}

async function afterwards(
  waiting: Promise<void>,
  plugins: readonly AdmissionPlugin[],
  call: (plugin: AdmissionPlugin) => Promise<void> | void,
): Promise<void> {
  await waiting;
  for (const plugin of plugins) await call(plugin);
}

type Validate = (attributes: ValidatedAttributes) => Promise<void> | undefined;

function checked(validate: Validate): Validate {
  return async (attributes) => {
    const before = JSON.stringify(attributes.object);
    await validate(attributes);
    assert(
      JSON.stringify(attributes.object) === before,
      "an admission plug-in changed what it may only validate",
    );
  };
}

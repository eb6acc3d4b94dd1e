/**
 * What the store holds, as objects. Where others write to the same data, a value is believed only when it is an object of its
 * resource under its own name; whatever else it is counts as absent, is counted and is logged now and then.
 * Not here: values that this process has written (encode.ts), the schema (its resource brings it as `isSound`).
 */
import type { Clock, Counter, Log, Metrics } from "../../base/index.ts";
import type { KubeObject } from "../../machinery/index.ts";
import type { KeyValue } from "../../storage/index.ts";
import type { ParseValue, StoredObject, WrittenObjects } from "./encode.ts";

/** What has to be known of a resource to read its values. */
export interface ReadableResource {
  readonly prefix: string;
  readonly namespaced: boolean;
  readonly parse: ParseValue;
  /** Whether all members are of the types that the kind's schema says. Absent: nothing to check. */
  readonly isSound?: (object: KubeObject) => boolean;
}

export interface StoredValuesDependencies {
  readonly written: WrittenObjects;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Whether others write to the store. */
  readonly isShared: boolean;
}

/** Between two lines of the log, in ms: who writes garbage must not fill it. */
const logEveryMs = 10_000;

export class StoredValues {
  readonly #deps: StoredValuesDependencies;
  readonly #unreadable: Counter;
  #loggedMs = -Infinity;
  #unlogged = 0;

  constructor(dependencies: StoredValuesDependencies) {
    this.#deps = dependencies;
    this.#unreadable = dependencies.metrics.counter(
      "apiserver_storage_unreadable_values_total",
      "Values in the store that are no object of their resource; they count as absent.",
      ["resource"],
    );
  }

  /** The state, stamped; undefined when it is unreadable. */
  open(stored: KeyValue, resource: ReadableResource): StoredObject | undefined {
    const { written, isShared } = this.#deps;
    if (!isShared) return written.open(stored, resource.parse);
    try {
      const state = written.open(stored, resource.parse);
      const wrong = whyNot(state, resource);
      if (wrong === undefined) return state;
      this.#report(stored, resource, wrong);
    } catch (error) {
      this.#report(stored, resource, error instanceof Error ? error.message : String(error));
    }
    return undefined;
  }

  #report({ key, modRevision }: KeyValue, { prefix }: ReadableResource, why: string): void {
    this.#unreadable.add(1, { resource: prefix.split("/")[2] ?? "" });
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#loggedMs < logEveryMs) {
      this.#unlogged++;
      return;
    }
    this.#loggedMs = nowMs;
    this.#deps.log.error("a value in the store is unreadable and counts as absent", {
      key,
      revision: modRevision,
      why,
      othersSince: this.#unlogged,
    });
    this.#unlogged = 0;
  }
}

function whyNot(state: StoredObject, resource: ReadableResource): string | undefined {
  const parts = state.key.slice(resource.prefix.length).split("/");
  const { metadata } = state.object;
  const [namespace, name] = resource.namespaced ? parts : ["", ...parts];
  const isPlaced = parts.length === (resource.namespaced ? 2 : 1) && parts.every((part) => part !== "");
  if (!isPlaced) return "the key is none of its resource";
  if (metadata.name !== name || (metadata.namespace ?? "") !== namespace) return "it has another name";
  return resource.isSound?.(state.object) === false ? "a member has another type" : undefined;
}

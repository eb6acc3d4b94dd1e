/**
 * Objects as a fold of changes: once of the store's log (the truth), once of what a controller process was shown.
 * Not here: what follows from them (model.ts), what must hold (checker.ts).
 */
import type { ControllerRevision, DaemonSet, Node, Pod } from "../../src/api/index.ts";
import { keyOf, type KubeObject } from "../../src/machinery/index.ts";

export const kinds = ["pods", "nodes", "daemonsets", "controllerrevisions"] as const;
export type KindName = (typeof kinds)[number];

export interface ClusterState {
  readonly pods: ReadonlyMap<string, Pod>;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly daemonsets: ReadonlyMap<string, DaemonSet>;
  readonly controllerrevisions: ReadonlyMap<string, ControllerRevision>;
}

export class FoldedState implements ClusterState {
  readonly pods: Map<string, Pod> = new Map();
  readonly nodes: Map<string, Node> = new Map();
  readonly daemonsets: Map<string, DaemonSet> = new Map();
  readonly controllerrevisions: Map<string, ControllerRevision> = new Map();
  /** Newest version taken in, per kind. */
  readonly #versions = new Map<KindName, number>();

  replace(kind: KindName, objects: readonly KubeObject[], version: string): void {
    const map = this[kind] as Map<string, KubeObject>;
    map.clear();
    for (const object of objects) map.set(keyOf(object), object);
    this.#versions.set(kind, Number(version));
  }

  /** Doubles and stragglers change nothing. */
  change(kind: KindName, type: "put" | "delete", object: KubeObject): void {
    const version = Number(object.metadata.resourceVersion);
    if (version <= (this.#versions.get(kind) ?? 0)) return;
    this.#versions.set(kind, version);
    const map = this[kind] as Map<string, KubeObject>;
    if (type === "put") map.set(keyOf(object), object);
    else map.delete(keyOf(object));
  }

  /** Newest version taken in. */
  versionOf(kind: KindName): number {
    return this.#versions.get(kind) ?? 0;
  }

  /** A copy with other states of some objects. */
  copyWith(changes: readonly { readonly kind: KindName; readonly object: KubeObject }[]): ClusterState {
    const copy = new FoldedState();
    for (const kind of kinds) {
      const map = copy[kind] as Map<string, KubeObject>;
      for (const [key, object] of this[kind]) map.set(key, object);
      for (const change of changes) if (change.kind === kind) map.set(keyOf(change.object), change.object);
    }
    return copy;
  }

  copy(): ClusterState {
    return {
      pods: new Map(this.pods),
      nodes: new Map(this.nodes),
      daemonsets: new Map(this.daemonsets),
      controllerrevisions: new Map(this.controllerrevisions),
    };
  }
}

export function daemonSetOf(state: ClusterState, uid: string): DaemonSet | undefined {
  for (const daemonSet of state.daemonsets.values()) if (daemonSet.metadata.uid === uid) return daemonSet;
  return undefined;
}

/**
 * Which pods one DaemonSet claims, and the ones among them that have no slot: they wait for a claim patch or for a node.
 *
 *   owned ──┬─ matches ─┬─ names a node ──▶ a slot (not kept here)
 *           │           └─ names none ────▶ withoutNode
 *           └─ does not match ────────────▶ notMatching, to be released
 *   without controller, matches ──────────▶ orphans, to be adopted
 *
 * Always true: a UID stands in at most one of the three. O(1) per pod.
 * Not here: the patches (claim.ts, reconcile.ts), the slots (slots.ts).
 */
import { type Pod, targetNodeName } from "../../api/index.ts";
import type { KubeObject, Selector } from "../../machinery/index.ts";

export interface Claim {
  readonly isMatching: boolean;
  /** The node to whose slot the pod belongs. Never given for a pod that does not match. */
  readonly node: string | undefined;
}

const notMatching: Claim = { isMatching: false, node: undefined };
const withoutNode: Claim = { isMatching: true, node: undefined };

export class Claims {
  #selector: Selector;
  readonly #orphans = new Map<string, Pod>();
  readonly #notMatching = new Map<string, Pod>();
  readonly #withoutNode = new Map<string, Pod>();
  /**
   * Nodes of pods that the controller created and whose affinity somebody has edited
   * (docs/spec/daemonset-controller.md#23.20), by UID.
   */
  readonly #nodes = new Map<string, string>();

  constructor(selector: Selector) {
    this.#selector = selector;
  }

  get selector(): Selector {
    return this.#selector;
  }

  /** Matching pods without controller, by UID. None of them is being deleted. */
  get orphans(): ReadonlyMap<string, Pod> {
    return this.#orphans;
  }

  /** Owned pods that the selector does not match, by UID. */
  get notMatching(): ReadonlyMap<string, Pod> {
    return this.#notMatching;
  }

  /** Owned, matching pods whose node cannot be found out, by UID. */
  get withoutNode(): ReadonlyMap<string, Pod> {
    return this.#withoutNode;
  }

  /** Begins anew with a selector. Remembered nodes stay. */
  reset(selector: Selector): void {
    this.#selector = selector;
    this.#orphans.clear();
    this.#notMatching.clear();
    this.#withoutNode.clear();
  }

  /** Whether an orphan may belong here: an empty or missing selector matches nothing, and neither do no labels. */
  matches({ metadata: { labels } }: KubeObject): boolean {
    if (labels === undefined || Object.keys(labels).length === 0) return false;
    return this.#selector.requirements.length > 0 && this.#selector.matches(labels);
  }

  /** Takes in the state of a pod that has the DaemonSet as controller. */
  own(pod: Pod): Claim {
    const uid = pod.metadata.uid ?? "";
    this.#orphans.delete(uid);
    if (!this.#selector.matches(pod.metadata.labels)) {
      this.#withoutNode.delete(uid);
      this.#notMatching.set(uid, pod);
      return notMatching;
    }
    this.#notMatching.delete(uid);
    const node = targetNodeName(pod) ?? this.#nodes.get(uid);
    if (node === undefined) {
      this.#withoutNode.set(uid, pod);
      return withoutNode;
    }
    this.#withoutNode.delete(uid);
    return { isMatching: true, node };
  }

  /** Takes in the state of a pod that has no controller. */
  orphan(pod: Pod): void {
    const uid = pod.metadata.uid ?? "";
    this.#forgetOwned(uid);
    if (pod.metadata.deletionTimestamp === undefined && this.matches(pod)) this.#orphans.set(uid, pod);
    else this.#orphans.delete(uid);
  }

  /** The last state of an owned pod that has no slot. */
  owned(uid: string): Pod | undefined {
    return this.#notMatching.get(uid) ?? this.#withoutNode.get(uid);
  }

  /** The pod is gone, or another controller has it. */
  drop(uid: string): void {
    this.#orphans.delete(uid);
    this.#forgetOwned(uid);
  }

  /** The server has been asked to adopt the orphan, and has answered. */
  adopted(uid: string): void {
    this.#orphans.delete(uid);
  }

  /** The pod that did not match has been released. */
  released(uid: string): void {
    this.#notMatching.delete(uid);
  }

  /** The pod was created for the node but does not name it any more. @returns its state, if it has been seen. */
  rememberNode(uid: string, node: string): Pod | undefined {
    this.#nodes.set(uid, node);
    return this.#withoutNode.get(uid);
  }

  #forgetOwned(uid: string): void {
    this.#notMatching.delete(uid);
    this.#withoutNode.delete(uid);
    this.#nodes.delete(uid);
  }
}

/**
 * Makes room for a pod that no node suits: asks whether it may, decides, keeps the room, has the victims deleted.
 * Not here: whom it drives out (preemption.ts), when the pod is tried again (scheduler.ts).
 * Upstream: kubernetes v1.35, pkg/scheduler/framework/preemption, plugins/defaultpreemption (PodEligibleToPreemptOthers).
 */
import { createLimiter } from "../base/index.ts";
import { type Pod, type PodDisruptionBudget, poddisruptionbudgets } from "../api/index.ts";
import type { ControllerContext, Informer } from "../client/index.ts";
import { keyOf } from "../machinery/index.ts";
import { preemptPod } from "./calls.ts";
import type { ClusterState, NodeState } from "./cluster-state.ts";
import { type Candidate, rejectionOf } from "./filters.ts";
import type { PodFacts } from "./pod-facts.ts";
import { fitsWithoutLower, isGoingByPreemption, planPreemption, type Preemption } from "./preemption.ts";

/** Victims of one pod that are worked on at once; upstream's parallelism. */
const victimCallsMax = 16;

export class Preemptor {
  readonly #context: ControllerContext;
  readonly #cluster: ClusterState;
  readonly #pods: Informer<Pod>;
  readonly #budgets: Informer<PodDisruptionBudget>;
  /** UIDs of pods of which we know that they are going, though the cache may not show it yet. */
  readonly #sentAway = new Set<string>();

  /** Asks for its informers at once. */
  constructor(context: ControllerContext, cluster: ClusterState, pods: Informer<Pod>) {
    this.#context = context;
    this.#cluster = cluster;
    this.#pods = pods;
    this.#budgets = context.informers.for(poddisruptionbudgets);
  }

  /** Changes nothing. @param nodes those that suited if other pods were not there. */
  decide(candidate: Candidate, nodes: readonly NodeState[]): Preemption {
    const because = this.#whyNot(candidate);
    if (because !== undefined) return { do: "wait", because };
    const start = nodes.length < 2 ? 0 : Math.floor(this.#context.random.next() * nodes.length);
    return planPreemption(candidate, [...nodes.slice(start), ...nodes.slice(0, start)], {
      budgets: this.#budgets.lister.list(),
      nowMs: this.#context.clock.nowMs(),
      podOf: (facts) => this.#podOf(facts),
    });
  }

  /** Whether the pod, which the node does not suit, could make room for itself there now. */
  couldMakeRoom(candidate: Candidate, node: NodeState): boolean {
    return !this.#isHeldBack(candidate) && fitsWithoutLower(candidate, node);
  }

  /** Whether the pod, to which the node is promised, neither fits nor has victims left there to wait for. */
  waitsInVain(facts: PodFacts, node: NodeState): boolean {
    const pod = this.#podOf(facts);
    return (
      pod !== undefined &&
      rejectionOf({ pod, facts }, node) !== undefined &&
      !this.#isHeldBack({ pod, facts })
    );
  }

  podGone(uid: string): void {
    this.#sentAway.delete(uid);
  }

  /** Promises the node to the pod. @returns pods of lower priority that it was promised to, and now is not. */
  nominate({ facts }: Candidate, node: string): readonly PodFacts[] {
    const displaced = this.#cluster.nominatedTo(node).filter((other) => other.priority < facts.priority);
    for (const { uid } of displaced) this.#cluster.endNomination(uid);
    this.#cluster.nominate(facts, node);
    return displaced;
  }

  /** Has the victims deleted that are not going yet. @throws when that failed for one of them; others may be going. */
  async evict(preemptor: Pod, { node, victims }: Preemption & { readonly do: "preempt" }): Promise<void> {
    const limiter = createLimiter(victimCallsMax);
    const staying = victims.filter((victim) => !this.#isGoing(victim));
    const calls = staying.map((victim) =>
      limiter.run(async () => {
        await preemptPod(this.#context, { preemptor, victim, node });
        const { uid = "" } = victim.metadata;
        if (this.#podOf({ key: keyOf(victim), uid }) !== undefined) this.#sentAway.add(uid);
      }),
    );
    const ended = await Promise.allSettled(calls);
    const failed = ended.find((one) => one.status === "rejected");
    if (failed !== undefined) throw new Error("a victim was not deleted", { cause: failed.reason });
  }

  #podOf({ key, uid }: Pick<PodFacts, "key" | "uid">): Pod | undefined {
    const pod = this.#pods.lister.get(key);
    return pod?.metadata.uid === uid ? pod : undefined;
  }

  #isGoing({ metadata }: Pod): boolean {
    return metadata.deletionTimestamp !== undefined || this.#sentAway.has(metadata.uid ?? "");
  }

  #isHeldBack(candidate: Candidate): boolean {
    return this.#whyNot(candidate) !== undefined;
  }

  /** As upstream says it; undefined when the pod may make room for itself now. */
  #whyNot(candidate: Candidate): string | undefined {
    const { pod, facts } = candidate;
    if (pod.spec.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
    const nominated = this.#cluster.nominationOf(facts.uid);
    const node = nominated === undefined ? undefined : this.#cluster.node(nominated);
    if (node === undefined || rejectionOf(candidate, node)?.isResolvable === false) return undefined;
    const isWaiting = node.podsBelow(facts.priority).some((other) => {
      const victim = this.#podOf(other);
      return victim !== undefined && (this.#sentAway.has(other.uid) || isGoingByPreemption(victim));
    });
    return isWaiting ? "not eligible due to a terminating pod on the nominated node." : undefined;
  }
}

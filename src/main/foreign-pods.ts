/**
 * Finds pods that belong to DaemonSets and that this controller did not create: while it runs, they show that another
 * controller is active. A transport notes what we create, the informers show what exists.
 *
 *   appears ─▶ made by us ─▶ fine
 *          └─▶ unknown ─▶ wait for late replies ─▶ accounted for by a create whose reply was lost ─▶ fine
 *                                             └─▶ foreign ─▶ more than one within a minute ─▶ report, once
 *
 * Not here: what happens then (controller.ts), the check before the start (foreign-controller.ts).
 */
import type { DaemonSet, Pod } from "../api/index.ts";
import type { Clock } from "../base/index.ts";
import type { Informer, Transport } from "../client/index.ts";
import { controllerOf, keyOf, type KubeObject, type RequestInfo, requestInfoOf } from "../machinery/index.ts";

/** Ms by which a watch may show a pod before the reply to its create arrives. */
const answerMs = 10_000;
/** Foreign pods tolerated within `foreignWindowMs`: somebody may restore one from a backup. */
const foreignPodsMax = 1;
const foreignWindowMs = 60_000;
/** How long a create without a reply may account for a pod, in ms: twice the server's time limit for a request. */
const unansweredMs = 120_000;
/** Own pods kept until the informer shows them; as many as a roll-out on a large cluster makes. */
const ownPodsMax = 50_000;

export interface ForeignPodsOptions {
  readonly clock: Clock;
  /** Called once, with the reason as a text. */
  readonly report: (reason: string) => void;
}

export class ForeignPods {
  readonly #options: ForeignPodsOptions;
  /** UIDs of pods created and not seen yet. */
  readonly #own = new Set<string>();
  readonly #unexplained = new Map<string, Pod>();
  /** Times at which creates failed without a reply. */
  #unanswered: number[] = [];
  #foreign: number[] = [];
  #hasReported = false;

  constructor(options: ForeignPodsOptions) {
    this.#options = options;
  }

  /** Notes the pods that go through `transport`. */
  noting(transport: Transport): Transport {
    return {
      ...transport,
      send: async (call) => {
        if (call.method !== "POST" || !isCreationOfPod(requestInfoOf(call))) return transport.send(call);
        try {
          const reply = await transport.send(call);
          const uid = (reply.object as KubeObject).metadata?.uid;
          if (reply.status < 300 && uid !== undefined) this.#created(uid);
          else if (reply.status >= 500) this.#unanswered.push(this.#options.clock.monotonicMs());
          return reply;
        } catch (error) {
          this.#unanswered.push(this.#options.clock.monotonicMs());
          throw error;
        }
      },
    };
  }

  /** Checks the pods that these informers show after their first lists. */
  watch(pods: Informer<Pod>, daemonSets: Informer<DaemonSet>): void {
    pods.addHandler({
      added: (pod, isInitial) => {
        const owner = controllerOf(pod);
        const uid = pod.metadata.uid ?? "";
        if (isInitial || owner?.kind !== "DaemonSet" || this.#own.delete(uid)) return;
        const daemonSet = daemonSets.lister.get(`${pod.metadata.namespace ?? ""}/${owner.name}`);
        if (daemonSet?.metadata.uid === owner.uid) this.#appeared(uid, pod);
      },
    });
  }

  #created(uid: string): void {
    if (this.#unexplained.delete(uid)) return;
    if (this.#own.size >= ownPodsMax) this.#own.delete(this.#own.values().next().value!);
    this.#own.add(uid);
  }

  #appeared(uid: string, pod: Pod): void {
    this.#unexplained.set(uid, pod);
    this.#options.clock.after(answerMs, () => {
      if (this.#unexplained.delete(uid)) this.#judge(pod);
    });
  }

  #judge(pod: Pod): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#unanswered = this.#unanswered.filter((atMs) => nowMs - atMs < unansweredMs);
    if (this.#unanswered.shift() !== undefined) return;
    this.#foreign = [...this.#foreign.filter((atMs) => nowMs - atMs < foreignWindowMs), nowMs];
    if (this.#foreign.length <= foreignPodsMax || this.#hasReported) return;
    this.#hasReported = true;
    const owner = controllerOf(pod)?.name ?? "";
    this.#options.report(
      `somebody else creates pods for daemonset ${pod.metadata.namespace ?? ""}/${owner}, ${keyOf(pod)} for one`,
    );
  }
}

function isCreationOfPod({ apiGroup, resource, subresource }: RequestInfo): boolean {
  return apiGroup === "" && resource === "pods" && subresource === "";
}

/**
 * `pods/NAME/eviction`: a deletion that asks the disruption budgets first.
 * Not here: counting healthy pods (the budgets' controller writes their status).
 * Upstream: kubernetes v1.34, pkg/registry/core/pod/storage/eviction.go.
 */
import {
  isPodReady,
  isPodTerminal,
  type Pod,
  poddisruptionbudgets,
  type PodDisruptionBudget,
  pods,
} from "../api/index.ts";
import {
  type ApiReply,
  badRequest,
  type Draft,
  formatTime,
  internalError,
  notFound,
  selectorFromLabelSelector,
  tooManyRequests,
} from "../machinery/index.ts";
import { parseBody } from "./bodies.ts";
import { deleteObject, type DeleteOptions, deleteOptionsOf } from "./deletion.ts";
import { ordered } from "./metadata.ts";
import { conflictAttempts, type Registry, type Target, type Writer, type WriteRequest } from "./registry.ts";
import { successReply } from "./replies.ts";
import type { ServedResources } from "./served.ts";

/** How long a client should wait for a budget whose status is behind. */
const staleBudgetRetrySeconds = 10;

/** @throws StatusError 400, 404, 429 when the budget forbids it, 500 when there are several budgets. */
export async function evictPod(
  registry: Registry,
  served: ServedResources,
  request: WriteRequest & { readonly target: Target },
): Promise<ApiReply> {
  const { call, target } = request;
  const { value } = parseBody(call, { tellsDuplicates: false });
  const eviction = value as {
    readonly metadata?: { readonly name?: string };
    readonly deleteOptions?: object;
  };
  const named = eviction.metadata?.name;
  if (named !== undefined && named !== target.name)
    throw badRequest("name in URL does not match name in Eviction object");
  const options = deleteOptionsOf({ ...call, body: eviction.deleteOptions ?? {} });
  const writer: Writer = { user: call.user, isDryRun: request.options.isDryRun || options.isDryRun };
  const podsServed = served.of(pods);
  const state = await registry.find(podsServed, target);
  if (state === undefined) throw notFound(pods, target.name);
  const pod = state.object as Pod;
  if (asksBudget(pod)) await takeFromBudget(registry, served, { pod, writer });
  await deleteObject(registry, podsServed, { target, options: withUid(options, pod), writer });
  return successReply(201);
}

/** What has been decided for one pod must not hit another of the same name. */
function withUid(options: DeleteOptions, pod: Pod): DeleteOptions {
  const uid = options.preconditions?.uid ?? pod.metadata.uid;
  return { ...options, preconditions: { ...options.preconditions, ...(uid === undefined ? {} : { uid }) } };
}

function asksBudget(pod: Pod): boolean {
  return (
    !isPodTerminal(pod) && pod.status?.phase !== "Pending" && pod.metadata.deletionTimestamp === undefined
  );
}

async function takeFromBudget(
  registry: Registry,
  served: ServedResources,
  request: { readonly pod: Pod; readonly writer: Writer },
): Promise<void> {
  const { pod, writer } = request;
  const budgets = served.of(poddisruptionbudgets);
  const namespace = pod.metadata.namespace ?? "";
  const matching = budgets.cache
    .candidates({ namespace })
    .map((state) => state.object as PodDisruptionBudget)
    .filter((budget) => selectorFromLabelSelector(budget.spec?.selector).matches(pod.metadata.labels));
  if (matching.length === 0) return;
  if (matching.length > 1) {
    const text =
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw internalError(new Error(text));
  }
  await registry.modify(
    budgets,
    { name: matching[0]!.metadata.name!, namespace },
    {
      writer,
      attempts: conflictAttempts,
      next: (before) => withDisruption(before as PodDisruptionBudget, pod, registry.context(writer).nowMs),
    },
  );
}

/** The budget with one disruption less, or unchanged when this pod does not count. @throws StatusError 429. */
function withDisruption(budget: PodDisruptionBudget, pod: Pod, nowMs: number): Draft<PodDisruptionBudget> {
  const { status } = budget;
  const healthy = status?.currentHealthy ?? 0;
  const desired = status?.desiredHealthy ?? 0;
  const metadata = ordered(budget.metadata);
  if (!isPodReady(pod) && desired > 0 && healthy >= desired)
    return { ...budget, metadata } as Draft<PodDisruptionBudget>;
  const message = "Cannot evict pod as it would violate the pod's disruption budget.";
  const name = budget.metadata.name ?? "";
  if ((status?.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
    const cause = {
      reason: "DisruptionBudget",
      message: `The disruption budget ${name} is still being processed by the server.`,
    };
    throw tooManyRequests(message, { retryAfterSeconds: staleBudgetRetrySeconds, causes: [cause] });
  }
  const allowed = status?.disruptionsAllowed ?? 0;
  if (allowed <= 0) {
    const text = `The disruption budget ${name} needs ${desired} healthy pods and has ${healthy} currently`;
    throw tooManyRequests(message, { causes: [{ reason: "DisruptionBudget", message: text }] });
  }
  const disruptedPods = { ...status?.disruptedPods, [pod.metadata.name!]: formatTime(nowMs) };
  return {
    ...budget,
    metadata,
    status: { ...status, disruptionsAllowed: allowed - 1, disruptedPods },
  } as Draft<PodDisruptionBudget>;
}

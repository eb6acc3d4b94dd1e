/**
 * `pods/NAME/eviction`: the deletion that `kubectl drain` asks for.
 * Not here: disruption budgets. They are stored, but nobody keeps their counts yet, so they hold nothing back;
 * an eviction that a budget would have a say in answers with a warning.
 * Upstream: kubernetes v1.34, pkg/registry/core/pod/storage/eviction.go.
 */
import { type Pod, type PodDisruptionBudget, poddisruptionbudgets, pods } from "../../api/index.ts";
import { type ApiReply, badRequest, notFound, selectorFromLabelSelector } from "../../machinery/index.ts";
import { parseBody } from "../registry/bodies.ts";
import { deleteObject, deleteOptionsOf } from "../registry/deletion.ts";
import type { Writes, Target, WriteRequest } from "../registry/writes.ts";
import { successReply } from "../registry/replies.ts";
import type { ServedResources } from "../registry/served.ts";

/** @throws StatusError 400, 404, 409. What is decided for one pod never hits another of the same name. */
export async function evictPod(
  writes: Writes,
  served: ServedResources,
  request: WriteRequest & { readonly target: Target },
): Promise<ApiReply> {
  const { call, target } = request;
  const type = { table: writes.schemas, name: "policy.v1.Eviction" };
  const eviction = parseBody(call, type).value as {
    readonly metadata?: { readonly name?: unknown };
    readonly deleteOptions?: object;
  };
  const named = eviction.metadata?.name;
  if (named !== undefined && named !== target.name) {
    throw badRequest("name in URL does not match name in Eviction object");
  }
  const podsServed = served.of(pods);
  const state = await writes.find(podsServed, target);
  if (state === undefined) throw notFound(pods, target.name);
  const pod = state.object as Pod;
  const options = deleteOptionsOf(
    { ...call, contentType: "application/json", body: eviction.deleteOptions ?? {} },
    writes.schemas,
  );
  const uid = options.preconditions?.uid ?? pod.metadata.uid!;
  await deleteObject(writes, podsServed, {
    target,
    options: { ...options, preconditions: { ...options.preconditions, uid } },
    writer: { user: call.user, isDryRun: request.options.isDryRun || options.isDryRun },
    isAdmitted: true,
  });
  return {
    ...successReply(201),
    warnings: budgetsOf(served, pod).map(
      (name) =>
        `PodDisruptionBudget ${name} did not hold this eviction back: budgets are stored, but nobody keeps them yet`,
    ),
  };
}

function budgetsOf(served: ServedResources, pod: Pod): readonly string[] {
  const namespace = pod.metadata.namespace ?? "";
  return served
    .of(poddisruptionbudgets)
    .cache.candidates({ namespace })
    .map((state) => state.object as PodDisruptionBudget)
    .filter(({ spec }) => selectorFromLabelSelector(spec?.selector).matches(pod.metadata.labels))
    .map(({ metadata }) => metadata.name ?? "");
}

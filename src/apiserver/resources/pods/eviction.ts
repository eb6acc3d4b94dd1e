/**
 * `pods/NAME/eviction`: the deletion that `kubectl drain` asks for.
 * Not here: disruption budgets. They are stored, but nobody keeps their counts yet, so they hold nothing back;
 * an eviction that a budget would have a say in answers with a warning.
 * Upstream: kubernetes v1.35, pkg/registry/core/pod/storage/eviction.go.
 */
import { poddisruptionbudgets, pods, schemas } from "../../../api/index.ts";
import { badRequest, copyJson, notFound, selectorFromLabelSelector } from "../../../machinery/index.ts";
import { parseBody } from "../../registry/bodies.ts";
import { admittedVerb, type Connector } from "../../registry/definition.ts";
import { deleteOptionsOf } from "../../registry/delete-options.ts";
import { successReply } from "../../registry/replies.ts";

interface Eviction {
  readonly metadata?: { readonly name?: unknown };
  readonly deleteOptions?: object;
}

const evict = admittedVerb<Eviction>({
  operation: "CREATE",
  read(call) {
    const type = { table: schemas, name: "policy.v1.Eviction" };
    return copyJson(parseBody(call, type).value as Eviction);
  },
  check({ metadata }, { name }) {
    if (metadata?.name !== undefined && metadata.name !== name)
      throw badRequest("name in URL does not match name in Eviction object");
  },
  async serve(eviction, { call, namespace, name, objects, writer }) {
    const target = { name, ...(namespace === undefined ? {} : { namespace }) };
    const pod = await objects.get(pods, target);
    if (pod === undefined) throw notFound(pods, name);
    const body = eviction.deleteOptions ?? {};
    const options = deleteOptionsOf({ ...call, contentType: "application/json", body });
    // What is decided for one pod never hits another of the same name.
    const uid = options.preconditions?.uid ?? pod.metadata.uid!;
    await objects.delete(pods, target, {
      options: { ...options, preconditions: { ...options.preconditions, uid } },
      writer: { ...writer, isDryRun: writer.isDryRun || options.isDryRun },
    });
    const budgets = objects.list(poddisruptionbudgets, pod.metadata.namespace ?? "");
    for (const { metadata, spec } of budgets) {
      if (!selectorFromLabelSelector(spec?.selector).matches(pod.metadata.labels)) continue;
      const text = "did not hold this eviction back: budgets are stored, but nobody keeps them yet";
      call.warn(`PodDisruptionBudget ${metadata.name ?? ""} ${text}`);
    }
    return successReply(201);
  },
});

export const eviction: Connector = { as: "connector", verbs: { create: evict } };

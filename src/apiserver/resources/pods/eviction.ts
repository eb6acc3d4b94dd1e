/**
 * `pods/NAME/eviction`: the deletion that `kubectl drain` asks for.
 * Not here: disruption budgets. They are stored, but nobody keeps their counts yet, so they hold nothing back;
 * an eviction that a budget would have a say in answers with a warning.
 * Upstream: kubernetes v1.35, pkg/registry/core/pod/storage/eviction.go.
 */
import { type Pod, poddisruptionbudgets, pods, schemas } from "../../../api/index.ts";
import {
  badRequest,
  copyJson,
  type Draft,
  formatTime,
  type KubeObject,
  notFound,
  selectorFromLabelSelector,
} from "../../../machinery/index.ts";
import { parseBody } from "../../registry/bodies.ts";
import { conflictAttempts, type Target } from "../../registry/change.ts";
import { admittedVerb, type Connector, type ConnectorWrite } from "../../registry/definition.ts";
import { deleteOptionsOf, type Preconditions } from "../../registry/delete-options.ts";
import { checkPreconditions } from "../../registry/deletion.ts";
import { ordered } from "../../registry/metadata.ts";
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
  async serve(eviction, { call, namespace, name, objects, writer: asking }) {
    const target = { name, ...(namespace === undefined ? {} : { namespace }) };
    const pod = await objects.get(pods, target);
    if (pod === undefined) throw notFound(pods, name);
    const body = eviction.deleteOptions ?? {};
    const options = deleteOptionsOf({ ...call, contentType: "application/json", body });
    const writer = { ...asking, isDryRun: asking.isDryRun || options.isDryRun };
    // What is decided for one pod never hits another of the same name.
    const asked = { uid: pod.metadata.uid!, ...options.preconditions };
    const marked = writer.isDryRun ? undefined : await mark(target, asked, { objects, writer });
    const version = asked.resourceVersion === undefined ? undefined : marked?.metadata.resourceVersion;
    const preconditions = { ...asked, ...(version === undefined ? {} : { resourceVersion: version }) };
    await objects.delete(pods, target, { options: { ...options, preconditions }, writer });
    const budgets = objects.list(poddisruptionbudgets, pod.metadata.namespace ?? "");
    for (const { metadata, spec } of budgets) {
      if (!selectorFromLabelSelector(spec?.selector).matches(pod.metadata.labels)) continue;
      const text = "did not hold this eviction back: budgets are stored, but nobody keeps them yet";
      call.warn(`PodDisruptionBudget ${metadata.name ?? ""} ${text}`);
    }
    return successReply(201);
  },
});

/** Says in the pod's conditions why it goes, if it is the one that is meant. @returns the pod with it. */
function mark(
  target: Target,
  asked: Preconditions,
  { objects, writer }: Pick<ConnectorWrite, "objects" | "writer">,
): Promise<KubeObject> {
  const lastTransitionTime = formatTime(objects.nowMs());
  return objects.modify(pods, target, {
    writer,
    attempts: conflictAttempts,
    next(before) {
      checkPreconditions(pods, before, asked);
      return { object: withCondition(before as Pod, lastTransitionTime) };
    },
  });
}

function withCondition(pod: Pod, lastTransitionTime: string): Draft<Pod> {
  const conditions = pod.status?.conditions ?? [];
  const told = {
    type: "DisruptionTarget",
    status: "True",
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
    lastProbeTime: null,
  };
  const others = conditions.filter(({ type }) => type !== told.type);
  const present = conditions.find(({ type }) => type === told.type);
  const since = present?.status === told.status ? present.lastTransitionTime : undefined;
  const condition = { ...present, ...told, lastTransitionTime: since ?? lastTransitionTime };
  const status = { ...pod.status, conditions: [...others, condition] };
  return { ...pod, metadata: ordered(pod.metadata), status } as Draft<Pod>;
}

export const eviction: Connector = { as: "connector", verbs: { create: evict } };

/**
 * `pods/NAME/binding`: puts a pod on a node, once. `bindings` is the older path to the same.
 * Not here: which node (the scheduler).
 * Upstream: kubernetes v1.35, pkg/registry/core/pod/storage/storage.go.
 */
import { withMembers } from "../../../base/index.ts";
import {
  type Binding,
  type Pod,
  type PodCondition,
  pods,
  type PodStatus,
  schemas,
} from "../../../api/index.ts";
import {
  badRequest,
  conflict,
  decodeObject,
  type Draft,
  type FieldError,
  formatTime,
  invalid,
  invalidValue,
  type KubeObject,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { parseBody } from "../../registry/bodies.ts";
import { admittedVerb, type Connector, type ConnectorRequest } from "../../registry/definition.ts";
import { ordered } from "../../registry/metadata.ts";
import { successReply } from "../../registry/replies.ts";
import { conflictAttempts } from "../../registry/change.ts";

const bind = admittedVerb<Draft<Binding>>({
  operation: "CREATE",
  // The older path is no way around a plug-in.
  admittedAs: { resource: pods, subresource: "binding" },
  read(call) {
    const type = { table: schemas, name: "core.v1.Binding" };
    const { value } = parseBody(call, type, { apiVersion: "v1" });
    const { object, errors } = decodeObject<Draft<Binding>>(type, value);
    if (errors.length > 0) throw badRequest(errors[0]!);
    return object;
  },
  check: checkBinding,
  async serve(binding, request) {
    const { namespace, objects, writer } = request;
    const target = { name: podNameOf(binding, request), ...(namespace === undefined ? {} : { namespace }) };
    const nowMs = objects.nowMs();
    await objects.modify(pods, target, {
      writer,
      attempts: conflictAttempts,
      next: (before) => ({ object: bound(before as Pod, binding, nowMs) }),
    });
    return successReply(201);
  },
});

export const binding: Connector = { as: "connector", verbs: { create: bind } };

function podNameOf({ metadata }: Binding, { name }: ConnectorRequest): string {
  return name === "" ? (metadata?.name ?? "") : name;
}

/** @throws StatusError 400, 422. */
function checkBinding(binding: Binding, request: ConnectorRequest): void {
  const pod = podNameOf(binding, request);
  if (binding.metadata?.name && binding.metadata.name !== pod)
    throw badRequest("name in URL does not match name in Binding object");
  const errors: FieldError[] = [];
  const { kind, name: node } = binding.target;
  if (kind !== undefined && kind !== "" && kind !== "Node")
    errors.push(notSupported("target.kind", kind, ["Node", "<empty>"]));
  if (node === undefined || node === "") errors.push(required("target.name"));
  else if (node.includes("/")) errors.push(invalidValue("target.name", node, "may not contain '/'"));
  if (errors.length > 0) throw invalid({ group: "", kind: "Binding" }, pod, errors);
}

const bindingResource = { group: "", resource: "pods/binding" };

/** @throws StatusError 409 for a pod that is another, has a node, goes, or waits for its gates. */
function bound(pod: Pod, binding: Binding, nowMs: number): Draft<KubeObject> {
  const name = pod.metadata.name ?? "";
  const { uid, annotations } = binding.metadata ?? {};
  if (uid !== undefined && uid !== "" && uid !== pod.metadata.uid) {
    const detail = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ""}`;
    throw conflict(bindingResource, name, detail);
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw conflict(bindingResource, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (pod.spec?.nodeName) {
    throw conflict(
      bindingResource,
      name,
      `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`,
    );
  }
  if ((pod.spec?.schedulingGates?.length ?? 0) > 0) {
    throw conflict(bindingResource, name, `pod ${name} has non-empty .spec.schedulingGates`);
  }
  const merged =
    annotations === undefined ? pod.metadata.annotations : { ...pod.metadata.annotations, ...annotations };
  const next: Pod = withMembers(pod, {
    metadata: ordered(withMembers(pod.metadata, { annotations: merged })),
    spec: withMembers(pod.spec!, { nodeName: binding.target.name! }),
    status: withMembers(withoutNomination(pod.status ?? {}), {
      conditions: withScheduled(pod.status?.conditions ?? [], nowMs),
    }),
  });
  return next as Draft<Pod>;
}

/** The room that was made for the pod is taken now, here or elsewhere. */
function withoutNomination(status: PodStatus): PodStatus {
  if (status.nominatedNodeName === undefined) return status;
  const { nominatedNodeName: _ended, ...others } = status;
  return others;
}

function withScheduled(conditions: readonly PodCondition[], nowMs: number): PodCondition[] {
  const scheduled: PodCondition = {
    type: "PodScheduled",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: formatTime(nowMs),
  };
  return [...conditions.filter((condition) => condition.type !== "PodScheduled"), scheduled];
}

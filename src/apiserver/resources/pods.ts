/**
 * Subresources of pods: binding to a node, and logs.
 * Not here: where logs come from (the caller of createApiServer knows the nodes).
 * Upstream: kubernetes v1.34, pkg/registry/core/pod/storage/storage.go, strategy.go.
 */
import { type Binding, pods, type Pod, type PodCondition } from "../../api/index.ts";
import {
  type ApiCall,
  type ApiReply,
  badRequest,
  conflict,
  decodeObject,
  type Draft,
  type FieldError,
  formatTime,
  invalid,
  invalidValue,
  isFlagSet,
  type KubeObject,
  notFound,
  notSupported,
  required,
} from "../../machinery/index.ts";
import { parseBody } from "../registry/bodies.ts";
import { ordered } from "../registry/metadata.ts";
import { first, integer } from "../registry/query.ts";
import {
  conflictAttempts,
  type Writes,
  type Target,
  type WriteRequest,
  writerOf,
  type Written,
} from "../registry/writes.ts";
import type { Served } from "../registry/served.ts";

/** POST of a Binding: puts a pod on a node, once. @throws StatusError 400, 404, 409, 422. */
export async function bindPod(
  writes: Writes,
  served: Served,
  request: WriteRequest & { readonly target: Partial<Target> },
): Promise<Written> {
  const type = { table: writes.schemas, name: "core.v1.Binding" };
  const { object: binding, errors } = decodeObject<Binding>(
    type,
    parseBody(request.call, type, { apiVersion: "v1" }).value,
  );
  if (errors.length > 0) throw badRequest(errors[0]!);
  const name = request.target.name ?? binding.metadata?.name ?? "";
  if (binding.metadata?.name && binding.metadata.name !== name) {
    throw badRequest("name in URL does not match name in Binding object");
  }
  checkTarget(binding, name);
  const { namespace } = request.target;
  const nowMs = writes.context(writerOf(request)).nowMs;
  return writes.modify(
    served,
    { name, ...(namespace === undefined ? {} : { namespace }) },
    {
      writer: writerOf(request),
      attempts: conflictAttempts,
      next: (before) => ({ object: bound(before as Pod, binding, nowMs) }),
    },
  );
}

function checkTarget(binding: Binding, name: string): void {
  const errors: FieldError[] = [];
  const { kind, name: node } = binding.target;
  if (kind !== undefined && kind !== "" && kind !== "Node")
    errors.push(notSupported("target.kind", kind, ["Node", "<empty>"]));
  if (node === undefined || node === "") errors.push(required("target.name"));
  else if (node.includes("/")) errors.push(invalidValue("target.name", node, "may not contain '/'"));
  if (errors.length > 0) throw invalid({ group: "", kind: "Binding" }, name, errors);
}

const bindingResource = { group: "", resource: "pods/binding" };

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
  const next: Pod = {
    ...pod,
    metadata: ordered({ ...pod.metadata, annotations: merged }),
    spec: { ...pod.spec!, nodeName: binding.target.name! },
    status: { ...pod.status, conditions: withScheduled(pod.status?.conditions ?? [], nowMs) },
  };
  return next as Draft<Pod>;
}

function withScheduled(conditions: readonly PodCondition[], nowMs: number): PodCondition[] {
  const scheduled: PodCondition = {
    type: "PodScheduled",
    status: "True",
    lastTransitionTime: formatTime(nowMs),
  };
  return [...conditions.filter((condition) => condition.type !== "PodScheduled"), scheduled];
}

export interface LogQuery {
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
}

/** Reads the log of a container where the pod runs. Throws StatusError when it cannot; the signal ends a following read. */
export type NodeLogs = (request: {
  readonly node: string;
  readonly pod: Pod;
  readonly query: LogQuery;
  readonly signal: AbortSignal;
}) => Promise<AsyncIterable<Uint8Array>>;

/** @throws StatusError 400 for containers that are not there or have not started, 404. */
export async function podLog(
  writes: Writes,
  served: Served,
  request: { readonly call: ApiCall; readonly target: Target; readonly nodeLogs: NodeLogs | undefined },
): Promise<ApiReply> {
  const { call, target, nodeLogs } = request;
  const state = await writes.find(served, target);
  if (state === undefined) throw notFound(pods, target.name);
  const pod = state.object as Pod;
  const query = logQueryOf(call, pod);
  const node = pod.spec?.nodeName;
  if (!node) return textReply(nothing);
  checkStarted(pod, query);
  const chunks = nodeLogs === undefined ? nothing : await nodeLogs({ node, pod, query, signal: call.signal });
  return textReply(chunks);
}

function textReply(chunks: AsyncIterable<Uint8Array>): ApiReply {
  return { status: 200, contentType: "text/plain", body: { as: "stream", chunks: () => chunks } };
}

const nothing: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

function logQueryOf(call: ApiCall, pod: Pod): LogQuery {
  const { query } = call;
  const tailLines = positive(query, "tailLines", 0);
  const limitBytes = positive(query, "limitBytes", 1);
  const sinceSeconds = positive(query, "sinceSeconds", 1);
  const sinceTime = first(query, "sinceTime");
  return {
    container: containerOf(pod, first(query, "container") ?? ""),
    follow: isFlagSet(query, "follow"),
    previous: isFlagSet(query, "previous"),
    timestamps: isFlagSet(query, "timestamps"),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
  };
}

function positive(query: ApiCall["query"], name: string, min: number): number | undefined {
  const value = integer(query, name);
  if (value === undefined || value >= min) return value;
  const detail = min === 0 ? "must be greater than or equal to 0" : "must be greater than 0";
  throw invalid({ group: "", kind: "PodLogOptions" }, "", [invalidValue(name, value, detail)]);
}

function containerOf(pod: Pod, asked: string): string {
  const name = pod.metadata.name ?? "";
  const containers = (pod.spec?.containers ?? []).map((container) => container.name);
  const inits = (pod.spec?.initContainers ?? []).map((container) => container.name);
  const ephemerals = (pod.spec?.ephemeralContainers ?? []).map((container) => container.name);
  if (asked !== "") {
    if ([...containers, ...inits, ...ephemerals].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  if (containers.length === 1) return containers[0]!;
  const choices = `choose one of: [${containers.join(" ")}]`;
  const inInits = inits.length === 0 ? "" : ` or one of the init containers: [${inits.join(" ")}]`;
  throw badRequest(`a container name must be specified for pod ${name}, ${choices}${inInits}`);
}

function checkStarted(pod: Pod, query: LogQuery): void {
  const { container } = query;
  const name = pod.metadata.name ?? "";
  const statuses = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.ephemeralContainerStatuses ?? []),
  ];
  const status = statuses.find((candidate) => candidate.name === container);
  if (query.previous) {
    if (status?.lastState?.terminated !== undefined) return;
    throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`);
  }
  const hasRun = status?.state?.running ?? status?.state?.terminated ?? status?.lastState?.terminated;
  if (hasRun !== undefined) return;
  const reason = status?.state?.waiting?.reason ?? "ContainerCreating";
  throw badRequest(`container "${container}" in pod "${name}" is waiting to start: ${reason}`);
}

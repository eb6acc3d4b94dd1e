/**
 * `pods/NAME/log`: what a container has written.
 * Not here: where logs come from (the caller of createApiServer knows the nodes).
 * Upstream: kubernetes v1.35, pkg/registry/core/pod/strategy.go, pkg/registry/core/pod/rest/log.go.
 */
import { type Pod, pods } from "../../../api/index.ts";
import {
  type ApiRequest,
  type CallHead,
  type ApiReply,
  badRequest,
  invalid,
  invalidValue,
  isFlagSet,
  notFound,
} from "../../../machinery/index.ts";
import type { Connector, ReadingVerb } from "../../registry/definition.ts";
import { first, integer } from "../../registry/query.ts";

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
  /** The pod as it is when asked; undefined once it is gone, or another one has its name. */
  readonly podNow: () => Promise<Pod | undefined>;
  readonly signal: AbortSignal;
}) => Promise<AsyncIterable<Uint8Array>>;

/** Without `nodeLogs` logs are empty. */
export function log(nodeLogs: NodeLogs | undefined): Connector {
  const get: ReadingVerb = {
    async serve({ call, namespace, name, objects }) {
      const target = { name, ...(namespace === undefined ? {} : { namespace }) };
      const pod = await objects.get(pods, target);
      if (pod === undefined) throw notFound(pods, name);
      const podNow = async (): Promise<Pod | undefined> => {
        const now = await objects.get(pods, target);
        return now?.metadata.uid === pod.metadata.uid ? now : undefined;
      };
      return podLog(call, { pod, podNow }, nodeLogs);
    },
  };
  return { as: "connector", verbs: { get } };
}

/** @throws StatusError 400 for containers that are not there or have not started. */
async function podLog(
  call: ApiRequest,
  { pod, podNow }: { readonly pod: Pod; readonly podNow: () => Promise<Pod | undefined> },
  nodeLogs: NodeLogs | undefined,
): Promise<ApiReply> {
  const query = logQueryOf(call, pod);
  const node = pod.spec?.nodeName;
  if (!node) return textReply(nothing);
  checkStarted(pod, query);
  if (nodeLogs === undefined) return textReply(nothing);
  return textReply(await nodeLogs({ node, pod, query, podNow, signal: call.signal }));
}

function textReply(chunks: AsyncIterable<Uint8Array>): ApiReply {
  return { status: 200, contentType: "text/plain", body: { as: "stream", chunks: () => chunks } };
}

const nothing: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

function logQueryOf(call: ApiRequest, pod: Pod): LogQuery {
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

function positive(query: CallHead["query"], name: string, min: number): number | undefined {
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

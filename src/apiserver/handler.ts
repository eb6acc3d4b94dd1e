/**
 * One call in, one reply out: the server's front door for every transport.
 *
 *   filters (filters/chain.ts) ─▶ a resource: read or write (resource-handler.ts)
 *                              └▶ any other path: the endpoint that knows it (discovery/)
 *
 * Not here: HTTP (http/).
 */
import {
  type ApiHandler,
  type ApiReply,
  type CallHead,
  pathNotFound,
  qualifiedResource,
  serviceUnavailable,
} from "../machinery/index.ts";
import type { Endpoint } from "./discovery/document.ts";
import { type ChainDependencies, type ChainOptions, createChain } from "./filters/chain.ts";
import type { ServerRequest } from "./filters/server-request.ts";
import type { ResourceHandler } from "./resource-handler.ts";

export interface HandlerDependencies extends ChainDependencies {
  readonly resources: ResourceHandler;
  /** Asked in turn for paths that are no resource. */
  readonly endpoints: readonly Endpoint[];
  /** Until then only the endpoints answer. */
  readonly isLoaded: () => boolean;
}

/** The handler never rejects: failures are replies that hold a Status. */
export function createHandler(options: ChainOptions, dependencies: HandlerDependencies): ApiHandler {
  const { resources, endpoints, isLoaded } = dependencies;
  const work = async (request: ServerRequest): Promise<ApiReply> => {
    if (!request.info.isResourceRequest) return endpointReply(endpoints, request);
    if (!isLoaded()) throw serviceUnavailable("the server is starting or stopping", { retryAfterSeconds: 1 });
    const known = resources.requestOf(request, request.info);
    request.countedAs = { verb: known.verb, resource: qualifiedResource(known.kind.resource) };
    if (known.kind.deprecationWarning !== undefined) request.warn(known.kind.deprecationWarning);
    return resources.serve(known);
  };
  return createChain(work, options, dependencies);
}

/** @throws StatusError 404 when no endpoint knows the path. */
function endpointReply(endpoints: readonly Endpoint[], call: CallHead): ApiReply {
  for (const endpoint of endpoints) {
    const reply = endpoint(call);
    if (reply !== undefined) return reply;
  }
  throw pathNotFound();
}

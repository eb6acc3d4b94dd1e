/**
 * Fetches a body that is still with the client: after the caller is known, before it takes a place in flow control.
 * So nobody holds memory without credentials, and nobody holds a seat by sending slowly.
 * Not here: how a body is read, and the bounds on it (http/request.ts).
 */
import type { RequestHandler, ServerRequest } from "./server-request.ts";

/** Bodies of other paths than those of resources are left where they are: nothing there takes one, and strangers may ask for some. */
export function withBody(next: RequestHandler): RequestHandler {
  return (request) =>
    request.readBody === undefined || !request.info.isResourceRequest
      ? next(request)
      : read(request, request.readBody);

  async function read(
    request: ServerRequest,
    readBody: NonNullable<ServerRequest["readBody"]>,
  ): ReturnType<RequestHandler> {
    request.body = await readBody();
    return next(request);
  }
}

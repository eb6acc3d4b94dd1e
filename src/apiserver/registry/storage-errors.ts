/**
 * The one place where failures of the store become failures of the API.
 * Not here: failures that a request causes itself (machinery's makers).
 */
import {
  alreadyExists,
  conflict,
  expired,
  internalError,
  notFound,
  requestEntityTooLarge,
  resourceVersionTooLarge,
  serviceUnavailable,
  StatusError,
  timeout,
} from "../../machinery/index.ts";
import { storageFailureOf } from "../../storage/index.ts";
import type { Served } from "./resource-registry.ts";

/** The failure as clients are told it; a StatusError stays as it is, and what nobody foresaw is an internal error. */
export function statusErrorOf(error: unknown, served?: Served, name = ""): StatusError {
  const failure = storageFailureOf(error);
  if (failure === undefined) return error instanceof StatusError ? error : internalError(error);
  const resource = served?.kind.resource ?? { group: "", resource: "objects" };
  const refused = ((): StatusError => {
    switch (failure.code) {
      case "exists":
        return alreadyExists(resource, name);
      case "not-found":
        return notFound(resource, name);
      case "conflict":
        return conflict(resource, name);
      case "compacted":
        return expired("The resourceVersion for the provided list is too old.");
      case "future":
        return resourceVersionTooLarge(failure.asked, failure.current);
      case "too-large":
        return requestEntityTooLarge(`limit is ${failure.bytesMax}`);
      case "unavailable":
        // To clients 503 says that nothing was done.
        return failure.mayHaveHappened === true
          ? timeout("the storage did not answer, the request may have been carried out")
          : serviceUnavailable("the storage is not available");
      case "corrupt":
        return internalError(new Error("the storage is damaged"));
    }
  })();
  return new StatusError(refused.status, { cause: error });
}

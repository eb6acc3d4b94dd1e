/**
 * The definitions of the built-in kinds: the kind from api/, and what it adds of its own on the server's side.
 * Not here: what the additions do (beside this file).
 */
import { bindings, events, eventsV1, type Kind, namespaces, pods } from "../../api/index.ts";
import type { Resource } from "../../machinery/index.ts";
import type { ResourceDefinition } from "../registry/definition.ts";
import { eventExpiry } from "./events/expiry.ts";
import { eventShape } from "./events/shape.ts";
import { finalize } from "./namespaces.ts";
import { binding } from "./pods/binding.ts";
import { eviction } from "./pods/eviction.ts";
import { log, type NodeLogs } from "./pods/log.ts";

type Addition = Omit<ResourceDefinition, "kind">;

export function builtInResources(
  kinds: readonly Kind[],
  options: { readonly nodeLogs?: NodeLogs },
): readonly ResourceDefinition[] {
  const additions: readonly (readonly [Resource, Addition])[] = [
    [bindings, { answers: binding }],
    [events, { isSeldomRead: true, expiry: eventExpiry }],
    [eventsV1, { shape: eventShape }],
    [namespaces, { subresources: { finalize } }],
    [pods, { subresources: { binding, eviction, log: log(options.nodeLogs) } }],
  ];
  return kinds.map((kind) => ({
    kind,
    ...additions.find(([resource]) => resource === kind.resource)?.[1],
  }));
}

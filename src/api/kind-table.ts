/**
 * All built-in kinds, in the order of discovery. A group lists its kinds in its table, such as apps/group.ts.
 * Not here: what a kind is (parts/kinds.ts), kinds that are added while the server runs (apiserver/registry).
 * Upstream: kubernetes v1.35, apiserver/pkg/endpoints/installer.go (a group version sorts its resources by path).
 */
import type { Resource } from "../machinery/index.ts";
import * as apps from "./apps/group.ts";
import * as batch from "./batch/group.ts";
import * as coordination from "./coordination/group.ts";
import * as core from "./core/group.ts";
import * as discovery from "./discovery/group.ts";
import * as events from "./events/group.ts";
import * as networking from "./networking/group.ts";
import type { Kind } from "./parts/kinds.ts";
import * as policy from "./policy/group.ts";
import * as rbac from "./rbac/group.ts";
import * as scheduling from "./scheduling/group.ts";

/** In the order of discovery: the core group, then the others by name. */
const groups: readonly Readonly<Record<string, Kind | Resource>>[] = [
  core,
  apps,
  batch,
  coordination,
  discovery,
  events,
  networking,
  policy,
  rbac,
  scheduling,
];

const isKind = (entry: Kind | Resource): entry is Kind => "rules" in entry;

/** Groups in their order; the kinds of a group by the names of their resources, whatever the order of its table. */
export const kinds: readonly Kind[] = groups.flatMap((group) =>
  Object.values(group)
    .filter(isKind)
    .sort((a, b) => (a.resource.resource < b.resource.resource ? -1 : 1)),
);

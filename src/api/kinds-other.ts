/**
 * Kinds of the smaller groups: coordination, events, networking, policy, rbac, scheduling.
 */
import { setPriorityClassDefaults } from "./defaults/core.ts";
import { defineKind, unacted } from "./parts/define-kind.ts";
import type { Kind, TableLayout } from "./parts/kinds.ts";
import {
  clusterrolebindings,
  clusterroles,
  events,
  eventsV1,
  ingresses,
  leases,
  poddisruptionbudgets,
  priorityclasses,
  rolebindings,
  roles,
} from "./resources.ts";
import { leaseTable, podDisruptionBudgetTable, priorityClassTable } from "./tables/core-tables.ts";
import { eventTable } from "./parts/event-table.ts";
import type { Event, EventsV1Event } from "./generated/types.gen.ts";
import {
  validateLease,
  validatePodDisruptionBudget,
  validatePriorityClass,
  validatePriorityClassUpdate,
} from "./validation/cluster.ts";

const leaseKind: Kind = defineKind({
  resource: leases,
  schema: "coordination.v1.Lease",
  needsResourceVersion: true,
  allowsCreateOnUpdate: true,
  table: leaseTable,
  rules: { validate: validateLease, validateUpdate: validateLease },
});

/** The fields that the table reads, under their core names. */
function asCoreEvent(event: EventsV1Event): Event {
  const { regarding = {}, note, deprecatedSource, reportingController } = event;
  const { deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount, ...rest } = event;
  return {
    ...rest,
    involvedObject: regarding,
    message: note ?? "",
    source: deprecatedSource ?? {},
    reportingComponent: reportingController ?? "",
    count: deprecatedCount ?? 0,
    ...(deprecatedFirstTimestamp === undefined ? {} : { firstTimestamp: deprecatedFirstTimestamp }),
    ...(deprecatedLastTimestamp === undefined ? {} : { lastTimestamp: deprecatedLastTimestamp }),
  };
}

const eventsV1Table: TableLayout<EventsV1Event> = {
  columns: eventTable.columns,
  cells: (event, nowMs) => eventTable.cells(asCoreEvent(event), nowMs),
};

const eventsV1Kind: Kind = defineKind({
  resource: eventsV1,
  schema: "events.v1.Event",
  shortNames: ["ev"],
  allowsCreateOnUpdate: true,
  storedAs: events,
  table: eventsV1Table,
});

const ingressKind: Kind = defineKind({
  resource: ingresses,
  schema: "networking.v1.Ingress",
  shortNames: ["ing"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("Ingresses", "no traffic is routed"),
  rules: {
    prepareForCreate(object) {
      object.status = { loadBalancer: {} };
    },
  },
});

const podDisruptionBudgetKind: Kind = defineKind({
  resource: poddisruptionbudgets,
  schema: "policy.v1.PodDisruptionBudget",
  shortNames: ["pdb"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("PodDisruptionBudgets", "no deletion is held back"),
  table: podDisruptionBudgetTable,
  rules: {
    prepareForCreate(object) {
      object.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
    },
    validate: validatePodDisruptionBudget,
    validateUpdate: validatePodDisruptionBudget,
  },
});

const priorityClassKind: Kind = defineKind({
  resource: priorityclasses,
  schema: "scheduling.v1.PriorityClass",
  shortNames: ["pc"],
  table: priorityClassTable,
  rules: {
    setDefaults: setPriorityClassDefaults,
    validate: validatePriorityClass,
    validateUpdate: (object, before) => [
      ...validatePriorityClassUpdate(object, before),
      ...validatePriorityClass(object),
    ],
  },
});

const noRights = "every known user may do everything";

const rbacKinds: readonly Kind[] = [
  defineKind({
    resource: clusterrolebindings,
    schema: "rbac.v1.ClusterRoleBinding",
    allowsCreateOnUpdate: true,
    unactedWarning: unacted("ClusterRoleBindings", noRights),
  }),
  defineKind({
    resource: clusterroles,
    schema: "rbac.v1.ClusterRole",
    allowsCreateOnUpdate: true,
    unactedWarning: unacted("ClusterRoles", noRights),
  }),
  defineKind({
    resource: rolebindings,
    schema: "rbac.v1.RoleBinding",
    allowsCreateOnUpdate: true,
    unactedWarning: unacted("RoleBindings", noRights),
  }),
  defineKind({
    resource: roles,
    schema: "rbac.v1.Role",
    allowsCreateOnUpdate: true,
    unactedWarning: unacted("Roles", noRights),
  }),
];

export const otherKinds: readonly Kind[] = [
  leaseKind,
  eventsV1Kind,
  ingressKind,
  podDisruptionBudgetKind,
  ...rbacKinds,
  priorityClassKind,
];

/** Facts of discovery: names, categories, subresources, and what upstream makes special. */
import { describe, expect, test } from "vitest";
import { kindOf } from "../testing/kind-fixtures.ts";
import { kinds } from "./kind-table.ts";
import type { Kind } from "./parts/kinds.ts";

describe("discovery", () => {
  test("groups stand in their order, and the resources of a group in that of their names", () => {
    const groups = [...new Set(kinds.map(({ resource }) => resource.group))];
    expect(groups).toEqual([
      "",
      "apps",
      "batch",
      "coordination.k8s.io",
      "discovery.k8s.io",
      "events.k8s.io",
      "networking.k8s.io",
      "policy",
      "rbac.authorization.k8s.io",
      "scheduling.k8s.io",
    ]);
    const place = ({ resource }: Kind): string => `${groups.indexOf(resource.group)} ${resource.resource}`;
    expect(kinds.map(place)).toEqual(kinds.map(place).sort());
  });

  test("resource and schema name the same kind", () => {
    for (const { resource, schema } of kinds) {
      const group = resource.group === "" ? "core" : resource.group.split(".")[0];
      expect(schema).toBe(`${group}.${resource.version}.${resource.kind}`);
    }
  });

  test("no two kinds share a resource; short names are unique in their group", () => {
    const names = kinds.map(({ resource }) => `${resource.group}/${resource.resource}`);
    expect(new Set(names).size).toBe(names.length);
    const short = kinds.flatMap((kind) => kind.shortNames.map((name) => `${kind.resource.group}/${name}`));
    expect(new Set(short).size).toBe(short.length);
  });

  test.each<[string, string[], string[]]>([
    ["core.v1.Pod", ["po"], ["all"]],
    ["apps.v1.DaemonSet", ["ds"], ["all"]],
    ["core.v1.Service", ["svc"], ["all"]],
    ["core.v1.Node", ["no"], []],
    ["core.v1.Namespace", ["ns"], []],
    ["core.v1.ConfigMap", ["cm"], []],
    ["core.v1.ServiceAccount", ["sa"], []],
    ["core.v1.Event", ["ev"], []],
    ["coordination.v1.Lease", [], []],
    ["policy.v1.PodDisruptionBudget", ["pdb"], []],
    ["scheduling.v1.PriorityClass", ["pc"], []],
  ])("%s: %j %j", (schema, shortNames, categories) => {
    expect(kindOf(schema)).toMatchObject({ shortNames, categories });
  });

  test("subresources", () => {
    const of = (schema: string): string[] =>
      kindOf(schema)
        .subresources.map((one) => one.name)
        .sort();
    expect(of("apps.v1.DaemonSet")).toEqual(["status"]);
    expect(of("core.v1.Namespace")).toEqual(["finalize", "status"]);
    expect(of("core.v1.Pod")).toEqual(["binding", "eviction", "log", "status"]);
    expect(of("core.v1.ConfigMap")).toEqual([]);
  });

  test("what upstream makes special", () => {
    const named = (is: (kind: (typeof kinds)[number]) => boolean): string[] =>
      kinds.filter(is).map((kind) => kind.resource.kind);
    expect(named((kind) => !kind.allowsUnconditionalUpdate)).toEqual(["Lease"]);
    expect(named((kind) => kind.rules.graceSeconds !== undefined)).toEqual(["Pod"]);
    expect(named((kind) => !kind.verbs.includes("get"))).toEqual(["Binding"]);
    expect(named((kind) => kind.allowsCreateOnUpdate && kind.unactedWarning === undefined)).toEqual([
      "Endpoints",
      "Event",
      "Lease",
      "Event",
    ]);
    expect(named((kind) => kind.storedAs !== undefined)).toEqual(["Event"]);
    expect(named((kind) => kind.hasGeneration && kind.unactedWarning === undefined)).toEqual([
      "Pod",
      "DaemonSet",
      "EndpointSlice",
    ]);
  });

  test("the set of kinds that `kubectl apply --prune` insists on is there", () => {
    const wanted = [
      "ConfigMap",
      "Endpoints",
      "Namespace",
      "PersistentVolumeClaim",
      "PersistentVolume",
      "Pod",
      "ReplicationController",
      "Secret",
      "Service",
      "Job",
      "CronJob",
      "Ingress",
      "DaemonSet",
      "Deployment",
      "ReplicaSet",
      "StatefulSet",
    ];
    expect(kinds.map((kind) => kind.resource.kind)).toEqual(expect.arrayContaining(wanted));
  });
});

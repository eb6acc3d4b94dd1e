/** Facts of discovery, and what the server does to objects when they are written. */
import { describe, expect, test } from "vitest";
import { copyJson, type Draft, type KubeObject } from "../machinery/index.ts";
import { kinds } from "./kind-table.ts";
import type { KindRules, WriteContext } from "./parts/kinds.ts";
import type { DaemonSet, Namespace, Node, Pod, Secret } from "./generated/types.gen.ts";
import { daemonSetInput, decoded, kindOf, metadata, podInput, withPath } from "../testing/kind-fixtures.ts";

const context: WriteContext = { nowMs: 0, user: { username: "u", groups: [] } };

describe("discovery", () => {
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
    expect(named((kind) => kind.hasGracefulDeletion)).toEqual(["Pod"]);
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

function created<T extends KubeObject>(schema: string, input: object): T {
  const object = copyJson(decoded<KubeObject>(schema, input)) as Draft<KubeObject>;
  kindOf(schema).rules.prepareForCreate?.(object, context);
  return object as unknown as T;
}

function updated<T extends KubeObject>(schema: string, input: object, before: T): T {
  const object = copyJson(decoded<KubeObject>(schema, input)) as Draft<KubeObject>;
  kindOf(schema).rules.prepareForUpdate?.(object, before, context);
  return object as unknown as T;
}

describe("DaemonSets", () => {
  const schema = "apps.v1.DaemonSet";
  const key = "deprecated.daemonset.template.generation";
  const generationOf = (object: KubeObject): string | undefined => object.metadata.annotations?.[key];

  test("begin with an empty status and template generation 1, or the one they bring", () => {
    const object = created<DaemonSet>(schema, {
      ...daemonSetInput,
      status: { numberReady: 7, collisionCount: 3 },
    });
    expect(object.status).toEqual({
      currentNumberScheduled: 0,
      desiredNumberScheduled: 0,
      numberMisscheduled: 0,
      numberReady: 0,
    });
    expect(generationOf(object)).toBe("1");
    expect(
      generationOf(created(schema, withPath(daemonSetInput, "metadata.annotations", { [key]: "5" }))),
    ).toBe("5");
    expect(
      generationOf(created(schema, withPath(daemonSetInput, "metadata.annotations", { [key]: "-5" }))),
    ).toBe("1");
  });

  test("an annotation that is no number is refused with 400", () => {
    const input = withPath(daemonSetInput, "metadata.annotations", { [key]: "x" });
    expect(() => created(schema, input)).toThrow(
      'DaemonSet in version "v1" cannot be handled as a DaemonSet: strconv.ParseInt: parsing "x": invalid syntax',
    );
  });

  test("the template generation grows with the template only, whatever the client says", () => {
    const before = created<DaemonSet>(
      schema,
      withPath(daemonSetInput, "metadata.annotations", { [key]: "4" }),
    );
    const claimed = withPath(daemonSetInput, "metadata.annotations", { [key]: "99" });
    expect(generationOf(updated(schema, claimed, before))).toBe("4");
    expect(
      generationOf(updated(schema, withPath(claimed, "spec.updateStrategy", { type: "OnDelete" }), before)),
    ).toBe("4");
    expect(
      generationOf(
        updated(schema, withPath(claimed, "spec.template.spec.containers[0].image", "i:2"), before),
      ),
    ).toBe("5");
    expect(
      generationOf(updated(schema, withPath(claimed, "spec.template.spec.tolerations", []), before)),
    ).toBe("4");
  });

  test("a write of the status keeps it", () => {
    const before = created<DaemonSet>(schema, daemonSetInput);
    const object = {
      ...copyJson(before),
      metadata: { ...before.metadata, annotations: { a: "b" } },
    } as unknown as Draft<DaemonSet>;
    (kindOf(schema).rules as KindRules<DaemonSet>).prepareForStatusUpdate?.(object, before);
    expect(object.metadata.annotations).toEqual({ a: "b", [key]: "1" });
  });
});

describe("pods", () => {
  const schema = "core.v1.Pod";

  test("begin pending, with their quality of service and default tolerations", () => {
    const pod = created<Pod>(schema, { ...podInput, status: { phase: "Running", podIP: "1.2.3.4" } });
    expect(pod.status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
    expect(pod.spec.tolerations).toEqual([
      {
        key: "node.kubernetes.io/not-ready",
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      },
      {
        key: "node.kubernetes.io/unreachable",
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      },
    ]);
  });

  test.each<[object, string[]]>([
    [{ operator: "Exists" }, []],
    [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }, ["node.kubernetes.io/unreachable"]],
    [
      { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoSchedule" },
      ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"],
    ],
  ])("that tolerate %j also get %j", (toleration, keys) => {
    const pod = created<Pod>(schema, withPath(podInput, "spec.tolerations", [toleration]));
    expect(pod.spec.tolerations?.slice(1).map((one) => one.key)).toEqual(keys);
  });

  test("with gates say that they are not scheduled", () => {
    const pod = created<Pod>(schema, withPath(podInput, "spec.schedulingGates", [{ name: "a" }]));
    expect(pod.status?.conditions).toMatchObject([
      { type: "PodScheduled", status: "False", reason: "SchedulingGated" },
    ]);
  });

  test("one address is the first of all, and their quality of service stays", () => {
    const before = created<Pod>(schema, podInput);
    const object = {
      ...copyJson(before),
      status: { podIP: "10.0.0.1", hostIPs: [{ ip: "10.0.0.2" }] },
    } as Draft<Pod>;
    (kindOf(schema).rules as KindRules<Pod>).prepareForStatusUpdate?.(object, before);
    expect(object.status).toEqual({
      phase: "Pending",
      qosClass: "BestEffort",
      podIP: "10.0.0.1",
      podIPs: [{ ip: "10.0.0.1" }],
      hostIP: "10.0.0.2",
      hostIPs: [{ ip: "10.0.0.2" }],
    });
  });

  test("field selectors", () => {
    const fields = kindOf(schema).rules.selectableFields ?? {};
    const pod = decoded<Pod>(schema, withPath(podInput, "spec.nodeName", "n"));
    const values = Object.fromEntries(Object.entries(fields).map(([field, read]) => [field, read(pod)]));
    expect(values).toEqual({
      "spec.nodeName": "n",
      "spec.host": "n",
      "spec.restartPolicy": "Always",
      "spec.schedulerName": "default-scheduler",
      "spec.serviceAccountName": "",
      "spec.hostNetwork": "false",
      "status.phase": "",
      "status.podIP": "",
      "status.podIPs": "",
      "status.nominatedNodeName": "",
    });
  });

  test("warnings", () => {
    const odd = withPath(withPath(podInput, "metadata.name", "a.b"), "spec.nodeSelector", {
      "beta.kubernetes.io/arch": "x",
    });
    const twice = withPath(odd, "spec.containers[0].env", [{ name: "A" }, { name: "A" }]);
    expect(
      kindOf(schema).rules.warnings?.(
        decoded(schema, withPath(twice, "spec.terminationGracePeriodSeconds", -1)),
      ),
    ).toEqual([
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
      'spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead',
      'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
      "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
    ]);
    expect(kindOf(schema).rules.warnings?.(decoded(schema, podInput))).toEqual([]);
  });
});

test("namespaces are active, labelled with their name, and hold themselves", () => {
  const namespace = created<Namespace>("core.v1.Namespace", {
    metadata: { name: "n" },
    status: { phase: "Terminating" },
  });
  expect(namespace).toMatchObject({
    metadata: { labels: { "kubernetes.io/metadata.name": "n" } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  });
  const changed = updated<Namespace>("core.v1.Namespace", { metadata: { name: "n" } }, namespace);
  expect(changed.spec.finalizers).toEqual(["kubernetes"]);
});

test("nodes keep the status that they register with; allocatable follows capacity", () => {
  const node = created<Node>("core.v1.Node", {
    metadata: { name: "n" },
    spec: { podCIDR: "10.0.0.0/24" },
    status: { capacity: { cpu: "4" } },
  });
  expect(node.status).toMatchObject({ capacity: { cpu: "4" }, allocatable: { cpu: "4" } });
  expect(node.spec.podCIDRs).toEqual(["10.0.0.0/24"]);
});

test("secrets take in stringData", () => {
  const input = {
    metadata,
    data: { a: "eA==", b: "eQ==" },
    stringData: JSON.parse('{"a":"é","c":"","d":"abc","__proto__":"x"}') as object,
  };
  const secret = created<Secret>("core.v1.Secret", input);
  expect(Object.entries(secret.data ?? {})).toEqual([
    ["a", "w6k="],
    ["b", "eQ=="],
    ["c", ""],
    ["d", "YWJj"],
    ["__proto__", "eA=="],
  ]);
  expect(secret).toMatchObject({ type: "Opaque" });
  expect(secret.stringData).toBeUndefined();
});

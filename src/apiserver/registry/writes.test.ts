/** Writes: what is refused and in which words, what is protected, what races do, subresources. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pod } from "../../api/index.ts";
import { sampleDaemonSet, samplePod, TestApiServer } from "../../testing/test-api-server.ts";

const ds = "/apis/apps/v1/namespaces/default/daemonsets";
const pods = "/api/v1/namespaces/default/pods";
const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";
const jsonPatch = "application/json-patch+json";

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

describe("updates from this process", () => {
  it("may hold parts of the stored object, and never lend their own", async () => {
    const pod = await api.call("POST", pods, { body: samplePod("a") });
    const stored = pod.reply.body.as === "object" ? (pod.reply.body.object as Pod) : undefined;
    const sent = { ...stored!, status: { phase: "Running", conditions: [{ type: "Mine", status: "True" }] } };
    await api.ok("PUT", `${pods}/a/status`, { body: sent });
    sent.status.conditions[0]!.status = "False";
    const read = await api.ok("GET", `${pods}/a`);
    expect(read.status.conditions).toMatchObject([{ type: "Mine", status: "True" }]);
    expect(read.spec).toEqual(stored!.spec);
    const other = { ...stored!, spec: { ...stored!.spec!, unheardOf: 1 } };
    const { resourceVersion: _old, ...metadata } = stored!.metadata;
    const warned = await api.call("PUT", `${pods}/a/status`, { body: { ...other, metadata } });
    expect(warned.warnings).toEqual(['unknown field "spec.unheardOf"']);
  });
});

describe("resourceVersion 0", () => {
  it("of an update means any state, where one need not be named", async () => {
    const maps = "/api/v1/namespaces/default/configmaps";
    await api.ok("POST", maps, { body: { metadata: { name: "a" } } });
    const metadata = { name: "a", resourceVersion: "0" };
    const put = await api.ok("PUT", `${maps}/a`, { body: { metadata, data: { k: "1" } } });
    expect(put.data).toEqual({ k: "1" });
    const patch = { contentType: merge, body: { metadata: { resourceVersion: "0" }, data: { k: "2" } } };
    expect((await api.ok("PATCH", `${maps}/a`, patch)).data).toEqual({ k: "2" });
    await api.ok("POST", leases, { body: { metadata: { name: "a" } } });
    const lease = await api.call("PUT", `${leases}/a`, { body: { metadata } });
    expect(lease.object).toMatchObject({
      code: 422,
      message: expect.stringContaining(
        "metadata.resourceVersion: Invalid value: 0: must be specified for an update",
      ),
    });
  });
});

describe("create refuses", () => {
  it("a name that is taken", async () => {
    await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    const again = await api.call("POST", ds, { body: sampleDaemonSet("agent") });
    expect(again.object).toMatchObject({
      code: 409,
      reason: "AlreadyExists",
      message: 'daemonsets.apps "agent" already exists',
      details: { name: "agent", group: "apps", kind: "daemonsets" },
    });
  });

  it("unknown fields when strict, warns by default, drops in silence when told", async () => {
    const body = sampleDaemonSet("agent", { replicas: 3 });
    const strict = await api.call("POST", `${ds}?fieldValidation=Strict`, { body });
    expect(strict.object).toMatchObject({
      code: 400,
      message:
        'DaemonSet in version "v1" cannot be handled as a DaemonSet: strict decoding error: unknown field "spec.replicas"',
    });
    const warned = await api.call("POST", `${ds}?dryRun=All`, { body });
    expect(warned.warnings).toEqual(['unknown field "spec.replicas"']);
    expect(warned.object.spec.replicas).toBeUndefined();
    expect((await api.call("POST", `${ds}?fieldValidation=Ignore`, { body })).warnings).toEqual([]);
  });

  it("duplicate fields when strict", async () => {
    const body = '{"metadata":{"name":"c"},"data":{"a":"1","a":"2"}}';
    const path = "/api/v1/namespaces/default/configmaps?fieldValidation=Strict";
    expect((await api.call("POST", path, { body })).object.message).toContain('duplicate field "data.a"');
  });

  const wrong: readonly (readonly [what: string, body: object | string, code: number, text: string])[] = [
    ["what is no JSON", "{", 400, ""],
    ["an empty body", "", 400, ""],
    ["a list", "[]", 400, "json: cannot unmarshal array into Go value of type struct"],
    [
      "another version",
      { apiVersion: "apps/v2", kind: "DaemonSet" },
      400,
      "the API version in the data (apps/v2) does not match the expected API version (apps/v1)",
    ],
    ["another kind", { apiVersion: "apps/v1", kind: "Deployment" }, 400, "cannot be handled as a DaemonSet"],
    [
      "a wrong type",
      sampleDaemonSet("a", { minReadySeconds: "5" }),
      400,
      "json: cannot unmarshal string into Go struct field",
    ],
    [
      "a resourceVersion",
      { ...sampleDaemonSet("a"), metadata: { name: "a", resourceVersion: "1" } },
      400,
      "resourceVersion should not be set on objects to be created",
    ],
    [
      "another namespace",
      { ...sampleDaemonSet("a"), metadata: { name: "a", namespace: "b" } },
      400,
      "the namespace of the provided object does not match the namespace sent on the request",
    ],
    [
      "no name",
      { ...sampleDaemonSet("a"), metadata: {} },
      422,
      "metadata.name: Required value: name or generateName is required",
    ],
    [
      "a bad name",
      { ...sampleDaemonSet("a"), metadata: { name: "A_b" } },
      422,
      'metadata.name: Invalid value: "A_b"',
    ],
    [
      "a bad label",
      { ...sampleDaemonSet("a"), metadata: { name: "a", labels: { "-": "x" } } },
      422,
      "metadata.labels: Invalid value",
    ],
    ["100,000 levels", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`, 400, ""],
  ];
  for (const [what, body, code, text] of wrong) {
    it(`${what}`, async () => {
      const answer = await api.call("POST", ds, { body });
      expect(answer.status).toBe(code);
      expect(answer.object.message).toContain(text);
    });
  }

  it("objects larger than 1.5 MiB", async () => {
    const body = { metadata: { name: "big" }, revision: 1, data: { a: "x".repeat(1_600_000) } };
    const answer = await api.call("POST", "/apis/apps/v1/namespaces/default/controllerrevisions", { body });
    expect(answer.object).toMatchObject({ code: 413, reason: "RequestEntityTooLarge" });
  });

  it("YAML that is none, or a bomb; takes YAML that is good", async () => {
    const post = (body: string): ReturnType<typeof api.call> =>
      api.call("POST", "/api/v1/namespaces/default/configmaps", { body, contentType: "application/yaml" });
    const good = await post("metadata: {name: c}\ndata:\n  a: |\n    two\n    lines\n  b: 'yes'\n");
    expect(good.object.data).toEqual({ a: "two\nlines\n", b: "yes" });
    expect((await post("metadata: {name: d")).object.message).toMatch(
      /^the object provided is unrecognized \(must be of type ConfigMap\): yaml: .* \(6d6574.*\)$/,
    );
    expect((await post("a: b: c\n")).object.message).toBe(
      "the object provided is unrecognized (must be of type ConfigMap): yaml: mapping values are not allowed in this context " +
        "(613a20623a20630a)",
    );
    const levels = Array.from(
      { length: 9 },
      (_, level) =>
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(",")}]`,
    );
    expect((await post(["a0: &a0 x", ...levels.slice(1)].join("\n"))).status).toBe(400);
    expect((await post(`metadata: ${"[".repeat(10_000)}`)).status).toBe(400);
  });

  it("other media types", async () => {
    const answer = await api.call("POST", ds, { body: "x", contentType: "application/cbor" });
    expect(answer.object).toMatchObject({ code: 415, reason: "UnsupportedMediaType" });
  });

  it("bad options, naming them", async () => {
    const dryRun = await api.call("POST", `${ds}?dryRun=Some`, { body: sampleDaemonSet("a") });
    expect(dryRun.object.message).toBe(
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    );
    expect(
      (await api.call("POST", `${ds}?fieldManager=${"x".repeat(129)}`, { body: sampleDaemonSet("a") }))
        .status,
    ).toBe(422);
    expect(
      (await api.call("POST", `${ds}?fieldValidation=Maybe`, { body: sampleDaemonSet("a") })).status,
    ).toBe(422);
    const patch = { contentType: merge, body: {} };
    expect((await api.call("PATCH", `${ds}/a?force=true`, patch)).object.message).toContain(
      "force: Forbidden: may not be specified for non-apply patch",
    );
  });
});

describe("paths", () => {
  const answers: readonly (readonly [
    method: "GET" | "POST" | "PUT" | "DELETE" | "PATCH",
    path: string,
    code: number,
  ])[] = [
    ["GET", "/api/v1/nosuch", 404],
    ["GET", "/apis/apps/v2/daemonsets", 404],
    ["GET", "/apis/apps/v1/daemonsets/agent", 404],
    ["GET", "/api/v1/namespaces/default/nodes", 404],
    ["PATCH", `${ds}/agent/scale`, 404],
    ["GET", "/nosuch", 404],
    ["POST", "/api/v1/pods", 405],
    ["PUT", pods, 405],
    ["POST", `${pods}/a`, 405],
    ["DELETE", "/api/v1/namespaces", 405],
    ["GET", `${pods}/a/binding`, 405],
    ["GET", "/api/v1/namespaces/default", 200],
    ["GET", "/api/v1/namespaces/default/status", 200],
  ];
  for (const [method, path, code] of answers) {
    it(`${method} ${path} is answered with ${code}`, async () => {
      const answer = await api.call(method, path);
      expect(answer.status).toBe(code);
      expect(answer.object.kind).toBe(code === 200 ? "Namespace" : "Status");
    });
  }

  it("are closed to the anonymous but for health and version", async () => {
    const credentials = { from: "connection", address: "192.0.2.1" } as const;
    expect((await api.call("GET", pods, { credentials })).object).toMatchObject({
      code: 401,
      reason: "Unauthorized",
    });
    expect((await api.call("GET", "/livez", { credentials })).status).toBe(200);
    expect((await api.call("GET", "/version", { credentials })).object.major).toBe("1");
  });
});

describe("update", () => {
  it("is refused with a stale version or another uid", async () => {
    const created = await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    await api.ok("PATCH", `${ds}/agent`, { contentType: merge, body: { metadata: { labels: { a: "b" } } } });
    const stale = await api.call("PUT", `${ds}/agent`, { body: created });
    expect(stale.object).toMatchObject({
      code: 409,
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on daemonsets.apps "agent": the object has been modified; please apply your changes to the latest version and try again',
    });
    const { resourceVersion: _dropped, ...metadata } = created.metadata;
    const other = await api.call("PUT", `${ds}/agent`, {
      body: { ...created, metadata: { ...metadata, uid: "other" } },
    });
    expect(other.object.message).toContain(
      "Precondition failed: UID in precondition: other, UID in object meta: ",
    );
    const renamed = await api.call("PUT", `${ds}/agent`, {
      body: { ...created, metadata: { ...metadata, name: "b" } },
    });
    expect(renamed.object).toMatchObject({
      code: 400,
      message: "the name of the object (b) does not match the name on the URL (agent)",
    });
  });

  it("keeps what only the server sets, and counts spec changes", async () => {
    const created = await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    const { resourceVersion: _dropped, ...metadata } = created.metadata;
    const changed = await api.ok("PUT", `${ds}/agent`, {
      body: {
        ...created,
        metadata: {
          ...metadata,
          generation: 77,
          creationTimestamp: "2001-01-01T00:00:00Z",
          labels: { a: "b" },
        },
        status: { ...created.status, numberReady: 5 },
      },
    });
    expect(changed.metadata).toMatchObject({
      generation: 1,
      creationTimestamp: created.metadata.creationTimestamp,
      labels: { a: "b" },
    });
    expect(changed.status).toEqual(created.status);
    const next = await api.ok("PUT", `${ds}/agent`, {
      body: { ...changed, spec: { ...changed.spec, minReadySeconds: 5 } },
    });
    expect(next.metadata.generation).toBe(2);
  });

  it("of the status leaves all but status, labels and annotations", async () => {
    const created = await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    const written = await api.ok("PUT", `${ds}/agent/status`, {
      body: {
        ...created,
        metadata: { ...created.metadata, labels: { a: "b" }, finalizers: ["x/y"] },
        spec: { ...created.spec, minReadySeconds: 9 },
        status: { ...created.status, numberReady: 1 },
      },
    });
    expect(written.spec).toEqual(created.spec);
    expect(written.status.numberReady).toBe(1);
    expect(written.metadata).toMatchObject({ labels: { a: "b" }, generation: 1 });
    expect(written.metadata.finalizers).toBeUndefined();
  });

  it("creates Leases, and needs their version afterwards", async () => {
    const body = { metadata: { name: "l" }, spec: { holderIdentity: "me" } };
    const created = await api.call("PUT", `${leases}/l`, { body });
    expect(created.status).toBe(201);
    const blind = await api.call("PUT", `${leases}/l`, { body });
    expect(blind.object.message).toContain(
      "metadata.resourceVersion: Invalid value: 0: must be specified for an update",
    );
    const again = { ...created.object, spec: { holderIdentity: "you" } };
    expect((await api.call("PUT", `${leases}/l`, { body: again })).status).toBe(200);
    expect((await api.call("PUT", `${ds}/nosuch`, { body: sampleDaemonSet("nosuch") })).status).toBe(404);
  });

  it("as a dry run changes nothing but shows what would be", async () => {
    const created = await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    const tried = await api.ok("PATCH", `${ds}/agent?dryRun=All`, {
      contentType: merge,
      body: { spec: { minReadySeconds: 7 } },
    });
    expect(tried.spec.minReadySeconds).toBe(7);
    expect(tried.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
    expect(await api.ok("GET", `${ds}/agent`)).toEqual(created);
    const made = await api.call("POST", `${ds}?dryRun=All`, { body: sampleDaemonSet("other") });
    expect(made.status).toBe(201);
    expect(made.object.metadata.uid).toBeDefined();
    expect(made.object.metadata.resourceVersion).toBeUndefined();
    expect((await api.call("GET", `${ds}/other`)).status).toBe(404);
    expect((await api.call("POST", `${ds}?dryRun=All`, { body: sampleDaemonSet("agent") })).status).toBe(409);
  });
});

describe("patch", () => {
  it("of every type works on the object as it is seen", async () => {
    await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    await api.ok("PATCH", `${ds}/agent`, { contentType: merge, body: { metadata: { labels: { a: "1" } } } });
    await api.ok("PATCH", `${ds}/agent`, {
      contentType: jsonPatch,
      body: [{ op: "add", path: "/metadata/labels/b", value: "2" }],
    });
    const set = {
      spec: { template: { spec: { containers: [{ name: "main", env: [{ name: "E", value: "1" }] }] } } },
    };
    const patched = await api.ok("PATCH", `${ds}/agent`, { contentType: strategic, body: set });
    expect(patched.metadata.labels).toEqual({ a: "1", b: "2" });
    expect(patched.spec.template.spec.containers[0]).toMatchObject({
      image: "busybox:1.36",
      env: [{ name: "E", value: "1" }],
    });
  });

  it("is refused in upstream's ways", async () => {
    await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    const patch = (contentType: string, body: object, query = ""): ReturnType<typeof api.call> =>
      api.call("PATCH", `${ds}/agent${query}`, { contentType, body });
    expect((await patch("application/apply-patch+yaml", {})).status).toBe(415);
    expect((await patch(jsonPatch, [{ op: "test", path: "/metadata/name", value: "x" }])).status).toBe(422);
    expect(
      (await patch(jsonPatch, [{ op: "replace", path: "/metadata/resourceVersion", value: "1" }])).status,
    ).toBe(409);
    expect((await patch(merge, { metadata: { name: "b" } })).status).toBe(400);
    expect((await patch(merge, { metadata: { resourceVersion: "1" } })).status).toBe(409);
    const strict = await patch(strategic, { spec: { foo: 1 } }, "?fieldValidation=Strict");
    expect(strict.object).toMatchObject({ code: 422, reason: "Invalid" });
    expect(strict.object.message).toMatch(/strict decoding error: unknown field "spec.foo"$/);
    expect(strict.object.details.causes[0].field).toBe("patch");
    expect((await api.call("PATCH", `${ds}/nosuch`, { contentType: merge, body: {} })).status).toBe(404);
  });

  it("loses nothing when many come at once", async () => {
    await api.ok("POST", "/api/v1/namespaces/default/configmaps", { body: { metadata: { name: "c" } } });
    const path = "/api/v1/namespaces/default/configmaps/c";
    const keys = Array.from({ length: 5 }, (_, index) => `k${index}`);
    const answers = await Promise.all(
      keys.map((key) => api.call("PATCH", path, { contentType: merge, body: { data: { [key]: key } } })),
    );
    expect(answers.map((answer) => answer.status)).toEqual(keys.map(() => 200));
    expect((await api.ok("GET", path)).data).toEqual(Object.fromEntries(keys.map((key) => [key, key])));
  });

  it("of a ControllerRevision keeps its data byte for byte", async () => {
    const path = "/apis/apps/v1/namespaces/default/controllerrevisions";
    const data = '{"z":{"$patch":"replace"},"10":1.50,"a":"\\u003c"}';
    const body = `{"metadata":{"name":"r"},"revision":1,"data":${data}}`;
    await api.ok("POST", path, { body });
    const patched = await api.call("PATCH", `${path}/r`, { contentType: merge, body: { revision: 2 } });
    const text = Buffer.from((patched.reply.body as { bytes(): Uint8Array }).bytes()).toString();
    expect(text).toContain(`"data":${data}`);
    expect(patched.object.revision).toBe(2);
  });
});

describe("pods", () => {
  it("are bound once", async () => {
    const pod = await api.ok("POST", pods, { body: samplePod("p") });
    const bind = (target: object, metadata: object = { name: "p" }): ReturnType<typeof api.call> =>
      api.call("POST", `${pods}/p/binding`, { body: { metadata, target } });
    expect((await bind({ kind: "Node" })).status).toBe(422);
    expect((await bind({ kind: "Shelf", name: "n" })).status).toBe(422);
    expect((await bind({ name: "n1" }, { name: "p", uid: "other" })).status).toBe(409);
    const done = await bind(
      { kind: "Node", name: "n1" },
      { name: "p", uid: pod.metadata.uid, annotations: { a: "b" } },
    );
    expect([done.status, done.object.status]).toEqual([201, "Success"]);
    const bound = await api.ok("GET", `${pods}/p`);
    expect(bound.spec.nodeName).toBe("n1");
    expect(bound.metadata).toMatchObject({ annotations: { a: "b" }, generation: pod.metadata.generation });
    expect(bound.status.conditions).toMatchObject([{ type: "PodScheduled", status: "True" }]);
    const again = await bind({ name: "n2" });
    expect(again.object).toMatchObject({
      code: 409,
      reason: "Conflict",
      message: 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
    });
    await api.ok("DELETE", `${pods}/p`);
    expect((await bind({ name: "n2" })).object.message).toContain(
      "pod p is being deleted, cannot be assigned to a host",
    );
  });

  it("are bound through the collection of bindings too", async () => {
    await api.ok("POST", pods, { body: samplePod("p") });
    const body = { metadata: { name: "p" }, target: { kind: "Node", name: "n1" } };
    expect((await api.call("POST", "/api/v1/namespaces/default/bindings", { body })).status).toBe(201);
    expect((await api.ok("GET", `${pods}/p`)).spec.nodeName).toBe("n1");
  });

  it("get their priority from its class", async () => {
    const pod = samplePod("p") as { spec: object };
    const critical = await api.ok("POST", pods, {
      body: { ...pod, spec: { ...pod.spec, priorityClassName: "system-node-critical" } },
    });
    expect(critical.spec).toMatchObject({
      priority: 2_000_001_000,
      preemptionPolicy: "PreemptLowerPriority",
      serviceAccountName: "default",
    });
    const unknown = await api.call("POST", pods, {
      body: { ...pod, metadata: { name: "q" }, spec: { ...pod.spec, priorityClassName: "nosuch" } },
    });
    expect(unknown.object).toMatchObject({
      code: 403,
      message: 'pods "q" is forbidden: no PriorityClass with name nosuch was found',
    });
    const own = await api.call("POST", pods, {
      body: { ...pod, metadata: { name: "q" }, spec: { ...pod.spec, priority: 5 } },
    });
    expect(own.object.message).toContain(
      "the integer value of priority (5) must not be provided in pod spec",
    );
  });

  it("need their service account unless it is the default one", async () => {
    const pod = samplePod("p") as { spec: object };
    const body = { ...pod, spec: { ...pod.spec, serviceAccountName: "robot" } };
    const refused = await api.call("POST", pods, { body });
    expect(refused.object.message).toBe(
      'pods "p" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found',
    );
    await api.ok("POST", "/api/v1/namespaces/default/serviceaccounts", {
      body: { metadata: { name: "robot" } },
    });
    expect((await api.call("POST", pods, { body })).status).toBe(201);
  });

  it("have logs once a container has started", async () => {
    const pod = samplePod("p", { node: "n1" }) as { spec: { containers: object[] } };
    const two = {
      ...pod,
      spec: { ...pod.spec, containers: [...pod.spec.containers, { name: "side", image: "x:1" }] },
    };
    await api.ok("POST", pods, { body: two });
    const log = async (query: string): Promise<string> =>
      (await api.call("GET", `${pods}/p/log?${query}`)).object?.message;
    expect(await log("")).toBe("a container name must be specified for pod p, choose one of: [main side]");
    expect(await log("container=z")).toBe("container z is not valid for pod p");
    expect(await log("container=main")).toBe(
      'container "main" in pod "p" is waiting to start: ContainerCreating',
    );
    expect(await log("container=main&previous=true")).toBe(
      'previous terminated container "main" in pod "p" not found',
    );
    expect(await log("container=main&tailLines=-1")).toContain("tailLines: Invalid value: -1");
    expect((await api.call("GET", `${pods}/nosuch/log`)).status).toBe(404);
    await api.ok("POST", pods, { body: samplePod("q") });
    const empty = await api.call("GET", `${pods}/q/log`);
    expect([empty.status, empty.reply.contentType, empty.reply.body.as]).toEqual([
      200,
      "text/plain",
      "stream",
    ]);
  });
});

describe("events", () => {
  const core = "/api/v1/namespaces/default/events";
  const other = "/apis/events.k8s.io/v1/namespaces/default/events";

  it("are one thing in two groups", async () => {
    const body = {
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", name: "p", namespace: "default" },
      reason: "Pulled",
      message: "it is there",
      type: "Normal",
      source: { component: "kubelet", host: "n1" },
      count: 3,
    };
    const watch = await api.watch(`${other}?watch=1`);
    await api.ok("POST", core, { body });
    const shown = await api.ok("GET", `${other}/e`);
    expect(shown).toMatchObject({
      apiVersion: "events.k8s.io/v1",
      regarding: { name: "p" },
      note: "it is there",
      deprecatedSource: { host: "n1" },
      deprecatedCount: 3,
    });
    expect(watch.events).toEqual([{ type: "ADDED", object: shown }]);
    const { apiVersion: _, kind: _kind, ...item } = shown;
    expect((await api.ok("GET", other)).items).toEqual([item]);
    await api.ok("PATCH", `${other}/e`, { contentType: merge, body: { note: "changed" } });
    expect((await api.ok("GET", `${core}/e`)).message).toBe("changed");
  });
});

it("a cluster begins with its namespaces and priority classes, and keeps them over a restart", async () => {
  const names = async (path: string): Promise<string[]> =>
    (await api.ok("GET", path)).items.map(
      (item: { readonly metadata: { readonly name: string } }) => item.metadata.name,
    );
  expect(await names("/api/v1/namespaces")).toEqual([
    "default",
    "kube-node-lease",
    "kube-public",
    "kube-system",
  ]);
  expect(await names("/apis/scheduling.k8s.io/v1/priorityclasses")).toEqual([
    "system-cluster-critical",
    "system-node-critical",
  ]);
  const before = await api.ok("GET", "/api/v1/namespaces/default");
  expect(before).toMatchObject({ spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } });
  expect(before.metadata.labels).toEqual({ "kubernetes.io/metadata.name": "default" });
  const again = await TestApiServer.start({ store: api.store });
  expect(await again.ok("GET", "/api/v1/namespaces/default")).toEqual(before);
  await again.stop();
});

it.each<[string, string, number, string]>([
  ["namespaces", "/api/v1/namespaces", 422, "must not contain dots"],
  ["config maps", "/api/v1/namespaces/default/configmaps", 201, ""],
  ["cluster roles", "/apis/rbac.authorization.k8s.io/v1/clusterroles", 201, ""],
])("names of %s follow the rule of their kind", async (_what, path, dotted, text) => {
  const answer = await api.call("POST", path, { body: { metadata: { name: "a.b" } } });
  expect([answer.status, answer.object.message ?? ""]).toEqual([dotted, expect.stringContaining(text)]);
  const colons = await api.call("POST", path, { body: { metadata: { name: "system:x" } } });
  expect(colons.status).toBe(path.includes("rbac") ? 201 : 422);
});

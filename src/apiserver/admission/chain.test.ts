/** The admission chain in the way of every write: what plug-ins see, what they may do, and what races do to them. */
import { afterEach, describe, expect, it } from "vitest";
import { configmaps, type ConfigMap, pods } from "../../api/index.ts";
import { type Draft, forbidden } from "../../machinery/index.ts";
import { deferred } from "../../testing/http.ts";
import { samplePod, TestApiServer } from "../../testing/test-api-server.ts";
import type { Attributes, ValidatedAttributes } from "./attributes.ts";
import { turnMsMax } from "../registry/key-turns.ts";
import type { AdmissionPlugin, Handles } from "./chain.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const merge = "application/merge-patch+json";

let api: TestApiServer;
afterEach(() => api.stop());

async function start(...plugins: readonly AdmissionPlugin[]): Promise<void> {
  api = await TestApiServer.start({ admissionPlugins: () => plugins });
}

const onMaps: Handles = {
  operations: ["CREATE", "UPDATE", "DELETE"],
  resources: [configmaps],
  subresources: ["*"],
};

/** Writes down what it is shown. */
function witness(handles: Handles = onMaps): AdmissionPlugin & { readonly seen: ValidatedAttributes[] } {
  const seen: ValidatedAttributes[] = [];
  const copy = (attributes: ValidatedAttributes): void => {
    seen.push({ ...attributes, object: structuredClone(attributes.object) });
  };
  return { name: "Witness", handles, admit: copy, validate: copy, seen };
}

const labels = (attributes: Pick<Attributes, "object">): Record<string, string> =>
  ((attributes.object!.metadata as Draft<ConfigMap>["metadata"]).labels ??= {});

describe("a plug-in", () => {
  it("changes a new object after its defaults, and validates it as it will be stored", async () => {
    const plugin = witness({ operations: ["CREATE"], resources: [pods] });
    await start(plugin);
    await api.ok("POST", "/api/v1/namespaces/default/pods?fieldManager=me", {
      body: {
        ...samplePod("p"),
        metadata: { name: "p", uid: "mine", creationTimestamp: "2020-01-01T00:00:00Z" },
      },
      username: "ann",
    });
    const [admitted, validated] = plugin.seen;
    expect(admitted).toMatchObject({
      operation: "CREATE",
      resource: { group: "", resource: "pods" },
      subresource: "",
      namespace: "default",
      name: "p",
      oldObject: undefined,
      options: { fieldManager: "me" },
      isDryRun: false,
      user: { username: "ann" },
      object: {
        metadata: { name: "p", namespace: "default" },
        spec: { dnsPolicy: "ClusterFirst", priority: 0 },
      },
    });
    expect(admitted!.object!.metadata).not.toHaveProperty("uid");
    expect(admitted!.object!.metadata).not.toHaveProperty("creationTimestamp");
    expect(validated!.object).toMatchObject({ status: { phase: "Pending" } });
    expect(validated!.object!.metadata!.uid).not.toBe("mine");
  });

  it("sees the old object of an update, of a patch and of each subresource", async () => {
    const plugin = witness({ operations: ["UPDATE"], resources: [pods], subresources: ["*"] });
    await start(plugin);
    const path = "/api/v1/namespaces/default/pods/p";
    const old = await api.ok("POST", "/api/v1/namespaces/default/pods", { body: samplePod("p") });
    await api.ok("PUT", path, { body: { ...old, metadata: { ...old.metadata, labels: { a: "1" } } } });
    await api.ok("PATCH", path, { body: { metadata: { labels: { a: "2" } } }, contentType: merge });
    await api.ok("PATCH", `${path}/status`, { body: { status: { phase: "Running" } }, contentType: merge });
    const facts = plugin.seen.map(({ subresource, object, oldObject }) => [
      subresource,
      oldObject!.metadata.labels?.["a"],
      object!.metadata!.labels?.["a"],
      (object as { status?: { phase?: string } }).status?.phase,
    ]);
    expect(facts).toEqual([
      ["", undefined, "1", "Pending"],
      ["", undefined, "1", "Pending"],
      ["", "1", "2", "Pending"],
      ["", "1", "2", "Pending"],
      ["status", "2", "2", "Running"],
      ["status", "2", "2", "Running"],
    ]);
  });

  it("is not asked about subresources that it does not handle", async () => {
    const plugin = witness({ operations: ["UPDATE"], resources: [pods] });
    await start(plugin);
    await api.ok("POST", "/api/v1/namespaces/default/pods", { body: samplePod("p") });
    const body = { status: { phase: "Running" } };
    await api.ok("PATCH", "/api/v1/namespaces/default/pods/p/status", { body, contentType: merge });
    expect(plugin.seen).toEqual([]);
  });

  it("sees what is deleted and the options, of a collection each object under its name", async () => {
    const plugin = witness({ ...onMaps, operations: ["DELETE"] });
    await start(plugin);
    for (const name of ["a", "b", "c"]) await api.ok("POST", maps, { body: { metadata: { name } } });
    await api.ok("DELETE", `${maps}/a`, { body: { propagationPolicy: "Orphan", gracePeriodSeconds: 7 } });
    await api.ok("DELETE", maps);
    const facts = plugin.seen.map(({ name, object, oldObject, options }) => [
      name,
      object,
      oldObject!.metadata.name,
      options.propagationPolicy,
      options.gracePeriodSeconds,
    ]);
    const twice = (fact: unknown): unknown[] => [fact, fact];
    expect(facts.slice(0, 2)).toEqual(twice(["a", undefined, "a", "Orphan", 7]));
    expect(facts.slice(2).map(([name, , old]) => [name, old])).toEqual(
      expect.arrayContaining([...twice(["b", "b"]), ...twice(["c", "c"])]),
    );
  });

  it("is told of a dry run", async () => {
    const plugin = witness();
    await start(plugin);
    await api.ok("POST", `${maps}?dryRun=All`, { body: { metadata: { name: "a" } } });
    await api.ok("POST", maps, { body: { metadata: { name: "a" } } });
    await api.ok("PUT", `${maps}/a?dryRun=All`, { body: { metadata: { name: "a" }, data: { k: "v" } } });
    await api.ok("DELETE", `${maps}/a?dryRun=All`);
    expect(plugin.seen.map(({ isDryRun }) => isDryRun)).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
      true,
      true,
    ]);
  });

  it("warns", async () => {
    const warn = (attributes: ValidatedAttributes): void =>
      attributes.warn(`${attributes.operation} is noted`);
    await start({ name: "Warner", handles: onMaps, validate: warn });
    const body = { metadata: { name: "a" } };
    expect((await api.call("POST", maps, { body })).warnings).toEqual(["CREATE is noted"]);
    expect((await api.call("PUT", `${maps}/a`, { body })).warnings).toEqual(["UPDATE is noted"]);
    expect((await api.call("DELETE", `${maps}/a`)).warnings).toEqual(["DELETE is noted"]);
  });

  it("refuses in either phase, and nothing is stored", async () => {
    const refuse =
      (phase: string) =>
      ({ name, object, oldObject }: ValidatedAttributes): void => {
        const said = (object ?? oldObject)?.metadata?.annotations?.["refused-by"];
        if (said === phase) throw forbidden(configmaps, name, `${phase} says no`);
      };
    await start({ name: "Refuser", handles: onMaps, admit: refuse("admit"), validate: refuse("validate") });
    const body = (phase: string): object => ({
      metadata: { name: "a", annotations: { "refused-by": phase } },
    });
    for (const phase of ["admit", "validate"]) {
      const answer = await api.call("POST", maps, { body: body(phase) });
      expect([answer.status, answer.object.message]).toEqual([
        403,
        `configmaps "a" is forbidden: ${phase} says no`,
      ]);
    }
    expect((await api.ok("GET", maps)).items).toEqual([]);
    const stored = await api.ok("POST", maps, { body: body("nobody") });
    expect((await api.call("PUT", `${maps}/a`, { body: body("validate") })).status).toBe(403);
    const patch = await api.call("PATCH", `${maps}/a`, { body: body("admit"), contentType: merge });
    expect(patch.status).toBe(403);
    expect(await api.ok("GET", `${maps}/a`)).toEqual(stored);
  });

  it("that refuses a deletion keeps the object", async () => {
    await start({
      name: "Keeper",
      handles: { ...onMaps, operations: ["DELETE"] },
      validate({ name }) {
        throw forbidden(configmaps, name, "it stays");
      },
    });
    await api.ok("POST", maps, { body: { metadata: { name: "a" } } });
    expect((await api.call("DELETE", `${maps}/a`)).status).toBe(403);
    expect((await api.call("GET", `${maps}/a`)).status).toBe(200);
  });

  it("that changes what it may only validate is a defect that tests find", async () => {
    const change = (attributes: ValidatedAttributes): void => {
      labels(attributes as Attributes)["sneaked"] = "in";
    };
    await start({ name: "Sneak", handles: onMaps, validate: change });
    const answer = await api.call("POST", maps, { body: { metadata: { name: "a", labels: {} } } });
    expect([answer.status, answer.object.message]).toEqual([
      500,
      expect.stringContaining("may only validate"),
    ]);
  });
});

it("every plug-in admits before any validates, in their order, whether they wait or not", async () => {
  const turns: string[] = [];
  const plugin = (name: string, waits: boolean): AdmissionPlugin => {
    const take =
      (phase: string, change: (attributes: Attributes) => void) => (attributes: ValidatedAttributes) => {
        const turn = (): void => {
          turns.push(`${name} ${phase}`);
          change(attributes as Attributes);
        };
        return waits ? Promise.resolve().then(turn) : turn();
      };
    const append = (attributes: Attributes): void => {
      const own = labels(attributes);
      own["order"] = `${own["order"] ?? ""}${name}`;
    };
    return { name, handles: onMaps, admit: take("admits", append), validate: take("validates", () => {}) };
  };
  await start(plugin("a", false), plugin("b", true), plugin("c", false), plugin("d", true));
  const body = { metadata: { name: "x" } };
  const phases = ["admits", "validates"].flatMap((phase) =>
    ["a", "b", "c", "d"].map((name) => `${name} ${phase}`),
  );
  for (const [method, path] of [
    ["POST", maps],
    ["PUT", `${maps}/x`],
  ] as const) {
    expect((await api.ok(method, path, { body })).metadata.labels).toEqual({ order: "abcd" });
    expect(turns.splice(0)).toEqual(phases);
  }
});

it("what a plug-in changes in an update from this process is not the stored object", async () => {
  await start({
    name: "Labeller",
    handles: { ...onMaps, operations: ["UPDATE"] },
    admit(attributes) {
      labels(attributes)["touched"] = "yes";
      (attributes.object as Draft<ConfigMap>).data!["more"] = "yes";
    },
  });
  await api.ok("POST", maps, { body: { metadata: { name: "a", labels: { mine: "1" } }, data: { k: "v" } } });
  const reply = (await api.call("GET", `${maps}/a`)).reply.body as { readonly object: object };
  const updated = await api.ok("PUT", `${maps}/a`, { body: reply.object });
  expect(updated.metadata.labels).toEqual({ mine: "1", touched: "yes" });
  expect(reply.object).toMatchObject({ metadata: { labels: { mine: "1" } }, data: { k: "v" } });
});

describe("what connectors are asked for", () => {
  const podsPath = "/api/v1/namespaces/default/pods";
  const all: Handles = {
    operations: ["CREATE", "UPDATE", "DELETE", "CONNECT"],
    resources: [pods],
    subresources: ["*"],
  };
  const bindTo = (name: string, more: object = {}): object => ({
    metadata: { name: "p" },
    target: { kind: "Node", name },
    ...more,
  });
  const facts = (plugin: ReturnType<typeof witness>): unknown[] =>
    plugin.seen.splice(0).map(({ operation, subresource, name, object, oldObject, isDryRun }) => {
      const kind = (object as { kind?: string } | undefined)?.kind;
      return [operation, subresource, name, kind, oldObject, isDryRun];
    });
  const twice = (fact: unknown): unknown[] => [fact, fact];

  it("is admitted as a CREATE of the subresource, whichever path it takes", async () => {
    const plugin = witness(all);
    await start(plugin);
    await api.ok("POST", podsPath, { body: samplePod("p") });
    plugin.seen.length = 0;
    const binding = ["CREATE", "binding", "p", "Binding", undefined, false];
    await api.ok("POST", `${podsPath}/p/binding`, { body: { kind: "Binding", ...bindTo("n") } });
    expect(facts(plugin)).toEqual(twice(binding));
    const again = await api.call("POST", "/api/v1/namespaces/default/bindings", {
      body: { kind: "Binding", ...bindTo("m") },
    });
    expect(again.status).toBe(409);
    expect(facts(plugin)).toEqual(twice(binding));
    const eviction = { kind: "Eviction", metadata: { name: "p" }, deleteOptions: { gracePeriodSeconds: 0 } };
    await api.ok("POST", `${podsPath}/p/eviction?dryRun=All`, { body: eviction });
    await api.ok("POST", `${podsPath}/p/eviction`, { body: eviction });
    // The deletion that an eviction leads to is not asked about again.
    expect(facts(plugin)).toEqual([
      ...twice(["CREATE", "eviction", "p", "Eviction", undefined, true]),
      ...twice(["CREATE", "eviction", "p", "Eviction", undefined, false]),
    ]);
    expect((await api.call("GET", `${podsPath}/p`)).status).toBe(404);
  });

  it("may be changed, and is checked afterwards", async () => {
    const redirect = (name: string): AdmissionPlugin => ({
      name: "Redirect",
      handles: { ...all, operations: ["CREATE"], subresources: ["binding"] },
      admit: ({ object }) => void ((object as unknown as { target: { name: string } }).target.name = name),
    });
    await start(redirect("elsewhere"));
    await api.ok("POST", podsPath, { body: samplePod("p") });
    await api.ok("POST", `${podsPath}/p/binding`, { body: bindTo("n") });
    expect((await api.ok("GET", `${podsPath}/p`)).spec.nodeName).toBe("elsewhere");
    await api.stop();
    await start(redirect("a/b"));
    await api.ok("POST", podsPath, { body: samplePod("p") });
    const refused = await api.call("POST", `${podsPath}/p/binding`, { body: bindTo("n") });
    expect(refused.object.message).toContain('target.name: Invalid value: "a/b"');
  });

  it("may be refused, and then nothing happens", async () => {
    const deny = ({ name, subresource }: ValidatedAttributes): void => {
      throw forbidden(pods, name, `no ${subresource}`);
    };
    await start({ name: "Deny", handles: { ...all, subresources: ["eviction"] }, validate: deny });
    const made = await api.ok("POST", podsPath, { body: samplePod("p") });
    const evicted = await api.call("POST", `${podsPath}/p/eviction`, { body: { metadata: { name: "p" } } });
    expect(evicted.object.message).toBe('pods "p" is forbidden: no eviction');
    expect(await api.ok("GET", `${podsPath}/p`)).toEqual(made);
  });

  it("is not admitted when it only reads", async () => {
    const plugin = witness(all);
    await start(plugin);
    await api.ok("POST", podsPath, { body: samplePod("p") });
    plugin.seen.length = 0;
    expect((await api.call("GET", `${podsPath}/p/log`)).status).toBe(200);
    expect(plugin.seen).toEqual([]);
  });
});

it("a namespace is finalized by an UPDATE of that subresource", async () => {
  const plugin = witness({ operations: ["UPDATE"], subresources: ["finalize"] });
  await start(plugin);
  const made = await api.ok("POST", "/api/v1/namespaces", { body: { metadata: { name: "n" } } });
  await api.ok("PUT", "/api/v1/namespaces/n/finalize", { body: { ...made, spec: {} } });
  const finalizers = (object: unknown): unknown =>
    (object as { spec?: { finalizers?: unknown } }).spec?.finalizers;
  expect(
    plugin.seen.map(({ name, object, oldObject }) => [name, finalizers(object), finalizers(oldObject)]),
  ).toEqual([
    ["n", undefined, ["kubernetes"]],
    ["n", undefined, ["kubernetes"]],
  ]);
});

describe("a plug-in that waits while the object changes underneath", () => {
  /** Waits at its first call, until it is let go. */
  function waiting(operation: "CREATE" | "UPDATE" | "DELETE") {
    const came = deferred<void>();
    const go = deferred<void>();
    const olds: (string | undefined)[] = [];
    const wait = async ({ oldObject, user }: ValidatedAttributes): Promise<void> => {
      if (user.username !== "slow") return;
      olds.push((oldObject as ConfigMap | undefined)?.data?.["k"]);
      came.resolve();
      await go.promise;
    };
    const plugin: AdmissionPlugin = {
      name: "Slow",
      handles: { ...onMaps, operations: [operation] },
      validate: wait,
    };
    return { plugin, came: came.promise, go: () => go.resolve(), olds };
  }

  const map = (data: object, meta: object = {}): object => ({ metadata: { name: "a", ...meta }, data });
  const slow = { username: "slow" };
  /** The slow writer has the turn until it is overtaken. */
  const overtake = async <T>(write: Promise<T>): Promise<T> => {
    await api.clock.advance(turnMsMax);
    return write;
  };

  it("is asked again about the newest object, and no update is lost", async () => {
    const { plugin, came, go, olds } = waiting("UPDATE");
    await start(plugin);
    await api.ok("POST", maps, { body: map({ k: "1" }) });
    const patch = api.ok("PATCH", `${maps}/a`, {
      body: { data: { mine: "x" } },
      contentType: merge,
      ...slow,
    });
    await came;
    await overtake(api.ok("PUT", `${maps}/a`, { body: map({ k: "2" }) }));
    go();
    expect((await patch).data).toEqual({ k: "2", mine: "x" });
    expect(olds).toEqual(["1", "2"]);
  });

  it("makes an update conflict that names the old state", async () => {
    const { plugin, came, go } = waiting("UPDATE");
    await start(plugin);
    const { metadata } = await api.ok("POST", maps, { body: map({ k: "1" }) });
    const body = map({ k: "mine" }, { resourceVersion: metadata.resourceVersion });
    const put = api.call("PUT", `${maps}/a`, { body, ...slow });
    await came;
    await overtake(api.ok("PUT", `${maps}/a`, { body: map({ k: "2" }) }));
    go();
    expect((await put).object).toMatchObject({ code: 409, reason: "Conflict" });
    expect((await api.ok("GET", `${maps}/a`)).data).toEqual({ k: "2" });
  });

  it("does not bring back an object that was deleted", async () => {
    const { plugin, came, go } = waiting("UPDATE");
    await start(plugin);
    await api.ok("POST", maps, { body: map({ k: "1" }) });
    const put = api.call("PUT", `${maps}/a`, { body: map({ k: "mine" }), ...slow });
    await came;
    await overtake(api.ok("DELETE", `${maps}/a`));
    go();
    expect((await put).status).toBe(404);
    expect((await api.call("GET", `${maps}/a`)).status).toBe(404);
  });

  it("judges the state that a deletion removes", async () => {
    const { plugin, came, go, olds } = waiting("DELETE");
    await start(plugin);
    await api.ok("POST", maps, { body: map({ k: "1" }) });
    const deleted = api.call("DELETE", `${maps}/a`, slow);
    await came;
    await overtake(api.ok("PUT", `${maps}/a`, { body: map({ k: "2" }) }));
    go();
    expect((await deleted).status).toBe(200);
    expect(olds).toEqual(["1", "2"]);
  });

  it("makes a create fail when somebody else was faster", async () => {
    const { plugin, came, go } = waiting("CREATE");
    await start(plugin);
    const create = api.call("POST", maps, { body: map({ k: "mine" }), ...slow });
    await came;
    await api.ok("POST", maps, { body: map({ k: "1" }) });
    go();
    expect((await create).object).toMatchObject({ code: 409, reason: "AlreadyExists" });
    expect((await api.ok("GET", `${maps}/a`)).data).toEqual({ k: "1" });
  });
});

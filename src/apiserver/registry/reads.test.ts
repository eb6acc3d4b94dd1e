/** Lists and gets: every rule about resourceVersion, limit, continue, selectors and reply forms. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { settleMicrotasks } from "../../base/index.ts";
import type { KubeObject } from "../../machinery/index.ts";
import { createMemoryStore } from "../../storage/index.ts";
import { samplePod, TestApiServer } from "../../testing/test-api-server.ts";
import { widget, widgetResource } from "../../testing/widget.ts";

const pods = "/api/v1/namespaces/default/pods";
const table =
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

const namesOf = (list: { readonly items: readonly KubeObject[] }): (string | undefined)[] =>
  list.items.map((object) => object.metadata.name);

async function createPods(count: number): Promise<string> {
  let last = "";
  for (let i = 0; i < count; i++) {
    const options = { node: `n${i % 2}`, labels: { odd: String(i % 2 === 1) } };
    last = (await api.ok("POST", pods, { body: samplePod(`p${i}`, options) })).metadata.resourceVersion;
  }
  return last;
}

describe("a list", () => {
  it("is empty, not missing, where there is nothing", async () => {
    const list = await api.ok("GET", "/api/v1/namespaces/nowhere/pods");
    expect(list).toMatchObject({ kind: "PodList", apiVersion: "v1", items: [] });
    expect(list.metadata.resourceVersion).toMatch(/^\d+$/);
  });

  it("is ordered by namespace and name, bytewise", async () => {
    for (const namespace of ["b", "a-b", "a"]) {
      await api.ok("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
      for (const name of ["z", "a.b", "a-b", "a"]) {
        await api.ok("POST", `/api/v1/namespaces/${namespace}/pods`, { body: samplePod(name) });
      }
    }
    const keys = (await api.ok("GET", "/api/v1/pods")).items.map(
      (pod: KubeObject) => `${pod.metadata.namespace}/${pod.metadata.name}`,
    );
    expect(keys).toHaveLength(12);
    expect(keys).toEqual([...keys].sort());
  });

  it("comes in pages that all show the same moment", async () => {
    const version = await createPods(5);
    const first = await api.ok("GET", `${pods}?limit=2`);
    expect(namesOf(first)).toEqual(["p0", "p1"]);
    expect(first.metadata).toMatchObject({ resourceVersion: version, remainingItemCount: 3 });
    await api.ok("DELETE", `${pods}/p3?gracePeriodSeconds=0`);
    await api.ok("POST", pods, { body: samplePod("p2b") });
    const second = await api.ok("GET", `${pods}?limit=2&continue=${first.metadata.continue}`);
    expect(namesOf(second)).toEqual(["p2", "p3"]);
    expect(second.metadata).toMatchObject({ resourceVersion: version, remainingItemCount: 1 });
    const third = await api.ok("GET", `${pods}?limit=2&continue=${second.metadata.continue}`);
    expect(namesOf(third)).toEqual(["p4"]);
    expect(third.metadata).toEqual({ resourceVersion: version });
  });

  it("with selectors fills its pages and counts nothing", async () => {
    await createPods(9);
    const first = await api.ok("GET", `${pods}?limit=2&labelSelector=odd%3Dtrue`);
    expect(namesOf(first)).toEqual(["p1", "p3"]);
    expect(first.metadata.remainingItemCount).toBeUndefined();
    await api.ok("DELETE", `${pods}/p5?gracePeriodSeconds=0`);
    const rest = await api.ok("GET", `${pods}?labelSelector=odd%3Dtrue&continue=${first.metadata.continue}`);
    expect(namesOf(rest)).toEqual(["p5", "p7"]);
    expect(rest.metadata.continue).toBeUndefined();
  });

  it("with selectors goes through as much of the past as a page needs", async () => {
    const maps = "/api/v1/namespaces/default/configmaps";
    const wanted = new Set([3, 499, 500, 501, 1100]);
    const names = [];
    for (let i = 0; i < 1200; i++) {
      const metadata = { name: `c${String(i).padStart(4, "0")}`, labels: { wanted: String(wanted.has(i)) } };
      await api.ok("POST", maps, { body: { metadata } });
      if (wanted.has(i)) names.push(metadata.name);
    }
    let page = await api.ok("GET", `${maps}?labelSelector=wanted%3Dtrue&limit=1`);
    await api.ok("DELETE", `${maps}?labelSelector=wanted%3Dtrue`);
    const seen = namesOf(page);
    while (page.metadata.continue !== undefined) {
      page = await api.ok(
        "GET",
        `${maps}?labelSelector=wanted%3Dtrue&limit=1&continue=${page.metadata.continue}`,
      );
      seen.push(...namesOf(page));
    }
    expect(seen).toEqual(names);
  });

  it("tells how to go on when the moment of its first page is forgotten", async () => {
    await createPods(4);
    const first = await api.ok("GET", `${pods}?limit=1`);
    await api.ok("POST", pods, { body: samplePod("p9") });
    await api.store.compact(await api.store.currentRevision());
    const gone = await api.call("GET", `${pods}?limit=1&continue=${first.metadata.continue}`);
    expect(gone.object).toMatchObject({ code: 410, reason: "Expired" });
    const rest = await api.ok("GET", `${pods}?continue=${gone.object.metadata.continue}`);
    expect(namesOf(rest)).toEqual(["p1", "p2", "p3", "p9"]);
  });

  it("may be exact", async () => {
    const version = await createPods(2);
    await api.ok("DELETE", `${pods}/p0?gracePeriodSeconds=0`);
    const exact = await api.ok("GET", `${pods}?resourceVersion=${version}&resourceVersionMatch=Exact`);
    expect(namesOf(exact)).toEqual(["p0", "p1"]);
    expect(exact.metadata.resourceVersion).toBe(version);
    expect(namesOf(await api.ok("GET", `${pods}?resourceVersion=${version}&limit=10`))).toEqual(["p0", "p1"]);
    expect(namesOf(await api.ok("GET", `${pods}?resourceVersion=${version}`))).toEqual(["p1"]);
    await api.store.compact(await api.store.currentRevision());
    const gone = await api.call("GET", `${pods}?resourceVersion=${version}&resourceVersionMatch=Exact`);
    expect(gone.object).toMatchObject({ code: 410, reason: "Expired" });
  });

  it("waits for a revision that is still to come, then gives up", async () => {
    const next = Number(await createPods(1)) + 1;
    const wanted = api.call("GET", `${pods}?resourceVersion=${next}`);
    await api.ok("POST", pods, { body: samplePod("new") });
    expect(namesOf((await wanted).object)).toEqual(["new", "p0"]);
    const future = api.call("GET", `${pods}?resourceVersion=${next + 100}`);
    await settleMicrotasks();
    await api.clock.advance(3000);
    expect((await future).object).toMatchObject({
      code: 504,
      reason: "Timeout",
      message: `Timeout: Too large resource version: ${next + 100}, current: ${next}`,
      details: { retryAfterSeconds: 1, causes: [{ reason: "ResourceVersionTooLarge" }] },
    });
  });

  const refused: readonly (readonly [query: string, code: number, text: string])[] = [
    ["resourceVersion=abc", 400, "invalid resource version"],
    [
      "resourceVersionMatch=Exact",
      422,
      "resourceVersionMatch is forbidden unless resourceVersion is provided",
    ],
    ["resourceVersion=0&resourceVersionMatch=Exact", 422, 'is forbidden for resourceVersion "0"'],
    ["resourceVersion=1&resourceVersionMatch=Nearly", 422, 'Unsupported value: "Nearly"'],
    ["sendInitialEvents=true", 422, "sendInitialEvents is forbidden for list"],
    ["watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=1", 422, "forbidden for watch unless"],
    ["watch=1&sendInitialEvents=true", 422, "requires setting resourceVersionMatch to NotOlderThan"],
    ["continue=nonsense", 400, "invalid continue token: "],
    ["fieldSelector=foo.bar%3Dx", 400, "field label not supported: foo.bar"],
    ["labelSelector=a%3D%3D%3Db", 400, ""],
    ["limit=many", 400, ""],
  ];
  for (const [query, code, text] of refused) {
    it(`?${query} is refused with ${code}`, async () => {
      const answer = await api.call("GET", `${pods}?${query}`);
      expect(answer.status).toBe(code);
      expect(answer.object.kind).toBe("Status");
      expect(answer.object.message).toContain(text);
    });
  }
});

describe("field selectors", () => {
  it("pick by name, node and phase", async () => {
    await createPods(4);
    expect(namesOf(await api.ok("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dp2"))).toEqual(["p2"]);
    expect(namesOf(await api.ok("GET", `${pods}?fieldSelector=metadata.name%3Dp2`))).toEqual(["p2"]);
    expect(namesOf(await api.ok("GET", `${pods}?fieldSelector=spec.nodeName%3Dn1`))).toEqual(["p1", "p3"]);
    expect(
      namesOf(await api.ok("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1,metadata.name!%3Dp1")),
    ).toEqual(["p3"]);
    expect(namesOf(await api.ok("GET", `${pods}?fieldSelector=status.phase!%3DPending`))).toEqual([]);
    expect(
      namesOf(await api.ok("GET", "/api/v1/pods?fieldSelector=metadata.namespace%3Dkube-system")),
    ).toEqual([]);
    expect(namesOf(await api.ok("GET", `${pods}?fieldSelector=metadata.namespace%3Dkube-system`))).toEqual(
      [],
    );
  });

  it("find what a binding has moved to a node", async () => {
    await api.ok("POST", pods, { body: samplePod("p") });
    expect(namesOf(await api.ok("GET", `${pods}?fieldSelector=spec.nodeName%3D`))).toEqual(["p"]);
    await api.ok("POST", `${pods}/p/binding`, {
      body: { metadata: { name: "p" }, target: { kind: "Node", name: "n1" } },
    });
    expect(namesOf(await api.ok("GET", `${pods}?fieldSelector=spec.nodeName%3Dn1`))).toEqual(["p"]);
    expect(namesOf(await api.ok("GET", `${pods}?fieldSelector=spec.nodeName%3D`))).toEqual([]);
  });
});

describe("reply forms", () => {
  it("items of a list leave it to the list to say what they are, but those of kinds that are learnt at run time", async () => {
    const events = "/apis/events.k8s.io/v1/namespaces/default/events";
    await api.ok("POST", pods, { body: samplePod("typed") });
    await api.ok("POST", events, {
      body: {
        metadata: { name: "e" },
        eventTime: "2026-01-01T00:00:00.000000Z",
        reportingController: "a/b",
        reportingInstance: "c",
        action: "d",
        reason: "e",
        type: "Normal",
      },
    });
    for (const [list, kind] of [
      [pods, "PodList"],
      [events, "EventList"],
      ["/api/v1/namespaces", "NamespaceList"],
    ] as const) {
      const { kind: said, items } = await api.ok("GET", list);
      expect(said).toBe(kind);
      for (const item of items) expect(Object.keys(item).slice(0, 1)).toEqual(["metadata"]);
      const [first] = items;
      expect([first.kind, first.apiVersion]).toEqual([undefined, undefined]);
      expect(first.metadata.resourceVersion).toMatch(/^\d+$/);
    }
    await api.server.resources.change({ add: [widgetResource] });
    const widgets = "/apis/example.com/v1/namespaces/default/widgets";
    const made = await api.ok("POST", widgets, { body: widget("w") });
    expect((await api.ok("GET", widgets)).items).toEqual([made]);
  });

  it("Table rows have all cells and the metadata", async () => {
    await createPods(1);
    const list = await api.ok("GET", pods, { accept: table });
    expect(list).toMatchObject({ kind: "Table", apiVersion: "meta.k8s.io/v1" });
    expect(list.columnDefinitions.map((column: { readonly name: string }) => column.name)).toContain("Ready");
    expect(list.rows[0].cells).toHaveLength(list.columnDefinitions.length);
    expect(list.rows[0].object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "p0" } });
    const one = await api.ok("GET", `${pods}/p0?includeObject=Object`, { accept: table });
    expect(one.rows[0].object.kind).toBe("Pod");
    expect(one.metadata.resourceVersion).toBe(one.rows[0].object.metadata.resourceVersion);
    expect((await api.ok("GET", `${pods}?includeObject=None`, { accept: table })).rows[0].object).toBeNull();
  });

  it("PartialObjectMetadataList holds the whole metadata only", async () => {
    await createPods(1);
    const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    const list = await api.ok("GET", pods, { accept });
    expect(list.kind).toBe("PartialObjectMetadataList");
    expect(Object.keys(list.items[0]).sort()).toEqual(["apiVersion", "kind", "metadata"]);
  });

  it("JSON is taken when protobuf comes first, and 406 when nothing fits", async () => {
    expect(
      (await api.call("GET", pods, { accept: "application/vnd.kubernetes.protobuf,application/json" }))
        .status,
    ).toBe(200);
    expect((await api.call("GET", pods, { accept: "application/json;as=Other;v=v1;g=x,*/*" })).status).toBe(
      200,
    );
    expect((await api.call("GET", pods, { accept: "text/html" })).status).toBe(406);
  });

  it("failures are never converted", async () => {
    const missing = await api.call("GET", `${pods}/nosuch`, { accept: table });
    expect(missing.object).toMatchObject({ kind: "Status", code: 404, message: 'pods "nosuch" not found' });
  });
});

it("what was written before a restart is served after it, from bytes", async () => {
  const store = createMemoryStore();
  const before = await TestApiServer.start({ store });
  await before.ok("POST", pods, { body: samplePod("p", { node: "n1" }) });
  const seen = await before.ok("GET", "/api/v1/pods");
  await before.stop();
  const after = await TestApiServer.start({ store, seed: 2 });
  expect(await after.ok("GET", "/api/v1/pods")).toEqual(seen);
  expect(namesOf(await after.ok("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1"))).toEqual(["p"]);
  await after.stop();
});

describe("a list is refused", () => {
  const maps = "/api/v1/namespaces/default/configmaps";
  const token = (value: object | string): string =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const notValid = "invalid continue token: continue key is not valid: ";
  const unknown = (field: string): string =>
    `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
  const version = (text: string): string =>
    `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": `;

  it.each([
    [`${maps}?fieldSelector=data.a%3Db`, 400, unknown("data.a")],
    [`${maps}?watch=1&fieldSelector=%3Db`, 400, unknown("")],
    ["/apis/scheduling.k8s.io/v1/priorityclasses?fieldSelector=value%3D1", 400, unknown("value")],
    [`${pods}?fieldSelector=spec.x%3D1`, 400, "field label not supported: spec.x"],
    [
      "/api/v1/nodes?fieldSelector=metadata.namespace%3D1",
      400,
      "field label not supported: metadata.namespace",
    ],
    [`${maps}?resourceVersion=x`, 400, `invalid resource version: ${version("x")}invalid syntax`],
    [
      `${maps}?resourceVersion=99999999999999999999`,
      400,
      `invalid resource version: ${version("99999999999999999999")}value out of range`,
    ],
    [`${maps}?watch=1&resourceVersion=-1`, 500, `${version("-1")}invalid syntax`],
    [
      `${maps}?continue=${token("\u009e")}`,
      400,
      `${notValid}invalid character 'Â' looking for beginning of value`,
    ],
    [`${maps}?continue=${token("{}")}`, 400, `${notValid}server does not recognize this encoded version `],
    [
      `${maps}?continue=${token({ v: "v9" })}`,
      400,
      `${notValid}server does not recognize this encoded version v9`,
    ],
    [
      `${maps}?continue=${token({ v: "meta.k8s.io/v1", rv: 0 })}`,
      400,
      `${notValid}incorrect encoded start resourceVersion (version meta.k8s.io/v1)`,
    ],
    [
      `${maps}?continue=${token({ v: "meta.k8s.io/v1", rv: 1, start: "" })}`,
      400,
      `${notValid}encoded start key empty (version meta.k8s.io/v1)`,
    ],
  ])("%s: %i", async (target, code, message) => {
    expect((await api.call("GET", target)).object).toMatchObject({ code, message });
  });

  it("not for the namespace of a kind without: nothing has it", async () => {
    const classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
    const count = async (selector: string): Promise<number> =>
      (await api.ok("GET", `${classes}?fieldSelector=${encodeURIComponent(selector)}`)).items.length;
    expect(await count("metadata.namespace=a")).toBe(0);
    expect(await count("metadata.namespace=")).toBe((await api.ok("GET", classes)).items.length);
  });
});

it("events of events.k8s.io are selected by their own fields, not by the core ones", async () => {
  const path = "/apis/events.k8s.io/v1/namespaces/default/events";
  const regarding = { kind: "Pod", namespace: "default", name: "p" };
  const common = {
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingInstance: "c",
    action: "d",
    type: "Normal",
  };
  const body = { metadata: { name: "e" }, regarding, reason: "Odd", reportingController: "a/b", ...common };
  await api.ok("POST", path, { body });
  const count = async (selector: string): Promise<number> =>
    (await api.ok("GET", `${path}?fieldSelector=${encodeURIComponent(selector)}`)).items.length;
  for (const field of [
    "regarding.name=p",
    "regarding.kind=Pod",
    "reason=Odd",
    "reportingController=a/b",
    "type=Normal",
  ])
    expect([await count(field), await count(field.replace("=", "!="))]).toEqual([1, 0]);
  const core = await api.call("GET", `${path}?fieldSelector=involvedObject.name%3Dp`);
  expect(core.object.message).toBe("field label not supported: involvedObject.name");
});

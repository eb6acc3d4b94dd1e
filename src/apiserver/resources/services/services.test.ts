/** Services get addresses and ports: from their ranges, one for each, and back again. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TestApiServer } from "../../../testing/test-api-server.ts";

const path = "/api/v1/namespaces/default/services";
const addressesPath = "/apis/networking.k8s.io/v1/ipaddresses";
let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start({
    serviceRanges: { clusterIpRange: "10.0.0.0/28", nodePortRange: "30000-30003" },
  });
});
afterEach(() => api.stop());

function service(name: string, spec: object = {}): object {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } };
}

const create = (name: string, spec: object = {}): ReturnType<TestApiServer["call"]> =>
  api.call("POST", path, { body: service(name, spec) });

async function addresses(): Promise<Record<string, string>> {
  const { items } = await api.ok("GET", addressesPath);
  return Object.fromEntries(
    items.map((item: { metadata: { name: string }; spec: { parentRef: { name: string } } }) => [
      item.metadata.name,
      item.spec.parentRef.name,
    ]),
  );
}

async function ports(): Promise<number[]> {
  const { items } = await api.store.list({ prefix: "/internal/nodeports/" });
  return items.map(({ key }) => Number(key.slice("/internal/nodeports/".length)));
}

describe("a new Service", () => {
  test("has an address of the range, and all that belongs to it", async () => {
    const { object } = await create("a");
    expect(object.spec).toEqual({
      clusterIP: expect.stringMatching(/^10\.0\.0\.\d+$/),
      clusterIPs: [object.spec.clusterIP],
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
      sessionAffinity: "None",
      type: "ClusterIP",
    });
    expect(await addresses()).toEqual({ [object.spec.clusterIP]: "a" });
  });

  test("may name its address, which nobody else has then", async () => {
    expect((await create("a", { clusterIP: "10.0.0.9" })).status).toBe(201);
    const { status, object } = await create("b", { clusterIP: "10.0.0.9" });
    expect(status).toBe(422);
    expect(object.message).toBe(
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.0.0.9"]: failed to allocate IP 10.0.0.9: provided IP is already allocated',
    );
  });

  test("cannot have an address from elsewhere, or one that is kept for something else", async () => {
    expect((await create("a", { clusterIP: "10.0.0.15" })).object.message).toContain(
      "the provided IP (10.0.0.15) is not in the valid range. The range of valid IPs is 10.0.0.0/28",
    );
    const parentRef = { group: "example.com", resource: "things", name: "x" };
    const kept = {
      apiVersion: "networking.k8s.io/v1",
      kind: "IPAddress",
      metadata: { name: "10.0.0.3" },
      spec: { parentRef },
    };
    await api.ok("POST", addressesPath, { body: kept });
    expect((await create("a", { clusterIP: "10.0.0.3" })).status).toBe(422);
  });

  test("that is headless or a name for something outside has none", async () => {
    const headless = await create("a", { clusterIP: "None", selector: { a: "b" } });
    expect(headless.object.spec).toMatchObject({
      clusterIP: "None",
      clusterIPs: ["None"],
      ipFamilies: ["IPv4"],
    });
    const named = await create("b", { type: "ExternalName", externalName: "a.example.com", ports: [] });
    expect(named.object.spec).toEqual({
      externalName: "a.example.com",
      sessionAffinity: "None",
      type: "ExternalName",
    });
    expect(await addresses()).toEqual({});
  });

  test("that is headless without a selector asks for both families, wherever it is", async () => {
    expect((await create("a", { clusterIP: "None" })).object.spec).toMatchObject({
      ipFamilies: ["IPv4", "IPv6"],
      ipFamilyPolicy: "RequireDualStack",
    });
  });

  test.each([
    [{ ipFamilyPolicy: "RequireDualStack" }, "this cluster is not configured for dual-stack services"],
    [{ ipFamilies: ["IPv6"] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [{ clusterIP: "fd00::1" }, "IPv6 is not configured on this cluster"],
  ])("with %j is refused: %s", async (spec, text) => {
    const { status, object } = await create("a", spec);
    expect([status, object.message]).toEqual([422, expect.stringContaining(text)]);
  });

  test("gets node ports: one for both protocols of a port, and one for health checks", async () => {
    const { object } = await create("a", {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      ports: [
        { name: "a", port: 53, protocol: "TCP" },
        { name: "b", port: 53, protocol: "UDP" },
        { name: "c", port: 80, nodePort: 30_001 },
      ],
    });
    const [a, b, c] = object.spec.ports as { nodePort: number }[];
    expect(a!.nodePort).toBe(b!.nodePort);
    expect(c!.nodePort).toBe(30_001);
    expect((await ports()).toSorted()).toEqual(
      [a!.nodePort, 30_001, object.spec.healthCheckNodePort].toSorted(),
    );
  });

  test.each([
    [80, "provided port is not in the valid range. The range of valid ports is 30000-30003"],
    [30_002, "provided port is already allocated"],
  ])("with the node port %i is refused, and has taken nothing", async (nodePort, text) => {
    await create("first", { type: "NodePort", ports: [{ port: 80, nodePort: 30_002 }] });
    const before = await addresses();
    const { status, object } = await create("a", { type: "NodePort", ports: [{ port: 80, nodePort }] });
    expect(status).toBe(422);
    expect(object.details.causes).toEqual([
      {
        field: "spec.ports[0].nodePort",
        message: `Invalid value: ${nodePort}: ${text}`,
        reason: "FieldValueInvalid",
      },
    ]);
    expect(await addresses()).toEqual(before);
    expect(await ports()).toEqual([30_002]);
  });

  test("that is invalid, there already, or only tried out takes nothing", async () => {
    await create("a");
    const before = await addresses();
    expect((await create("b", { type: "NodePort", sessionAffinity: "Odd" })).status).toBe(422);
    expect((await create("a", { type: "NodePort" })).status).toBe(409);
    const dry = await api.call("POST", `${path}?dryRun=All`, { body: service("c", { type: "NodePort" }) });
    expect(dry.object.spec.clusterIP).toMatch(/^10\.0\.0\.\d+$/);
    expect(dry.object.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30_000);
    expect(await addresses()).toEqual(before);
    expect(await ports()).toEqual([]);
  });
});

describe("many at once", () => {
  test("all have different addresses, until there are no more", async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, (_, index) => create(`s${index}`)));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(14);
    expect(new Set(made.map(({ object }) => object.spec.clusterIP)).size).toBe(14);
    for (const { status, object } of answers.filter((answer) => !made.includes(answer)))
      expect([status, object.message]).toEqual([
        500,
        "Internal error occurred: failed to allocate a serviceIP: range is full",
      ]);
    await api.ok("DELETE", `${path}/${made[3]!.object.metadata.name}`);
    expect((await create("late")).object.spec.clusterIP).toBe(made[3]!.object.spec.clusterIP);
  });

  test("with generated names have names and addresses of their own", async () => {
    const body = { ...service(""), metadata: { generateName: "a-" } };
    const answers = await Promise.all(Array.from({ length: 8 }, () => api.ok("POST", path, { body })));
    expect(new Set(answers.map(({ spec }) => spec.clusterIP)).size).toBe(8);
    const owners = await addresses();
    for (const { metadata, spec } of answers) expect(owners[spec.clusterIP]).toBe(metadata.name);
  });
});

describe("an update", () => {
  const put = (spec: object): ReturnType<TestApiServer["call"]> =>
    api.call("PUT", `${path}/a`, { body: service("a", spec) });

  test("without the address keeps it, and the node ports by their names", async () => {
    const { object: made } = await create("a", { type: "NodePort" });
    const { object } = await put({ type: "NodePort", ports: [{ port: 81 }] });
    expect(object.spec.clusterIP).toBe(made.spec.clusterIP);
    expect(object.spec.ports[0]).toMatchObject({ port: 81, nodePort: made.spec.ports[0].nodePort });
  });

  test("through all types gives and takes what each needs", async () => {
    const { object: made } = await create("a");
    const { object: opened } = await put({ type: "NodePort" });
    expect(await ports()).toEqual([opened.spec.ports[0].nodePort]);
    expect((await put({ type: "ClusterIP" })).object.spec.ports).toEqual(made.spec.ports);
    expect(await ports()).toEqual([]);
    const named = { type: "ExternalName", externalName: "x.example.com", ports: [] };
    expect((await put(named)).object.spec).toEqual({
      externalName: "x.example.com",
      sessionAffinity: "None",
      type: "ExternalName",
    });
    expect(await addresses()).toEqual({});
    const { object: again } = await put({ type: "ClusterIP" });
    expect(await addresses()).toEqual({ [again.spec.clusterIP]: "a" });
  });

  test("of the type alone takes along what belonged to the old type", async () => {
    const { object: made } = await create("a", { type: "LoadBalancer", externalTrafficPolicy: "Local" });
    const patch = async (type: string): Promise<Record<string, unknown>> =>
      (
        await api.ok("PATCH", `${path}/a`, {
          body: { spec: { type } },
          contentType: "application/merge-patch+json",
        })
      ).spec;
    const plain = await patch("ClusterIP");
    expect(plain).toEqual({
      clusterIP: made.spec.clusterIP,
      clusterIPs: made.spec.clusterIPs,
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
      sessionAffinity: "None",
      type: "ClusterIP",
    });
    expect(await ports()).toEqual([]);
  });

  test.each<[object, string]>([
    [{ clusterIP: "None" }, 'spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set'],
    [{ clusterIP: "10.0.0.2" }, 'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set'],
  ])("to %j is refused", async (spec, text) => {
    await create("a", { clusterIP: "10.0.0.9" });
    const { status, object } = await put(spec);
    expect([status, object.message]).toEqual([422, `Service "a" is invalid: ${text}`]);
    expect(await addresses()).toEqual({ "10.0.0.9": "a" });
  });

  test("that is refused gives back what it had taken", async () => {
    await create("a");
    expect((await put({ type: "NodePort", sessionAffinity: "Odd" })).status).toBe(422);
    expect(await ports()).toEqual([]);
  });

  test("gives back the node port of a port that goes", async () => {
    const two = [
      { name: "a", port: 1, nodePort: 30_000 },
      { name: "b", port: 2, nodePort: 30_001 },
    ];
    await create("a", { type: "NodePort", ports: two });
    await put({ type: "NodePort", ports: two.slice(1) });
    expect(await ports()).toEqual([30_001]);
  });

  test("of the status takes an address for granted, and only of a load balancer", async () => {
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } };
    const patch = (name: string): ReturnType<TestApiServer["call"]> =>
      api.call("PATCH", `${path}/${name}/status`, {
        body: { status },
        contentType: "application/merge-patch+json",
      });
    await create("a");
    expect((await patch("a")).object.message).toContain(
      "may only be used when `spec.type` is 'LoadBalancer'",
    );
    await create("b", { type: "LoadBalancer" });
    expect((await patch("b")).object.status.loadBalancer.ingress).toEqual([
      { ip: "192.0.2.1", ipMode: "VIP" },
    ]);
  });
});

describe("two families", () => {
  beforeEach(async () => {
    await api.stop();
    api = await TestApiServer.start({ serviceRanges: { clusterIpRange: "10.0.0.0/28,fd00::/112" } });
  });

  test("are had by who prefers them, and the second one goes back", async () => {
    const { object } = await create("a", { ipFamilyPolicy: "PreferDualStack" });
    expect(object.spec.ipFamilies).toEqual(["IPv4", "IPv6"]);
    const [first, second] = object.spec.clusterIPs as string[];
    expect(await addresses()).toEqual({ [first!]: "a", [second!]: "a" });
    const single = await api.call("PATCH", `${path}/a`, {
      body: { spec: { ipFamilyPolicy: "SingleStack" } },
      contentType: "application/merge-patch+json",
    });
    expect(single.object.spec).toMatchObject({ clusterIPs: [first], ipFamilies: ["IPv4"] });
    expect(await addresses()).toEqual({ [first!]: "a" });
  });

  test("are had in the order that the Service asks for", async () => {
    const { object } = await create("a", {
      ipFamilyPolicy: "RequireDualStack",
      ipFamilies: ["IPv6", "IPv4"],
    });
    expect(object.spec.clusterIP).toMatch(/^fd00::/);
    expect(object.spec.clusterIPs[1]).toMatch(/^10\.0\.0\./);
  });
});

test("a namespace's last Service gives back its address before the answer", async () => {
  const { object } = await create("a", { type: "NodePort" });
  expect((await api.ok("DELETE", `${path}/a`)).kind).toBe("Service");
  expect(await addresses()).toEqual({});
  expect(await ports()).toEqual([]);
  expect((await create("b", { clusterIP: object.spec.clusterIP })).status).toBe(201);
});

test("one with a finalizer keeps its address until it is gone", async () => {
  const body = { ...service("a"), metadata: { name: "a", finalizers: ["example.com/x"] } };
  const made = await api.ok("POST", path, { body });
  await api.ok("DELETE", `${path}/a`);
  expect(await addresses()).toEqual({ [made.spec.clusterIP]: "a" });
  await api.ok("PATCH", `${path}/a`, {
    body: { metadata: { finalizers: null } },
    contentType: "application/merge-patch+json",
  });
  expect(await addresses()).toEqual({});
});

/**
 * Bodies in protobuf, as typed clients send them, wherever a body is taken; what is refused and in which words.
 * Not here: each rule of the decoder (machinery/protobuf.test.ts), real bytes (api/kubectl-bodies.test.ts).
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { schemas } from "../../api/index.ts";
import { encodeEnvelope, encodeProtobuf, lengthDelimited } from "../../testing/protobuf-encoder.ts";
import { type Answer, sampleDaemonSet, samplePod, TestApiServer } from "../../testing/test-api-server.ts";

const contentType = "application/vnd.kubernetes.protobuf";
const configmaps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";
const daemonsets = "/apis/apps/v1/namespaces/default/daemonsets";

interface Typed {
  readonly apiVersion: string;
  readonly kind: string;
}

let server: TestApiServer;
beforeEach(async () => void (server = await TestApiServer.start()));
afterEach(() => server.stop());

function bodyOf(schema: string, object: object): Uint8Array {
  return encodeEnvelope(object as Typed, encodeProtobuf({ table: schemas, name: schema }, object));
}

function send(method: "POST" | "PUT" | "DELETE", path: string, body: Uint8Array): Promise<Answer> {
  return server.call(method, path, { contentType, body, accept: `${contentType},application/json` });
}

/** Without what differs between two creations. */
function comparable(object: Answer["object"]): object {
  return { ...object, metadata: { ...object.metadata, uid: "", resourceVersion: "" } };
}

describe("a body in protobuf does what its JSON does", () => {
  test("create: defaults, too", async () => {
    const twin = sampleDaemonSet("agent", { updateStrategy: { type: "RollingUpdate" } }) as Typed;
    const typed = await send("POST", daemonsets, bodyOf("apps.v1.DaemonSet", twin));
    expect(typed.status).toBe(201);
    expect(typed.object.spec.updateStrategy.rollingUpdate).toEqual({ maxUnavailable: 1, maxSurge: 0 });
    await server.ok("DELETE", `${daemonsets}/agent`);
    const plain = await server.ok("POST", daemonsets, { body: twin });
    expect(comparable(typed.object)).toEqual(comparable(plain));
  });

  test("update and status", async () => {
    const created = await server.ok("POST", daemonsets, { body: sampleDaemonSet("agent") });
    const changed = { ...created, spec: { ...created.spec, minReadySeconds: 5 } };
    const put = await send("PUT", `${daemonsets}/agent`, bodyOf("apps.v1.DaemonSet", changed));
    expect(put.object).toMatchObject({ metadata: { generation: 2 }, spec: { minReadySeconds: 5 } });
    const reported = { ...put.object, status: { ...put.object.status, numberReady: 3 } };
    const status = await send("PUT", `${daemonsets}/agent/status`, bodyOf("apps.v1.DaemonSet", reported));
    expect(status.object.status.numberReady).toBe(3);
    const stale = await send("PUT", `${daemonsets}/agent`, bodyOf("apps.v1.DaemonSet", changed));
    expect(stale.object).toMatchObject({ code: 409, reason: "Conflict" });
  });

  test("options of a deletion, of one and of all", async () => {
    for (const name of ["a", "b"]) await server.ok("POST", pods, { body: samplePod(name, { node: "n" }) });
    const options = { apiVersion: "v1", kind: "DeleteOptions" };
    const soft = await send(
      "DELETE",
      `${pods}/a`,
      bodyOf("meta.v1.DeleteOptions", { ...options, gracePeriodSeconds: 7 }),
    );
    expect(soft.object.metadata.deletionGracePeriodSeconds).toBe(7);
    const dry = bodyOf("meta.v1.DeleteOptions", { ...options, dryRun: ["All"] });
    expect((await send("DELETE", pods, dry)).object.items).toHaveLength(2);
    const other = { ...options, preconditions: { uid: "other" } };
    expect((await send("DELETE", `${pods}/a`, bodyOf("meta.v1.DeleteOptions", other))).status).toBe(409);
    // Grace period 0 is said by a pointer: it is not the same as saying nothing.
    const hard = bodyOf("meta.v1.DeleteOptions", { ...options, gracePeriodSeconds: 0 });
    expect((await send("DELETE", pods, hard)).status).toBe(200);
    expect((await server.ok("GET", pods)).items).toEqual([]);
  });

  test("binding and eviction", async () => {
    await server.ok("POST", pods, { body: samplePod("p") });
    const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { name: "n" } };
    expect((await send("POST", `${pods}/p/binding`, bodyOf("core.v1.Binding", binding))).status).toBe(201);
    expect((await server.ok("GET", `${pods}/p`)).spec.nodeName).toBe("n");
    const eviction = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: "p", namespace: "default" },
      deleteOptions: { gracePeriodSeconds: 0 },
    };
    const evict = (object: object): Promise<Answer> =>
      send("POST", `${pods}/p/eviction`, bodyOf("policy.v1.Eviction", object));
    expect((await evict({ ...eviction, metadata: { name: "q" } })).status).toBe(400);
    expect((await evict(eviction)).status).toBe(201);
    expect((await server.call("GET", `${pods}/p`)).status).toBe(404);
  });

  test("fields that nobody knows are no error, however strict", async () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "b" } };
    const known = encodeProtobuf({ table: schemas, name: "core.v1.ConfigMap" }, object);
    const raw = Buffer.concat([known, lengthDelimited(77, Buffer.from("new"))]);
    const answer = await send("POST", `${configmaps}?fieldValidation=Strict`, encodeEnvelope(object, raw));
    expect(answer).toMatchObject({ status: 201, warnings: [], object: { data: { a: "b" } } });
  });

  test("kind and version may be missing, and validation is the same", async () => {
    const object = { apiVersion: "", kind: "", metadata: { name: "c" } };
    expect((await send("POST", configmaps, bodyOf("core.v1.ConfigMap", object))).object.kind).toBe(
      "ConfigMap",
    );
    const nameless = await send("POST", configmaps, bodyOf("core.v1.ConfigMap", { ...object, metadata: {} }));
    expect(nameless.object.message).toBe(
      (await server.call("POST", configmaps, { body: { metadata: {} } })).object.message,
    );
  });
});

describe("what is refused", () => {
  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } };
  const body = (said: object, raw: Uint8Array = new Uint8Array(0)): Uint8Array =>
    encodeEnvelope({ ...configMap, ...said } as Typed, raw);

  test.each<readonly [string, Uint8Array, string]>([
    [
      "another kind",
      body({ kind: "Foo" }, Buffer.from([0xff])),
      'Foo in version "v1" cannot be handled as a ConfigMap',
    ],
    [
      "another version",
      body({ apiVersion: "v2" }),
      "the API version in the data (v2) does not match the expected API version (v1)",
    ],
    [
      "a damaged object",
      body({}, Buffer.from([0x08, 0x01])),
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: wrong wireType = 0 for field Metadata',
    ],
    [
      "JSON under another name",
      Buffer.from('{"apiVersion":"v1","kind":"ConfigMap"}'),
      "the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a protobuf " +
        'message, expected prefix [107 56 115 0] ({"apiVersion":"v1","kind":"Con ...)',
    ],
    [
      "the prefix alone",
      Buffer.from("k8s\0"),
      "the object provided is unrecognized (must be of type ConfigMap): empty body (6b387300)",
    ],
    [
      "no bytes",
      Buffer.from(""),
      "the object provided is unrecognized (must be of type ConfigMap): empty data (<empty>)",
    ],
  ])("%s", async (_, bytes, message) => {
    const { object } = await send("POST", configmaps, bytes);
    expect(object).toMatchObject({ code: 400, reason: "BadRequest", message });
  });

  test("a pod as options, a binding or an eviction", async () => {
    await server.ok("POST", pods, { body: samplePod("p") });
    const pod = bodyOf("core.v1.Pod", samplePod("p"));
    for (const [method, path, message] of [
      [
        "DELETE",
        `${pods}/p`,
        'no kind "Pod" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
      ],
      ["POST", `${pods}/p/binding`, 'Pod in version "v1" cannot be handled as a Binding'],
      ["POST", `${pods}/p/eviction`, 'Pod in version "v1" cannot be handled as a Eviction'],
    ] as const) {
      expect((await send(method, path, pod)).object).toMatchObject({ code: 400, message });
      const json = await server.call(method, path, { body: samplePod("p") });
      expect(json.object).toMatchObject({ code: 400, message });
    }
  });

  test("other types of bodies, with the list of those that are read", async () => {
    for (const type of ["application/cbor", "text/plain", "application/x-protobuf"]) {
      const answer = await server.call("POST", configmaps, { contentType: type, body: configMap });
      expect(answer.object).toMatchObject({
        code: 415,
        message:
          "the body of the request was in an unknown format - accepted media types include: " +
          "application/json, application/yaml, application/vnd.kubernetes.protobuf",
      });
    }
  });

  test("a patch in protobuf, and an answer in nothing but protobuf", async () => {
    const bytes = bodyOf("core.v1.ConfigMap", configMap);
    await server.ok("POST", configmaps, { contentType, body: bytes });
    expect((await server.call("PATCH", `${configmaps}/c`, { contentType, body: bytes })).status).toBe(415);
    expect((await server.call("GET", `${configmaps}/c`, { accept: contentType })).status).toBe(406);
  });
});

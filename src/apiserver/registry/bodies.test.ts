/** Request bodies: what a reader of YAML takes, and the warnings that come of a body, with whatever answer. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleDaemonSet, samplePod, TestApiServer } from "../../testing/test-api-server.ts";

const ds = "/apis/apps/v1/namespaces/default/daemonsets";
const pods = "/api/v1/namespaces/default/pods";
const merge = "application/merge-patch+json";

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

describe("a refusal tells what was found before it", () => {
  const body = sampleDaemonSet("agent", { unheardOf: 1, template: undefined });
  const unknown = 'unknown field "spec.unheardOf"';

  it("of a create, an update and a patch that are not valid", async () => {
    await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    const answers = [
      await api.call("POST", ds, { body }),
      await api.call("PUT", `${ds}/agent`, { body }),
      await api.call("PATCH", `${ds}/agent`, {
        contentType: merge,
        body: { spec: { unheardOf: 1, minReadySeconds: -1 } },
      }),
    ];
    expect(answers.map(({ status, warnings }) => [status, warnings])).toEqual(
      answers.map(() => [422, [unknown]]),
    );
  });

  it("of an object that is there already, with what its kind warns of", async () => {
    const name = "a.b";
    const first = await api.call("POST", pods, { body: samplePod(name) });
    const again = await api.call("POST", pods, { body: samplePod(name) });
    expect(first.warnings).toHaveLength(1);
    expect([again.status, again.warnings]).toEqual([409, first.warnings]);
  });
});

describe("YAML", () => {
  const path = "/api/v1/namespaces/default/configmaps";
  const post = (body: string, query = ""): ReturnType<typeof api.call> =>
    api.call("POST", `${path}${query}`, { body, contentType: "application/yaml" });

  it("of several documents is the first, whatever the others are", async () => {
    const first = await post("# of two\n---\nmetadata: {name: a}\ndata: {k: v}\n---\nmetadata: {name: [\n");
    expect([first.status, first.object.metadata.name, first.warnings]).toEqual([201, "a", []]);
    const list = await api.ok("GET", path);
    expect(list.items).toHaveLength(1);
  });

  it("with a key twice has the last value, and a warning with the line, or is refused when strict", async () => {
    const body = 'metadata:\n  name: a\n  unheardOf: 1\ndata:\n  k: "1"\n  k: "2"\n  "k": "3"\n';
    const texts = ['line 6: key "k" already set in map', 'line 7: key "k" already set in map'];
    const warned = await post(body, "?dryRun=All");
    expect([warned.status, warned.object.data]).toEqual([201, { k: "3" }]);
    expect(warned.warnings).toEqual([...texts, 'unknown field "metadata.unheardOf"']);
    expect((await post(body, "?dryRun=All&fieldValidation=Ignore")).warnings).toEqual([]);
    const strict = await post(body, "?fieldValidation=Strict");
    expect(strict.object).toMatchObject({
      code: 400,
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n' +
        `  ${texts.join("\n  ")}, unknown field "metadata.unheardOf"`,
    });
  });
});

describe("a body that is none", () => {
  const path = "/api/v1/namespaces/default/configmaps";
  const noVersion = "couldn't get version/kind; json parse error: ";
  const meta =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  const noMeta = (what: string): string => `json: cannot unmarshal ${what} into Go value of type ${meta}`;

  it.each([
    ["", "unexpected end of JSON input", "<empty>"],
    ["{", "unexpected end of JSON input", "{"],
    ["[]", noMeta("array"), "5b5d"],
    ["true", noMeta("bool"), "74727565"],
    ['{"kind":"ConfigMap"} x', "invalid character 'x' after top-level value", '{"kind":"ConfigMap"} x'],
  ])("%j is told with its beginning", async (body, fault, shown) => {
    const text = `the object provided is unrecognized (must be of type ConfigMap): ${noVersion}${fault} (${shown})`;
    for (const [method, target] of [
      ["POST", path],
      ["PUT", `${path}/a`],
    ] as const)
      expect((await api.call(method, target, { body })).object).toMatchObject({ code: 400, message: text });
  });

  it("of a deletion is told without", async () => {
    const { object } = await api.call("DELETE", `${path}/a`, { body: "{" });
    expect(object).toMatchObject({ code: 400, message: `${noVersion}unexpected end of JSON input` });
  });

  it("is an object without members when it is null", async () => {
    const { object } = await api.call("POST", path, { body: "null" });
    expect(object.message).toBe(
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    );
  });

  it("of a patch is told by its type, after what is missing", async () => {
    const patch = (name: string, contentType: string, body: string) =>
      api.call("PATCH", `${path}/${name}`, { contentType, body });
    expect((await patch("none", merge, "{")).status).toBe(404);
    await api.ok("POST", path, { body: { metadata: { name: "a" } } });
    const strategic = "application/strategic-merge-patch+json";
    const noMap = "json: cannot unmarshal array into Go value of type map[string]interface {}";
    for (const [contentType, body, message] of [
      [merge, "{", "error decoding patch: unexpected end of JSON input"],
      [merge, "", "error decoding patch: unexpected end of JSON input"],
      [merge, "[]", `error decoding patch: ${noMap}`],
      [merge, "null", "Invalid JSON Patch"],
      [strategic, "a", "invalid character 'a' looking for beginning of value"],
      [strategic, "[]", noMap],
    ] as const)
      expect((await patch("a", contentType, body)).object).toMatchObject({ code: 400, message });
    expect((await patch("a", strategic, "null")).status).toBe(200);
    const wrong = await patch("a", strategic, '{"data":{"a":5}}');
    expect(wrong.object.message).toBe(
      ' "" is invalid: patch: Invalid value: "map[data:map[a:5]]": cannot convert int64 to string',
    );
  });
});

it("unknown fields of a patched object are told in the order of its members", async () => {
  const one = { name: "main", image: "i", b: 1 };
  const containers = [one, ...Array.from({ length: 10 }, (_, at) => ({ name: `c${at}`, image: "i", a: 1 }))];
  await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
  const body = { spec: { z: 1, template: { spec: { containers, colour: 1 } } } };
  const { warnings } = await api.call("PATCH", `${ds}/agent`, { contentType: merge, body });
  const inList = containers.map((_, at) => `spec.template.spec.containers[${at}].${at === 0 ? "b" : "a"}`);
  expect(warnings).toEqual(
    ["spec.template.spec.colour", ...inList, "spec.z"].map((path) => `unknown field "${path}"`),
  );
});

describe("an object that is another", () => {
  const path = "/api/v1/namespaces/default/configmaps";
  it("is told by a PUT as upstream's store does, and by a create while it goes", async () => {
    const metadata = { name: "a", finalizers: ["example.com/hold"] };
    const { metadata: made } = await api.ok("POST", path, { body: { metadata } });
    const put = await api.call("PUT", `${path}/a`, { body: { metadata: { ...metadata, uid: "other" } } });
    expect(put.object).toMatchObject({
      code: 409,
      message:
        'Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: ' +
        "/registry/configmaps/default/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: " +
        `UID in precondition: other, UID in object meta: ${made.uid}`,
    });
    const create = async (): Promise<string> =>
      (await api.call("POST", path, { body: { metadata } })).object.message;
    expect(await create()).toBe('configmaps "a" already exists');
    await api.ok("DELETE", `${path}/a`);
    expect(await create()).toBe('object is being deleted: configmaps "a" already exists');
  });
});

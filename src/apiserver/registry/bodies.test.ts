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

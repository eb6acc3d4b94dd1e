/**
 * Upstream's unit cases of the DaemonSet and ControllerRevision API, over the real server: validation on create and
 * update, defaults, and the cases of storage_test.go.
 * Not here: tables of single rules that need no server (api/apps/daemonset/validation.test.ts).
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TestApiServer } from "../testing/test-api-server.ts";

const ds = "/apis/apps/v1/namespaces/default/daemonsets";
const revisions = "/apis/apps/v1/namespaces/default/controllerrevisions";

interface Cause {
  readonly field: string;
}

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

interface Input {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly [more: string]: unknown };
  readonly spec: { readonly template: object; readonly [more: string]: unknown };
}

/** A valid one, with parts of it replaced. */
function daemonSet(
  change: { readonly metadata?: object; readonly spec?: object; readonly podSpec?: object } = {},
): Input {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "abc", ...change.metadata },
    spec: {
      selector: { matchLabels: { a: "b" } },
      template: template(change.podSpec),
      updateStrategy: { type: "OnDelete" },
      ...change.spec,
    },
  };
}

function template(podSpec: object = {}): object {
  return {
    metadata: { labels: { a: "b" } },
    spec: { containers: [{ name: "abc", image: "image" }], ...podSpec },
  };
}

/** Fields that the server finds fault with. */
function fieldsOf(object: { readonly details?: { readonly causes?: readonly Cause[] } }): string[] {
  return (object.details?.causes ?? []).map(({ field }) => field);
}

describe("TestValidateDaemonSet", () => {
  it.each([
    ["the plainest", daemonSet()],
    ["a name with digits and a dash", daemonSet({ metadata: { name: "abc-123" } })],
    [
      "host network with host port",
      daemonSet({
        podSpec: {
          hostNetwork: true,
          containers: [
            {
              name: "abc",
              image: "image",
              ports: [{ containerPort: 12345, hostPort: 12345, protocol: "TCP" }],
            },
          ],
        },
      }),
    ],
  ])("TestValidateDaemonSet, success: %s", async (_name, body) => {
    expect((await api.call("POST", ds, { body })).status).toBe(201);
  });

  it.each([
    ["empty name", daemonSet({ metadata: { name: "" } }), ["metadata.name"]],
    [
      "invalid label",
      daemonSet({ metadata: { labels: { "NoUppercaseOrSpecialCharsLike=Equals": "b" } } }),
      ["metadata.labels"],
    ],
    [
      "invalid annotation",
      daemonSet({ metadata: { annotations: { "NoUppercaseOrSpecialCharsLike=Equals": "b" } } }),
      ["metadata.annotations"],
    ],
    [
      "invalid label of the template",
      daemonSet({
        spec: {
          selector: { matchLabels: { "Bad=Key": "b" } },
          template: { ...template(), metadata: { labels: { "Bad=Key": "b" } } },
        },
      }),
      ["spec.selector.matchLabels", "spec.template.labels"],
    ],
    ["nil selector", daemonSet({ spec: { selector: null } }), ["spec.template.metadata.labels"]],
    ["empty selector", daemonSet({ spec: { selector: {} } }), ["spec.selector"]],
    [
      "selector does not match",
      daemonSet({ spec: { selector: { matchLabels: { c: "d" } } } }),
      ["spec.template.metadata.labels"],
    ],
    [
      "missing template",
      daemonSet({ spec: { template: {} } }),
      ["spec.template.metadata.labels", "spec.template.spec.containers"],
    ],
    [
      "restartPolicy OnFailure",
      daemonSet({ podSpec: { restartPolicy: "OnFailure" } }),
      ["spec.template.spec.restartPolicy"],
    ],
    [
      "restartPolicy Never",
      daemonSet({ podSpec: { restartPolicy: "Never" } }),
      ["spec.template.spec.restartPolicy"],
    ],
    [
      "ephemeral containers",
      daemonSet({ podSpec: { ephemeralContainers: [{ name: "debug", image: "image" }] } }),
      ["spec.template.spec.ephemeralContainers"],
    ],
    [
      "unknown strategy",
      daemonSet({ spec: { updateStrategy: { type: "Random" } } }),
      ["spec.updateStrategy"],
    ],
  ])("TestValidateDaemonSet, errors: %s", async (_name, body, fields) => {
    const refused = await api.call("POST", ds, { body });
    expect(refused.object).toMatchObject({ code: 422, reason: "Invalid" });
    expect(new Set(fieldsOf(refused.object))).toEqual(new Set(fields));
  });

  it("TestValidateDaemonSet, errors: missing namespace", async () => {
    expect((await api.call("POST", "/apis/apps/v1/daemonsets", { body: daemonSet() })).status).toBe(405);
  });
});

describe("TestValidateDaemonSetUpdate", () => {
  const annotation = "deprecated.daemonset.template.generation";
  const image = (name: string): object => ({
    template: template({ containers: [{ name: "abc", image: name }] }),
  });

  it.each([
    ["no change", {}, 1, "1"],
    ["template only", { template: template({ nodeSelector: { c: "d" } }) }, 2, "2"],
    ["image", image("image2"), 2, "2"],
    ["strategy", { updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2 } } }, 2, "1"],
    [
      "template semantically equal",
      { template: template({ nodeSelector: {}, tolerations: [], volumes: [] }) },
      1,
      "1",
    ],
  ])("TestValidateDaemonSetUpdate, success: %s", async (_name, spec, generation, templateGeneration) => {
    await api.ok("POST", ds, { body: daemonSet() });
    const updated = await api.ok("PUT", `${ds}/abc`, { body: daemonSet({ spec }) });
    expect(updated.metadata.generation).toBe(generation);
    expect(updated.metadata.annotations[annotation]).toBe(templateGeneration);
  });

  it.each([
    [
      "selector and template together",
      {
        selector: { matchLabels: { x: "y" } },
        template: { ...template(), metadata: { labels: { x: "y" } } },
      },
      ["spec.selector"],
    ],
    [
      "invalid selector",
      { selector: { matchLabels: { a: "b" }, matchExpressions: [{ key: "a", operator: "In", values: [] }] } },
      ["spec.selector", "spec.selector.matchExpressions[0].values"],
    ],
    ["invalid pod template", { template: template({ containers: [] }) }, ["spec.template.spec.containers"]],
    ["unknown strategy", { updateStrategy: { type: "Random" } }, ["spec.updateStrategy"]],
    [
      "restartPolicy OnFailure",
      { template: template({ restartPolicy: "OnFailure" }) },
      ["spec.template.spec.restartPolicy"],
    ],
  ])("TestValidateDaemonSetUpdate, errors: %s", async (_name, spec, fields) => {
    await api.ok("POST", ds, { body: daemonSet() });
    const refused = await api.call("PUT", `${ds}/abc`, { body: daemonSet({ spec }) });
    expect(refused.object).toMatchObject({ code: 422, reason: "Invalid" });
    expect(new Set(fieldsOf(refused.object))).toEqual(new Set(fields));
  });

  it("TestValidateDaemonSetUpdate, errors: name changed", async () => {
    await api.ok("POST", ds, { body: daemonSet() });
    const refused = await api.call("PUT", `${ds}/abc`, { body: daemonSet({ metadata: { name: "other" } }) });
    expect(refused.object).toMatchObject({ code: 400, reason: "BadRequest" });
  });

  it("TestSelectorImmutability: a changed selector is told so in upstream's words", async () => {
    await api.ok("POST", ds, { body: daemonSet() });
    const spec = {
      selector: { matchLabels: { a: "b", c: "d" } },
      template: { ...template(), metadata: { labels: { a: "b", c: "d" } } },
    };
    const refused = await api.call("PUT", `${ds}/abc`, { body: daemonSet({ spec }) });
    expect(refused.object.message).toMatch(
      /^DaemonSet\.apps "abc" is invalid: spec\.selector: Invalid value: .*: field is immutable$/,
    );
  });
});

describe("TestSetDefaultDaemonSetSpec", () => {
  const rolling = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } };
  it.each([
    ["everything empty", { updateStrategy: undefined }, rolling, 10],
    [
      "labels given",
      { updateStrategy: undefined, template: { ...template(), metadata: { labels: { a: "b", c: "d" } } } },
      rolling,
      10,
    ],
    ["an explicit limit", { updateStrategy: undefined, revisionHistoryLimit: 60_000 }, rolling, 60_000],
    ["OnDelete", { updateStrategy: { type: "OnDelete" } }, { type: "OnDelete" }, 10],
  ])("TestSetDefaultDaemonSetSpec: %s", async (_name, spec, updateStrategy, revisionHistoryLimit) => {
    const made = await api.ok("POST", ds, { body: daemonSet({ spec }) });
    expect(made.spec).toMatchObject({ updateStrategy, revisionHistoryLimit });
    expect(made.spec.updateStrategy).toEqual(updateStrategy);
    expect(made.spec.template.spec).toMatchObject({
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      schedulerName: "default-scheduler",
      terminationGracePeriodSeconds: 30,
    });
    expect(made.metadata.labels).toBeUndefined();
  });
});

describe("TestValidateControllerRevision", () => {
  const revision = (change: object = {}): object => ({
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: { name: "validname" },
    data: { spec: {} },
    revision: 0,
    ...change,
  });

  it.each([
    ["valid", {}, 201, []],
    ["zero name", { metadata: { name: "" } }, 422, ["metadata.name"]],
    ["invalid name", { metadata: { name: "NAME" } }, 422, ["metadata.name"]],
    ["no data", { data: undefined }, 422, ["data"]],
    ["negative revision", { revision: -1 }, 422, ["revision"]],
  ])("TestValidateControllerRevision: %s", async (_name, change, status, fields) => {
    const answer = await api.call("POST", revisions, { body: revision(change) });
    expect([answer.status, fieldsOf(answer.object)]).toEqual([status, fields]);
  });

  it.each([
    ["labels and number", { metadata: { name: "validname", labels: { a: "b" } }, revision: 7 }, 200, []],
    ["other data", { data: { spec: { x: 1 } } }, 422, ["data"]],
    ["negative revision", { revision: -1 }, 422, ["revision"]],
  ])("TestValidateControllerRevisionUpdate: %s", async (_name, change, status, fields) => {
    await api.ok("POST", revisions, { body: revision() });
    const answer = await api.call("PUT", `${revisions}/validname`, { body: revision(change) });
    expect([answer.status, fieldsOf(answer.object)]).toEqual([status, fields]);
  });
});

it("storage: Create, Get, List, Update, Delete of a DaemonSet", async () => {
  const made = await api.ok("POST", ds, { body: daemonSet() });
  expect(await api.ok("GET", `${ds}/abc`)).toEqual(made);
  expect((await api.ok("GET", ds)).items).toHaveLength(1);
  const updated = await api.ok("PUT", `${ds}/abc`, {
    body: { ...made, spec: { ...made.spec, minReadySeconds: 3 } },
  });
  expect(updated.spec.minReadySeconds).toBe(3);
  await api.ok("DELETE", `${ds}/abc?propagationPolicy=Background`);
  expect((await api.call("GET", `${ds}/abc`)).status).toBe(404);
});

it.each([
  ["labelSelector=a%3Db", true],
  ["labelSelector=a%3Dc", false],
  ["fieldSelector=metadata.name%3Dabc", true],
  ["fieldSelector=metadata.name%3Dxyz", false],
])("storage: Watch of DaemonSets with %s", async (query, isSeen) => {
  const watch = await api.watch(`${ds}?watch=true&${query}`);
  await api.ok("POST", ds, { body: daemonSet({ metadata: { labels: { a: "b" } } }) });
  await api.clock.advance(0);
  expect(watch.events.map(({ type, object }) => [type, object.metadata.name])).toEqual(
    isSeen ? [["ADDED", "abc"]] : [],
  );
  watch.stop();
});

it("storage: UpdateStatus ignores what else the request changes", async () => {
  const made = await api.ok("POST", ds, { body: daemonSet() });
  const status = { ...made.status, numberReady: 4 };
  const body = { ...made, spec: { ...made.spec, minReadySeconds: 9 }, status };
  const updated = await api.ok("PUT", `${ds}/abc/status`, { body });
  expect(updated.status.numberReady).toBe(4);
  expect(updated.spec).toEqual(made.spec);
});

describe("annotations of ours", () => {
  const warning =
    'metadata.annotations[lares.dev/max-unreachable]: "some" is neither a number from 0 on nor a percentage up to 100%; every unreachable node uses up maxUnavailable';
  const annotated = (value: string | null): object => ({
    metadata: { annotations: { "lares.dev/max-unreachable": value } },
  });
  const patch = (path: string, body: object): Promise<{ readonly warnings: readonly string[] }> =>
    api.call("PATCH", path, { body, contentType: "application/merge-patch+json" });

  it("one that cannot be read is taken, with a warning whenever it is written, not at other writes", async () => {
    const body = daemonSet(annotated("some"));
    expect(await api.call("POST", ds, { body })).toMatchObject({ status: 201, warnings: [warning] });
    const told = [];
    for (const value of ["10%", "some", null])
      told.push((await patch(`${ds}/abc`, annotated(value))).warnings);
    expect(told).toEqual([[], [warning], []]);
    await patch(`${ds}/abc`, annotated("some"));
    expect((await patch(`${ds}/abc/status`, { status: { numberReady: 1 } })).warnings).toEqual([]);
    expect((await patch(`${ds}/abc`, { spec: { minReadySeconds: 3 } })).warnings).toEqual([warning]);
  });
});

/** What upstream's router refuses before a request is read: methods, types of bodies, forms of answers; in its words. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Method } from "../machinery/index.ts";
import { type CallOptions, TestApiServer } from "../testing/test-api-server.ts";
import { widgetResource } from "../testing/widget.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const widgets = "/apis/example.com/v1/namespaces/default/widgets";

let api: TestApiServer;
beforeAll(async () => {
  api = await TestApiServer.start();
  await api.server.resources.change({ add: [widgetResource] });
  await api.ok("POST", maps, { body: { metadata: { name: "a" } } });
});
afterAll(() => api.stop());

const noMethod = "the server does not allow this method on the requested resource";
const types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const notAcceptable = `406: Not Acceptable\n\nAvailable representations: ${types}`;
const listTypes = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
const onlyTypes = `only the following media types are accepted: ${types}`;
const partial = (as: string): string => `application/json;as=${as};g=meta.k8s.io;v=v1`;

type Row = readonly [Method, string, CallOptions, number, string, object | undefined];

test.each<Row>([
  ["PUT", maps, {}, 405, noMethod, {}],
  ["POST", `${maps}/a`, {}, 405, noMethod, {}],
  ["HEAD", maps, {}, 405, noMethod, {}],
  ["OPTIONS", `${maps}/a`, {}, 405, noMethod, {}],
  ["DELETE", "/api/v1/namespaces", {}, 405, noMethod, {}],
  ["GET", "/api/v1/namespaces/default/finalize", {}, 405, noMethod, {}],
  ["DELETE", "/apis/apps/v1/namespaces/default/daemonsets/x/status", {}, 405, noMethod, {}],
  [
    "DELETE",
    `${widgets}/a/status`,
    {},
    405,
    'delete is not supported on resources of kind "widgets.example.com"',
    { group: "example.com", kind: "widgets" },
  ],
  ["GET", `${maps}/a`, { accept: "application/*" }, 406, notAcceptable, {}],
  ["GET", `${maps}/a`, { accept: "text/html" }, 406, notAcceptable, {}],
  ["GET", maps, { accept: "application/xml" }, 406, `${notAcceptable}, ${listTypes}`, {}],
  ["GET", `${maps}?watch=1`, { accept: "application/xml" }, 406, `${notAcceptable}, ${listTypes}`, {}],
  ["POST", maps, { accept: "application/xml", body: {} }, 406, notAcceptable, {}],
  ["GET", `${maps}/a`, { accept: "application/json;as=Chair;g=meta.k8s.io;v=v1" }, 406, onlyTypes, undefined],
  [
    "GET",
    `${maps}/a`,
    { accept: partial("PartialObjectMetadataList") },
    406,
    "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)",
    undefined,
  ],
  [
    "GET",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    { accept: partial("PartialObjectMetadata") },
    406,
    "you requested PartialObjectMetadata, but the requested object is a list (*rbac.RoleList)",
    undefined,
  ],
  [
    "GET",
    widgets,
    { accept: partial("PartialObjectMetadata") },
    406,
    "you requested PartialObjectMetadata, but the requested object is a list (*unstructured.UnstructuredList)",
    undefined,
  ],
  [
    "PATCH",
    `${maps}/a`,
    { contentType: "application/json", body: {} },
    415,
    "415: Unsupported Media Type",
    {},
  ],
  ["PATCH", `${maps}/none`, { body: {} }, 415, "415: Unsupported Media Type", {}],
  [
    "PATCH",
    `${maps}/a`,
    { contentType: "Application/Merge-Patch+json", body: {} },
    415,
    "415: Unsupported Media Type",
    {},
  ],
])("%s %s %j: %i", async (method, target, options, code, message, details) => {
  const { status, object } = await api.call(method, target, options);
  expect([status, object.message, object.details]).toEqual([code, message, details]);
});

test("a type among others is enough, and so is a star", async () => {
  for (const accept of ["text/html, application/json;q=0.1", "*/*", "application/json;pretty=1"])
    expect((await api.call("GET", `${maps}/a`, { accept })).status).toBe(200);
  const contentType = "application/merge-patch+json; charset=utf-8";
  expect((await api.call("PATCH", `${maps}/a`, { contentType, body: {} })).status).toBe(200);
});

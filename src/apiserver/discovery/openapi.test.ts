/** OpenAPI endpoints: the small v2, the v3 index and documents with their caching rules. */
import { expect, it } from "vitest";
import type { Kind } from "../../api/index.ts";
import { SimulatedClock } from "../../base/index.ts";
import type { CallHead, ApiReply } from "../../machinery/index.ts";
import type { ServedKinds } from "./document.ts";
import { createOpenApi } from "./openapi.ts";

const clock = new SimulatedClock(Date.parse("2026-01-01T00:00:00Z"));

const kindOf = (group: string, version: string, resource: string): Kind =>
  ({ resource: { group, version, resource, kind: "", namespaced: true } }) as unknown as Kind;
const entryOf = (group: string, version: string, resource: string): ServedKinds["all"][number] => {
  const kind = kindOf(group, version, resource);
  return { kind, definition: { kind } };
};
const served: ServedKinds = { all: [entryOf("", "v1", "pods"), entryOf("apps", "v1", "daemonsets")] };

function callTo(url: string, more: Partial<CallHead> = {}): CallHead {
  const [path = "", query = ""] = url.split("?");
  const { signal } = new AbortController();
  return { method: "GET", path, query: [...new URLSearchParams(query)], signal, ...more };
}

/** Documents tell the group, and what is served of it. */
function make(of: ServedKinds = served): {
  readonly built: string[];
  ask(path: string, more?: Partial<CallHead>): ApiReply | undefined;
} {
  const built: string[] = [];
  const openApi = createOpenApi({
    served: of,
    document: (own) => {
      const { group, version } = own[0]!.kind.resource;
      built.push(`${group}/${version}`);
      return {
        openapi: "3.0.0",
        info: { title: group },
        names: own.map(({ kind }) => kind.resource.resource),
      };
    },
    clock,
  });
  return { built, ask: (url, more = {}) => openApi(callTo(url, more)) };
}

function bytes(reply: ApiReply | undefined): Buffer {
  if (reply?.body.as !== "bytes") throw new Error("no document");
  return Buffer.from(reply.body.bytes());
}

it("v2 is 21 bytes of protobuf for kubectl, JSON for others", () => {
  const { ask } = make();
  const binary = ask("/openapi/v2", { accept: "application/com.github.proto-openapi.spec.v2@v1.0+protobuf" });
  expect(binary?.contentType).toBe("application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  expect(bytes(binary).toString("hex")).toBe("0a03322e30120a0a01781205302e302e3042004a00");
  expect(bytes(binary)).toHaveLength(21);
  expect(
    ask("/openapi/v2", { ifNoneMatch: binary!.headers!["etag"]!, accept: binary!.contentType })?.status,
  ).toBe(304);
  const plain = ask("/openapi/v2", { accept: "application/json, */*" });
  expect(plain?.contentType).toBe("application/json");
  expect(JSON.parse(bytes(plain).toString())).toMatchObject({ swagger: "2.0", paths: {}, definitions: {} });
  expect(ask("/openapi/v2", { accept: "text/html" })?.status).toBe(406);
});

it("the v3 index names every document with its hash; each is built once, when first needed", () => {
  const { ask, built } = make();
  expect(built).toEqual([]);
  const { paths } = JSON.parse(bytes(ask("/openapi/v3")).toString()) as {
    paths: Record<string, { serverRelativeURL: string }>;
  };
  expect(Object.keys(paths)).toEqual(["api/v1", "apis/apps/v1"]);
  const url = paths["apis/apps/v1"]!.serverRelativeURL;
  expect(url).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{64}$/);
  const first = bytes(ask(url));
  expect(JSON.parse(first.toString())).toMatchObject({ openapi: "3.0.0", info: { title: "apps" } });
  ask("/openapi/v3");
  ask(url);
  expect(built).toHaveLength(2);
});

it("a document under its hash may be kept for a year; a stale hash is sent on; without one it is revalidated", () => {
  const { ask } = make();
  const plain = ask("/openapi/v3/api/v1")!;
  const etag = plain.headers!["etag"]!;
  expect(plain.headers!["cache-control"]).toBeUndefined();
  const hashed = ask(`/openapi/v3/api/v1?hash=${etag.slice(1, -1)}&timeout=32s`)!;
  expect(hashed.headers).toMatchObject({
    etag,
    "cache-control": "public, immutable",
    expires: "Fri, 01 Jan 2027 00:00:00 GMT",
  });
  const stale = ask("/openapi/v3/api/v1?hash=OLD")!;
  expect([stale.status, stale.headers!["location"]]).toEqual([
    301,
    `/openapi/v3/api/v1?hash=${etag.slice(1, -1)}`,
  ]);
  expect(ask("/openapi/v3/api/v1", { ifNoneMatch: etag })?.status).toBe(304);
});

it("paths without a document are for others to refuse", () => {
  const { ask } = make();
  for (const path of ["/openapi/v3/apis/none/v1", "/openapi/v4", "/openapi"]) {
    expect([path, ask(path)]).toEqual([path, undefined]);
  }
});

it("without documents there is no v3 at all, so that clients fall back to v2", () => {
  const openApi = createOpenApi({ served, document: undefined, clock });
  expect(openApi(callTo("/openapi/v3"))).toBeUndefined();
  expect(openApi(callTo("/openapi/v2"))?.status).toBe(200);
});

it("what is served may change; only documents of group versions that changed are built again", () => {
  const changing = { all: served.all };
  const { ask, built } = make(changing);
  const index = (): string[] =>
    Object.keys((JSON.parse(bytes(ask("/openapi/v3")).toString()) as { paths: object }).paths);
  const names = (path: string): string[] =>
    (JSON.parse(bytes(ask(`/openapi/v3/${path}`)).toString()) as { names: string[] }).names;
  expect(index()).toEqual(["api/v1", "apis/apps/v1"]);
  expect(built.splice(0)).toEqual(["/v1", "apps/v1"]);
  changing.all = [...served.all, entryOf("apps", "v1", "widgets"), entryOf("example.com", "v1", "gadgets")];
  expect(index()).toEqual(["api/v1", "apis/apps/v1", "apis/example.com/v1"]);
  expect(names("apis/apps/v1")).toEqual(["daemonsets", "widgets"]);
  expect(built.splice(0)).toEqual(["apps/v1", "example.com/v1"]);
  changing.all = served.all;
  expect(names("apis/apps/v1")).toEqual(["daemonsets"]);
  expect(ask("/openapi/v3/apis/example.com/v1")).toBeUndefined();
  expect(index()).toEqual(["api/v1", "apis/apps/v1"]);
  expect(built).toEqual(["apps/v1"]);
});

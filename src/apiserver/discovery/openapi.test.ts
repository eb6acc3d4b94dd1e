/** OpenAPI endpoints: the small v2, the v3 index and documents with their caching rules. */
import { expect, it } from "vitest";
import { SimulatedClock } from "../../base/index.ts";
import type { ApiCall, ApiReply } from "../../machinery/index.ts";
import { createOpenApi } from "./openapi.ts";

const clock = new SimulatedClock(Date.parse("2026-01-01T00:00:00Z"));

function make(): {
  readonly built: string[];
  ask(path: string, more?: Partial<ApiCall>): ApiReply | undefined;
} {
  const built: string[] = [];
  const openApi = createOpenApi({
    groupVersions: [
      { group: "", version: "v1" },
      { group: "apps", version: "v1" },
      { group: "metrics.k8s.io", version: "v1beta1" },
    ],
    document: (group, version) => {
      built.push(`${group}/${version}`);
      return group === "metrics.k8s.io" ? undefined : { openapi: "3.0.0", info: { title: group } };
    },
    clock,
  });
  return {
    built,
    ask: (url, more = {}) => {
      const [path = "", query = ""] = url.split("?");
      return openApi({
        method: "GET",
        path,
        query: [...new URLSearchParams(query)],
        user: { username: "u", groups: [] },
        signal: new AbortController().signal,
        ...more,
      });
    },
  };
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
  expect(JSON.parse(first.toString())).toEqual({ openapi: "3.0.0", info: { title: "apps" } });
  ask("/openapi/v3");
  ask(url);
  expect(built).toHaveLength(3);
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
  for (const path of [
    "/openapi/v3/apis/none/v1",
    "/openapi/v3/apis/metrics.k8s.io/v1beta1",
    "/openapi/v4",
    "/openapi",
  ]) {
    expect([path, ask(path)]).toEqual([path, undefined]);
  }
});

it("without documents there is no v3 at all, so that clients fall back to v2", () => {
  const openApi = createOpenApi({ groupVersions: [], document: () => undefined, clock });
  const user = { username: "u", groups: [] };
  const call = { method: "GET", query: [], user, signal: new AbortController().signal } as const;
  expect(openApi({ ...call, path: "/openapi/v3" })).toBeUndefined();
  expect(openApi({ ...call, path: "/openapi/v2" })?.status).toBe(200);
});

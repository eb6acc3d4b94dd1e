/** What a call asks for: the facts of upstream's table, and where ours differs (docs/designs/0007-one-request-chain.md). */
import { describe, expect, it } from "vitest";
import type { Method } from "./call.ts";
import { type RequestInfo, requestInfoOf } from "./request-info.ts";

function infoOf(method: Method, target: string): RequestInfo {
  const [path = "", search = ""] = target.split("?");
  return requestInfoOf({ method, path, query: [...new URLSearchParams(search)] });
}

const core = { isResourceRequest: true, apiPrefix: "api", apiGroup: "", apiVersion: "v1" } as const;
const apps = { isResourceRequest: true, apiPrefix: "apis", apiGroup: "apps", apiVersion: "v1" } as const;
const inA = { namespace: "a", isInNamespace: true } as const;
const pod = { ...core, ...inA, resource: "pods", name: "p" } as const;

describe("a path of a resource", () => {
  const cases: readonly (readonly [Method, string, Partial<RequestInfo>])[] = [
    ["GET", "/api/v1/pods", { ...core, verb: "list", resource: "pods", namespace: "", parts: ["pods"] }],
    ["HEAD", "/api/v1/pods/", { ...core, verb: "list", resource: "pods" }],
    ["GET", "/api/v1/nodes/n", { ...core, verb: "get", resource: "nodes", name: "n" }],
    ["PUT", "/api/v1/nodes/n/status", { ...core, verb: "update", name: "n", subresource: "status" }],
    ["POST", "/apis/apps/v1/namespaces/a/daemonsets", { ...apps, ...inA, verb: "create", name: "" }],
    ["PATCH", "/api/v1/namespaces/a/pods/p", { ...pod, verb: "patch", parts: ["pods", "p"] }],
    ["DELETE", "/api/v1/namespaces/a/pods/p", { ...pod, verb: "delete" }],
    ["DELETE", "/api/v1/namespaces/a/pods", { ...core, ...inA, verb: "deletecollection" }],
    ["OPTIONS", "/api/v1/namespaces/a/pods/p", { ...pod, verb: "" }],
    ["GET", "/api/v1/namespaces", { ...core, verb: "list", resource: "namespaces", namespace: "" }],
    [
      "GET",
      "/api/v1/namespaces/a",
      { ...core, verb: "get", resource: "namespaces", name: "a", namespace: "a", isInNamespace: false },
    ],
    ["PUT", "/api/v1/namespaces/a/finalize", { resource: "namespaces", name: "a", subresource: "finalize" }],
    ["GET", "/api/v1/namespaces/status/pods", { namespace: "status", resource: "pods", name: "" }],
    ["GET", "/api/v1/namespaces/a/namespaces/a", { ...core, ...inA, resource: "namespaces", name: "a" }],
    [
      "POST",
      "/api/v1/namespaces/a/pods/p/proxy/deep/er",
      { ...pod, subresource: "proxy", parts: ["pods", "p", "proxy", "deep", "er"] },
    ],
    ["GET", "/api/v1/nodes/a%3Ab", { name: "a:b", path: "/api/v1/nodes/a%3Ab" }],
    ["GET", "/api/v1/nodes/a%2Fb", { name: "a/b", subresource: "" }],
  ];
  it.each(cases)("%s %s", (method, target, expected) => {
    expect(infoOf(method, target)).toMatchObject(expected);
  });
});

describe("a path of no resource", () => {
  it.each([
    ["", ""],
    ["/", ""],
    ["/healthz", ""],
    ["/metrics/x/y", ""],
    ["/apifoo/v1/pods", ""],
    ["api/v1/pods", ""],
    ["//api/v1/pods", ""],
    ["/api", "api"],
    ["/api/v1", "api"],
    ["/api/v1/", "api"],
    ["/api/v1/pods//x", "api"],
    ["/api//pods", "api"],
    ["/apis/apps/v1", "apis"],
    ["/apis/apps/v1/", "apis"],
    ["/apis//v1/pods", "apis"],
  ] as const)("%j", (path, apiPrefix) => {
    expect(infoOf("POST", path)).toMatchObject({ isResourceRequest: false, path, verb: "post", apiPrefix });
    expect(infoOf("GET", `${path}?watch=true`)).toMatchObject({ verb: "get", resource: "", parts: [] });
  });
});

describe("a query", () => {
  it.each([
    ["", "list"],
    ["?watch=true", "watch"],
    ["?watch", "watch"],
    ["?watch=", "watch"],
    ["?watch=x", "watch"],
    ["?watch=1&watch=0", "watch"],
    ["?watch=0&watch=1", "list"],
    ["?watch=False", "list"],
  ])("%j makes a read of a collection a %s", (search, verb) => {
    expect(infoOf("GET", `/api/v1/pods${search}`).verb).toBe(verb);
    expect(infoOf("GET", `/api/v1/nodes/n${search}`).verb).toBe("get");
    expect(infoOf("POST", `/api/v1/nodes${search}`).verb).toBe("create");
  });

  it.each([
    ["metadata.name=n", "n"],
    ["metadata.name==n,spec.nodeName=x", "n"],
    ["spec.nodeName=x,metadata.name=n", "n"],
    ["metadata.name!=n", ""],
    ["metadata.name=..", ""],
    ["metadata.name=a/b", ""],
    ["metadata.name=n,foo", ""],
    ["spec.nodeName=metadata.name", ""],
  ])("with fieldSelector %j names %j", (fieldSelector, name) => {
    const search = `?fieldSelector=${encodeURIComponent(fieldSelector)}&labelSelector=a`;
    for (const verb of ["list", "watch"]) {
      const info = infoOf("GET", `/api/v1/pods${search}&watch=${verb === "watch"}`);
      expect(info).toMatchObject({ verb, name, fieldSelector, labelSelector: "a", parts: ["pods"] });
    }
    const deletion = infoOf("DELETE", `/api/v1/pods${search}`);
    expect(deletion).toMatchObject({ verb: "deletecollection", name: "", fieldSelector, labelSelector: "a" });
    expect(infoOf("GET", `/api/v1/nodes/x${search}`)).toMatchObject({ name: "x", fieldSelector: "" });
  });
});

describe("a verb in the path", () => {
  const watch = { verb: "watch", isVerbInPath: true, isLongRunning: true } as const;
  const proxy = { verb: "proxy", isVerbInPath: true, isLongRunning: true } as const;
  const cases: readonly (readonly [Method, string, Partial<RequestInfo>])[] = [
    ["GET", "/api/v1/watch/pods", { ...core, ...watch, resource: "pods", parts: ["pods"], name: "" }],
    ["POST", "/apis/apps/v1/watch/namespaces/a/daemonsets/d", { ...apps, ...watch, ...inA, name: "d" }],
    ["GET", "/api/v1/watch/pods?fieldSelector=metadata.name=p", { ...watch, name: "", fieldSelector: "" }],
    [
      "GET",
      "/api/v1/proxy/namespaces/a/pods/p/deep/er",
      { ...pod, ...proxy, subresource: "", parts: ["pods", "p", "deep", "er"] },
    ],
    ["GET", "/api/v1/watch", { ...core, verb: "list", resource: "watch", isVerbInPath: false }],
    ["GET", "/api/v1/pods/watch", { ...core, verb: "get", resource: "pods", name: "watch" }],
  ];
  it.each(cases)("%s %s", (method, target, expected) => {
    expect(infoOf(method, target)).toMatchObject(expected);
  });
});

describe("long-running", () => {
  it.each([
    ["GET", "/api/v1/pods?watch=true", true],
    ["HEAD", "/api/v1/pods?watch=true", true],
    ["GET", "/api/v1/namespaces/a/pods/p/log", true],
    ["POST", "/api/v1/namespaces/a/pods/p/exec", true],
    ["GET", "/api/v1/namespaces/a/pods/p/attach", true],
    ["POST", "/api/v1/namespaces/a/pods/p/portforward", true],
    ["GET", "/api/v1/namespaces/a/services/s/proxy/deep/er", true],
    ["GET", "/api/v1/namespaces/a/pods/log", false],
    ["GET", "/api/v1/namespaces/pods/configmaps/exec", false],
    ["GET", "/api/v1/namespaces/a/pods/p?watch=true", false],
    ["POST", "/api/v1/namespaces/a/pods?watch=true", false],
    ["GET", "/healthz?watch=true", false],
    ["GET", "/apis?watch=true", false],
    ["GET", "/pods/log", false],
  ] as const)("%s %s: %s", (method, target, isLongRunning) => {
    expect(infoOf(method, target).isLongRunning).toBe(isLongRunning);
  });
});

it("refuses broken escapes where a resource is named, and nowhere else", () => {
  expect(() => infoOf("GET", "/api/v1/nodes/%zz")).toThrow('invalid URL escape "%zz"');
  expect(infoOf("GET", "/%zz")).toMatchObject({ isResourceRequest: false, path: "/%zz" });
});

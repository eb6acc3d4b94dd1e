/** Discovery from a small kind table: both forms, revalidation, content types. */
import { describe, expect, it } from "vitest";
import type { Kind } from "../../api/index.ts";
import type { CallHead, ApiReply } from "../../machinery/index.ts";
import { createDiscovery } from "./discovery.ts";

const base = {
  shortNames: [],
  categories: [],
  subresources: [],
  hasGeneration: false,
  hasStatusSubresource: false,
  allowsUnconditionalUpdate: true,
  allowsCreateOnUpdate: false,
  deleteReturnsObject: false,
  schema: "",
  rules: {},
} as const;

const kinds: readonly Kind[] = [
  {
    ...base,
    resource: { group: "", version: "v1", resource: "pods", kind: "Pod", namespaced: true },
    singular: "pod",
    shortNames: ["po"],
    categories: ["all"],
    verbs: ["get", "list"],
    subresources: [
      { name: "log", kind: "Pod", verbs: ["get"] },
      { name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
    ],
  },
  {
    ...base,
    resource: { group: "apps", version: "v1", resource: "daemonsets", kind: "DaemonSet", namespaced: true },
    singular: "daemonset",
    shortNames: ["ds"],
    verbs: ["get", "watch"],
    subresources: [{ name: "status", kind: "DaemonSet", verbs: ["get", "patch"] }],
  },
  {
    ...base,
    resource: { group: "apps", version: "v1beta1", resource: "old", kind: "Old", namespaced: false },
    singular: "old",
    verbs: ["get"],
  },
];

const served = { all: kinds.map((kind) => ({ kind, definition: { kind } })) };
const discovery = createDiscovery({ served, serverAddress: "127.0.0.1:6443", otherPaths: ["/version"] });

function callTo(path: string, more: Partial<CallHead> = {}): CallHead {
  return { method: "GET", path, query: [], signal: new AbortController().signal, ...more };
}

function ask(path: string, more: Partial<CallHead> = {}): ApiReply | undefined {
  return discovery(callTo(path, more));
}

function content(reply: ApiReply | undefined): unknown {
  if (reply?.body.as !== "bytes") throw new Error(`no document: ${JSON.stringify(reply)}`);
  return JSON.parse(Buffer.from(reply.body.bytes()).toString("utf8"));
}

const v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const v2beta1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

describe("the aggregated form", () => {
  it("is given in the first version asked for, under exactly that content type", () => {
    expect(ask("/apis", { accept: `${v2},${v2beta1},application/json` })?.contentType).toBe(v2);
    expect(ask("/apis", { accept: `${v2beta1},application/json` })?.contentType).toBe(v2beta1);
    const v3 = v2.replace("v=v2", "v=v3");
    expect(ask("/apis", { accept: `${v3},${v2beta1},application/json` })?.contentType).toBe(v2beta1);
    expect(ask("/apis", { accept: `${v3},application/json` })?.contentType).toBe("application/json");
  });

  it("holds the core group under /api and the others under /apis, preferred version first", () => {
    expect(content(ask("/api", { accept: v2 }))).toEqual({
      kind: "APIGroupDiscoveryList",
      apiVersion: "apidiscovery.k8s.io/v2",
      metadata: {},
      items: [
        {
          metadata: {},
          versions: [
            {
              version: "v1",
              freshness: "Current",
              resources: [
                {
                  resource: "pods",
                  responseKind: { group: "", version: "v1", kind: "Pod" },
                  scope: "Namespaced",
                  singularResource: "pod",
                  verbs: ["get", "list"],
                  shortNames: ["po"],
                  categories: ["all"],
                  subresources: [
                    {
                      subresource: "log",
                      responseKind: { group: "", version: "v1", kind: "Pod" },
                      verbs: ["get"],
                    },
                    {
                      subresource: "eviction",
                      responseKind: { group: "policy", version: "v1", kind: "Eviction" },
                      verbs: ["create"],
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
    const others = content(ask("/apis", { accept: v2beta1 })) as {
      items: { metadata: object; versions: { version: string }[] }[];
    };
    expect(others).toMatchObject({
      apiVersion: "apidiscovery.k8s.io/v2beta1",
      items: [{ metadata: { name: "apps" } }],
    });
    expect(others.items[0]!.versions.map(({ version }) => version)).toEqual(["v1", "v1beta1"]);
    expect(others).toMatchObject({ items: [{ versions: [{}, { resources: [{ scope: "Cluster" }] }] }] });
  });

  it("is revalidated by ETag, one for each form", () => {
    const first = ask("/apis", { accept: v2 })!;
    const etag = first.headers!["etag"]!;
    expect(etag).toMatch(/^"[0-9A-F]{64}"$/);
    expect(first.headers!["vary"]).toBe("Accept");
    expect(ask("/apis", { accept: v2, ifNoneMatch: etag })?.status).toBe(304);
    expect(ask("/apis", { accept: v2, ifNoneMatch: `"x", W/${etag}` })?.status).toBe(304);
    expect(ask("/apis", { accept: v2beta1, ifNoneMatch: etag })?.status).toBe(200);
    expect(ask("/api", { accept: v2, ifNoneMatch: etag })?.status).toBe(200);
  });
});

describe("the legacy form", () => {
  it("lists versions, groups and resources", () => {
    expect(content(ask("/api"))).toEqual({
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "127.0.0.1:6443" }],
    });
    const apps = {
      name: "apps",
      versions: [
        { groupVersion: "apps/v1", version: "v1" },
        { groupVersion: "apps/v1beta1", version: "v1beta1" },
      ],
      preferredVersion: { groupVersion: "apps/v1", version: "v1" },
    };
    expect(content(ask("/apis", { accept: "application/json, */*" }))).toEqual({
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: [apps],
    });
    expect(content(ask("/apis/apps/"))).toEqual({ kind: "APIGroup", apiVersion: "v1", ...apps });
    expect(content(ask("/api/v1"))).toEqual({
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: "v1",
      resources: [
        {
          name: "pods",
          singularName: "pod",
          namespaced: true,
          kind: "Pod",
          verbs: ["get", "list"],
          shortNames: ["po"],
          categories: ["all"],
        },
        { name: "pods/log", singularName: "", namespaced: true, kind: "Pod", verbs: ["get"] },
        {
          name: "pods/eviction",
          singularName: "",
          namespaced: true,
          group: "policy",
          version: "v1",
          kind: "Eviction",
          verbs: ["create"],
        },
      ],
    });
    expect(content(ask("/apis/apps/v1"))).toMatchObject({ groupVersion: "apps/v1" });
    expect(content(ask("/"))).toEqual({
      paths: ["/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/apis/apps/v1beta1", "/version"],
    });
  });

  it("leaves to others what it does not know", () => {
    for (const path of [
      "/apis/none",
      "/apis/apps/v9",
      "/api/v2",
      "/api/v1/pods",
      "/apis/",
      "/x",
      "/apis/apps/v1/x",
      "/apis//v1",
    ]) {
      expect([path, ask(path) === undefined]).toEqual([path, path !== "/apis/"]);
    }
    expect(ask("/apis", { method: "POST" })).toBeUndefined();
    expect(ask("/apis", { accept: "application/yaml" })?.status).toBe(406);
    expect(ask("/api/v1", { accept: "text/html" })?.status).toBe(406);
  });
});

it("what is served may change; documents of before are forgotten", () => {
  const changing = { all: served.all };
  const discover = createDiscovery({ served: changing, serverAddress: "127.0.0.1:6443" });
  const paths = (): unknown => content(discover(callTo("/")));
  const groups = (): unknown =>
    (content(discover(callTo("/apis"))) as { groups: { name: string }[] }).groups.map(({ name }) => name);
  const before = paths();
  expect(groups()).toEqual(["apps"]);
  const [kind] = kinds;
  const widgets = { ...kind!, resource: { ...kind!.resource, group: "example.com", resource: "widgets" } };
  changing.all = [...served.all, { kind: widgets, definition: { kind: widgets } }];
  expect(groups()).toEqual(["apps", "example.com"]);
  expect(content(discover(callTo("/apis/example.com/v1")))).toMatchObject({
    resources: [{ name: "widgets" }, { name: "widgets/log" }, { name: "widgets/eviction" }],
  });
  changing.all = served.all;
  expect(groups()).toEqual(["apps"]);
  expect(paths()).toEqual(before);
  expect(discover(callTo("/apis/example.com/v1"))).toBeUndefined();
});

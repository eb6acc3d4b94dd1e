/** The seven shapes of resource paths, and what is none. */
import { expect, it } from "vitest";
import { routeOf } from "./routes.ts";

const resource = (route: object): object => ({ shape: "resource", ...route });
const other = { shape: "other" };
const core = { group: "", version: "v1" };
const apps = { group: "apps", version: "v1" };

const paths: readonly (readonly [path: string, route: object])[] = [
  ["/api/v1/pods", resource({ ...core, resource: "pods" })],
  ["/api/v1/pods/", resource({ ...core, resource: "pods" })],
  ["/api/v1/nodes/n1", resource({ ...core, resource: "nodes", name: "n1" })],
  ["/api/v1/nodes/n1/status", resource({ ...core, resource: "nodes", name: "n1", subresource: "status" })],
  ["/apis/apps/v1/daemonsets", resource({ ...apps, resource: "daemonsets" })],
  ["/apis/apps/v1/namespaces/a/daemonsets", resource({ ...apps, namespace: "a", resource: "daemonsets" })],
  ["/api/v1/namespaces/a/pods/p", resource({ ...core, namespace: "a", resource: "pods", name: "p" })],
  [
    "/api/v1/namespaces/a/pods/p/log",
    resource({ ...core, namespace: "a", resource: "pods", name: "p", subresource: "log" }),
  ],
  ["/api/v1/namespaces", resource({ ...core, resource: "namespaces" })],
  ["/api/v1/namespaces/a", resource({ ...core, resource: "namespaces", name: "a" })],
  [
    "/api/v1/namespaces/a/finalize",
    resource({ ...core, resource: "namespaces", name: "a", subresource: "finalize" }),
  ],
  ["/api/v1/namespaces/status/pods", resource({ ...core, namespace: "status", resource: "pods" })],
  ["/api/v1/nodes/a%3Ab", resource({ ...core, resource: "nodes", name: "a:b" })],
  ["/api/v1", other],
  ["/apis", other],
  ["/apis/apps/v1", other],
  ["/healthz", other],
  ["/api/v1/pods//x", other],
  ["/api/v1/namespaces/a/pods/p/proxy/deeper", other],
];

for (const [path, route] of paths) {
  it(`reads ${path}`, () => {
    expect(routeOf(path)).toEqual(route);
  });
}

it("refuses broken escapes", () => {
  expect(() => routeOf("/api/v1/nodes/%zz")).toThrow('invalid URL escape "%zz"');
});

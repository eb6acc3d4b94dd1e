/** RequestInfo of any text, and of paths whose parts are known. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Method } from "./call.ts";
import { requestInfoOf } from "./request-info.ts";
import { resourcePath } from "./resource.ts";
import { statusOf } from "./status.ts";

const method = fc.constantFrom<Method>("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
const word = fc.constantFrom(
  "api",
  "apis",
  "v1",
  "namespaces",
  "watch",
  "proxy",
  "status",
  "log",
  "",
  "%",
  "%2F",
);
const path = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.oneof(word, fc.string())).map((words) => `/${words.join("/")}`),
);
const query = fc.array(
  fc.tuple(fc.constantFrom("watch", "fieldSelector", "labelSelector", "x"), fc.string()),
);

test("any call has a RequestInfo or is refused with 400", () => {
  fc.assert(
    fc.property(method, path, query, (method, path, query) => {
      try {
        const info = requestInfoOf({ method, path, query });
        expect(info.path).toBe(path);
        expect(info.isResourceRequest).toBe(info.parts.length > 0);
        expect(info.parts).not.toContain("");
        expect(info.resource).toBe(info.parts[0] ?? "");
        if (!info.isResourceRequest) expect(info.isLongRunning).toBe(false);
      } catch (error) {
        expect(statusOf(error).code).toBe(400);
      }
    }),
  );
});

/** Any text that a path can hold, the words of the grammar too. */
const name = fc.oneof(word, fc.string({ unit: "grapheme" })).filter((text) => text !== "");
/** Of a resource as it may be called: lower case, and none of the words that stand in its place. */
const plural = fc
  .stringMatching(/^[a-z]{1,12}$/)
  .filter((text) => !/^(watch|proxy|namespaces|status|finalize)$/.test(text));

test("a path gives the parts that it was made of", () => {
  const address = fc.record({
    group: fc.oneof(fc.constant(""), fc.stringMatching(/^[a-z][a-z.]{0,20}$/)),
    version: fc.stringMatching(/^v[1-9][a-z0-9]{0,6}$/),
    resource: plural,
    namespace: fc.option(name, { nil: "" }),
    name: fc.option(name, { nil: "" }),
    subresource: fc.option(plural, { nil: "" }),
  });
  fc.assert(
    fc.property(address, ({ group, version, resource, namespace, name, subresource }) => {
      const sub = name === "" ? "" : subresource;
      const path = resourcePath(
        { group, version, resource, kind: "Kind", namespaced: namespace !== "" },
        {
          ...(namespace === "" ? {} : { namespace }),
          ...(name === "" ? {} : { name }),
          ...(sub === "" ? {} : { subresource: sub }),
        },
      );
      expect(requestInfoOf({ method: "POST", path, query: [] })).toMatchObject({
        isResourceRequest: true,
        apiPrefix: group === "" ? "api" : "apis",
        apiGroup: group,
        apiVersion: version,
        resource,
        namespace,
        isInNamespace: namespace !== "",
        name,
        subresource: sub,
        parts: [resource, ...(name === "" ? [] : [name]), ...(sub === "" ? [] : [sub])],
      });
    }),
  );
});

/** When the body of a request is fetched. */
import { expect, it } from "vitest";
import { tooManyRequests } from "../../machinery/index.ts";
import { alice, connectionCall, requestOf, work } from "../../testing/calls.ts";
import { withBody } from "./body.ts";

const bytes = new Uint8Array([1, 2]);

it("a body on the wire is there when the work begins", async () => {
  const { next, requests } = work();
  const call = connectionCall("POST /api/v1/pods", {}, { readBody: async () => bytes });
  await withBody(next)(requestOf(call, alice));
  expect(requests[0]?.body).toBe(bytes);
});

it("a body that is there already passes at once", () => {
  const { next, requests } = work();
  const body = { kind: "Pod" };
  void withBody(next)(requestOf(connectionCall("POST /api/v1/pods", {}, { body }), alice));
  expect(requests[0]?.body).toBe(body);
});

it("the body of a path that is no resource is left where it is", async () => {
  const { next, requests } = work();
  const readBody = (): never => expect.unreachable("read");
  await withBody(next)(requestOf(connectionCall("POST /version", {}, { readBody }), alice));
  expect(requests[0]?.body).toBeUndefined();
});

it("a body that cannot be read refuses the request", async () => {
  const { next, requests } = work();
  const readBody = (): Promise<never> => Promise.reject(tooManyRequests("full"));
  const request = requestOf(connectionCall("POST /api/v1/pods", {}, { readBody }), alice);
  await expect(withBody(next)(request)).rejects.toMatchObject({ status: { code: 429 } });
  expect(requests).toEqual([]);
});

/** Endpoints: ports are TCP unless they say otherwise. */
import { expect, test } from "vitest";
import { decoded, metadata } from "../../testing/kind-fixtures.ts";
import type { Endpoints } from "../generated/types.gen.ts";

test("protocol", () => {
  const subsets = [{ ports: [{ port: 80 }, { port: 53, protocol: "UDP" }] }];
  const object = decoded<Endpoints>("core.v1.Endpoints", { metadata, subsets });
  expect(object.subsets?.[0]?.ports?.map(({ protocol }) => protocol)).toEqual(["TCP", "UDP"]);
});

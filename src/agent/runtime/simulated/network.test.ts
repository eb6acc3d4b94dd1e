/** Addresses of simulated machines and pods. */
import { expect, test } from "vitest";
import { indexOfPodCidr, podCidrOf, podIpOf } from "./network.ts";

test("networks of nodes are distinct and lead back to the index", () => {
  const seen = new Set<string>();
  for (let index = 0; index < 20_000; index++) {
    const cidr = podCidrOf(index);
    seen.add(cidr);
    expect(indexOfPodCidr(cidr)).toBe(index);
  }
  expect(seen.size).toBe(20_000);
  expect(podCidrOf(0)).toBe("10.244.0.0/24");
  expect(podIpOf(0, 0)).toBe("10.244.0.2");
  expect(indexOfPodCidr("192.168.0.0/24")).toBeUndefined();
});

/** Pull policies. */
import { expect, test } from "vitest";
import { defaultPullPolicy } from "./images.ts";

test.each([
  ["nginx", "Always"],
  ["nginx:latest", "Always"],
  ["nginx:1.2", "IfNotPresent"],
  ["registry.example:5000/nginx", "Always"],
  ["registry.example:5000/a/b:v1", "IfNotPresent"],
  ["nginx@sha256:abc", "IfNotPresent"],
  ["nginx:latest@sha256:abc", "Always"],
  ["Not An Image", "IfNotPresent"],
  ["", "IfNotPresent"],
])("pull policy of %j is %s", (image, expected) => {
  expect(defaultPullPolicy(image)).toBe(expected);
});

/** Which images a simulated runtime can pull, and what it says of the others. */
import { describe, expect, test } from "vitest";
import { pullErrorOf } from "./images.ts";

const notFound = (full: string): string =>
  `rpc error: code = NotFound desc = failed to pull and unpack image "${full}": failed to resolve reference "${full}": ${full}: not found`;
const noHost = (full: string, url: string, host: string): string =>
  `failed to pull and unpack image "${full}": failed to resolve reference "${full}": failed to do request: Head "${url}": dial tcp: lookup ${host}: no such host`;

test.each<[image: string, error: string | undefined]>([
  ["httpd:2.4", undefined],
  ["httpd", undefined],
  ["example.test/invalid:1", undefined],
  ["example.test/non-existent:1", undefined],
  ["foo:non-existent", notFound("docker.io/library/foo:non-existent")],
  ["team/foo:nonexistent", notFound("docker.io/team/foo:nonexistent")],
  ["localhost/foo:does-not-exist", notFound("localhost/foo:does-not-exist")],
  ["registry.example:5000/a/b:non-existent", notFound("registry.example:5000/a/b:non-existent")],
  ["foo:non-existent@sha256:abc", undefined],
  [
    "registry.invalid/web:1",
    noHost("registry.invalid/web:1", "https://registry.invalid/v2/web/manifests/1", "registry.invalid"),
  ],
  [
    "registry.invalid:5000/web",
    noHost(
      "registry.invalid:5000/web:latest",
      "https://registry.invalid:5000/v2/web/manifests/latest",
      "registry.invalid",
    ),
  ],
  [
    "registry.invalid/web@sha256:abc",
    noHost(
      "registry.invalid/web@sha256:abc",
      "https://registry.invalid/v2/web/manifests/sha256:abc",
      "registry.invalid",
    ),
  ],
])("%s", (image, error) => {
  expect(pullErrorOf(image)).toBe(error);
});

describe("an annotation names images", () => {
  test.each<[missing: string[], image: string, isMissing: boolean]>([
    [["web:2"], "web:2", true],
    [["web:2"], "web:20", false],
    [["web:2", "db:*"], "db:9", true],
    [["web:*"], "myweb:1", false],
    [["*:broken"], "quay.io/team/app:broken", true],
    [["quay.io/*/app:*-rc*"], "quay.io/team/app:2-rc1", true],
    [["quay.io/*/app:*-rc*"], "quay.io/team/app:2", false],
    [["ab*ba"], "aba", false],
    [["web:*a*a*"], "web:ab", false],
    [["web:*a*a*"], "web:aba", true],
    [["*"], "anything", true],
    [["a.c"], "abc", false],
  ])("%j: %s", (missing, image, isMissing) => {
    expect(pullErrorOf(image, missing) !== undefined).toBe(isMissing);
  });

  test("a pattern that is made to be slow is not", () => {
    const image = `${"a".repeat(200)}b`;
    expect(pullErrorOf(image, [`${"a*".repeat(100)}c`])).toBeUndefined();
  });
});

/** Rules for names, labels and keys, with upstream's error texts. */
import { describe, expect, it } from "vitest";
import {
  configMapKeyErrors,
  dns1035LabelErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  labelValueErrors,
  percentErrors,
  portNameErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from "./names.ts";

describe("names", () => {
  const subdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
  const labelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

  it("reports errors with upstream's texts", () => {
    expect(dnsSubdomainErrors("a.b-c")).toEqual([]);
    expect(dnsSubdomainErrors("A")).toEqual([subdomainText]);
    expect(dnsSubdomainErrors("a".repeat(254))).toEqual(["must be no more than 253 characters"]);
    expect(dnsLabelErrors("a_b")).toEqual([labelText]);
    expect(dnsLabelErrors("")).toEqual([labelText]);
    expect(dnsLabelErrors("a.b")).toEqual(["must not contain dots"]);
    expect(dnsLabelErrors("a".repeat(64))).toEqual(["must be no more than 63 characters"]);
    expect(dns1035LabelErrors("1a")[0]).toMatch(
      /^a DNS-1035 label must .*'\[a-z\]\(\[-a-z0-9\]\*\[a-z0-9\]\)\?'\)$/,
    );
    expect(qualifiedNameErrors("example.com/a_B.c")).toEqual([]);
    expect(qualifiedNameErrors("/a")).toEqual(["prefix part must be non-empty"]);
    expect(qualifiedNameErrors("A/a")).toEqual([`prefix part ${subdomainText}`]);
    expect(qualifiedNameErrors("a/b/c")).toHaveLength(1);
    expect(qualifiedNameErrors("")[0]).toBe("name part must be non-empty");
    expect(qualifiedNameErrors("a".repeat(64))).toEqual(["name part must be no more than 63 bytes"]);
    expect(labelValueErrors("")).toEqual([]);
    expect(labelValueErrors("a/b")).toHaveLength(1);
    expect(labelValueErrors("a".repeat(64))).toEqual(["must be no more than 63 bytes"]);
    expect(configMapKeyErrors("a.b_c")).toEqual([]);
    expect(configMapKeyErrors("..")).toEqual(["must not be '..'"]);
    expect(configMapKeyErrors("..a")).toEqual(["must not start with '..'"]);
    expect(configMapKeyErrors("a/b")).toHaveLength(1);
    expect(portNameErrors("http")).toEqual([]);
    expect(portNameErrors("1--")).toHaveLength(3);
    expect(portNumberErrors(0)).toEqual(["must be between 1 and 65535, inclusive"]);
    expect(portNumberErrors(65535)).toEqual([]);
    expect(percentErrors("10%")).toEqual([]);
    expect(percentErrors("10")).toEqual([
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ]);
  });
});

/** The authority and its certificates as files: made once, kept, renewed, refused when damaged. */
import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SimulatedClock } from "../../base/index.ts";
import { certificates } from "./certificates.ts";

const dayMs = 24 * 3600 * 1000;
let dir: string;
let clock: SimulatedClock;
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), "lares-pki-")), "pki");
  clock = new SimulatedClock();
});
afterEach(() => rm(join(dir, ".."), { recursive: true, force: true }));

it("are made at first start, private, by one authority, with the names that clients use", async () => {
  const made = await certificates({ dir, extraHosts: ["lares.example", "10.0.0.7"] }, { clock });
  expect((await readdir(dir)).sort()).toEqual([
    "admin.crt",
    "admin.key",
    "ca.crt",
    "ca.key",
    "server.crt",
    "server.key",
  ]);
  for (const file of await readdir(dir)) expect((await stat(join(dir, file))).mode & 0o777).toBe(0o600);
  const ca = new X509Certificate(made.caCert);
  const server = new X509Certificate(made.server.cert);
  const admin = new X509Certificate(made.admin.cert);
  expect(ca.ca).toBe(true);
  expect(server.ca).toBe(false);
  for (const certificate of [ca, server, admin]) {
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(BigInt(`0x${certificate.serialNumber}`) > 0n).toBe(true);
  }
  expect(server.checkIssued(ca)).toBe(true);
  for (const host of ["localhost", "kubernetes.default.svc.cluster.local", "lares.example"])
    expect(server.checkHost(host)).toBe(host);
  for (const address of ["127.0.0.1", "::1", "10.0.0.7"]) expect(server.checkIP(address)).toBe(address);
  expect(admin.subject).toBe("O=system:masters\nCN=kubernetes-admin");
  expect(server.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  expect(admin.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  const days = (certificate: X509Certificate): number =>
    Math.round((Date.parse(certificate.validTo) - clock.nowMs()) / dayMs);
  expect([days(ca), days(server), days(admin)]).toEqual([3650, 365, 365]);
});

it("are kept by later starts, and renewed when little time is left or the hosts have changed", async () => {
  const first = await certificates({ dir }, { clock });
  const second = await certificates({ dir }, { clock });
  expect([second.caCert, second.server, second.admin]).toEqual([first.caCert, first.server, first.admin]);
  const other = await certificates({ dir, extraHosts: ["other"] }, { clock });
  expect(other.caCert).toBe(first.caCert);
  expect(other.admin).toEqual(first.admin);
  expect(new X509Certificate(other.server.cert).checkHost("other")).toBe("other");
  const fewer = await certificates({ dir }, { clock });
  expect(new X509Certificate(fewer.server.cert).checkHost("other")).toBeUndefined();
  await clock.advance(336 * dayMs);
  const renewed = await certificates({ dir }, { clock });
  expect(renewed.caCert).toBe(first.caCert);
  expect(renewed.server.cert).not.toBe(fewer.server.cert);
  expect(renewed.admin.cert).not.toBe(first.admin.cert);
});

it("for clients carry name and groups, and stay the same until these change", async () => {
  const { client } = await certificates({ dir }, { clock });
  const identity = { user: "system:kube-scheduler", groups: ["a", "b"] };
  const first = await client(identity);
  expect(new X509Certificate(first.cert).subject).toBe("O=a\nO=b\nCN=system:kube-scheduler");
  expect(await client(identity)).toEqual(first);
  expect(await readdir(dir)).toContain("system-kube-scheduler.crt");
  expect((await client({ ...identity, groups: ["a"] })).cert).not.toBe(first.cert);
});

it("an interrupted first start or a lost leaf is made good", async () => {
  const first = await certificates({ dir }, { clock });
  await rm(join(dir, "server.crt"));
  expect((await certificates({ dir }, { clock })).caCert).toBe(first.caCert);
  await writeFile(join(dir, "admin.key"), first.server.key);
  const repaired = await certificates({ dir }, { clock });
  expect(
    new X509Certificate(repaired.admin.cert).checkPrivateKey(
      (await import("node:crypto")).createPrivateKey(repaired.admin.key),
    ),
  ).toBe(true);
  for (const file of ["ca.crt", "server.crt", "server.key", "admin.crt", "admin.key"])
    await rm(join(dir, file));
  expect((await certificates({ dir }, { clock })).caCert).not.toBe(first.caCert);
});

it("a damaged or lost file is named with a way out, and nothing is overwritten", async () => {
  const first = await certificates({ dir }, { clock });
  const expectRefusal = async (file: string, content: string | undefined, problem: string): Promise<void> => {
    const path = join(dir, file);
    const good = await readFile(path, "utf8");
    if (content === undefined) await rm(path);
    else await writeFile(path, content);
    const error = await certificates({ dir }, { clock }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "CertificateError", file: path });
    expect(String(error)).toContain(problem);
    expect(String(error)).toMatch(/delete .* start again|backup/);
    await writeFile(path, good);
  };
  await expectRefusal("ca.crt", "rubbish", "holds no certificate");
  await expectRefusal("ca.key", "", "holds no private key");
  await expectRefusal("ca.key", undefined, "is missing");
  await expectRefusal("ca.crt", undefined, "is missing");
  await expectRefusal("ca.key", first.server.key, "does not belong");
  await expectRefusal("ca.crt", first.server.cert, "is no certificate authority");
  await expectRefusal("server.crt", first.server.cert.slice(0, 200), "holds no certificate");
  await expectRefusal("server.key", "-----BEGIN PRIVATE KEY-----\n", "holds no private key");
  expect((await certificates({ dir }, { clock })).server).toEqual(first.server);
  await clock.advance(3651 * dayMs);
  await expect(certificates({ dir }, { clock })).rejects.toThrow("ca.crt has expired");
});

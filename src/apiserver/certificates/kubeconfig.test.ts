/** Writing a kubeconfig: alone, beside others, never over what is not understood. */
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parse } from "yaml";
import { writeKubeconfig } from "./kubeconfig.ts";

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lares-kubeconfig-"));
  path = join(dir, "deep", "config");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const options = { server: "https://127.0.0.1:6443", caCert: "CA\n", user: { cert: "CERT\n", key: "KEY\n" } };
const ours = {
  cluster: {
    name: "lares",
    cluster: { server: "https://127.0.0.1:6443", "certificate-authority-data": "Q0EK" },
  },
  user: { name: "lares", user: { "client-certificate-data": "Q0VSVAo=", "client-key-data": "S0VZCg==" } },
  context: { name: "lares", context: { cluster: "lares", user: "lares" } },
};

it("makes a private file, and leaves it alone when nothing changes", async () => {
  await writeKubeconfig({ path, ...options });
  expect(parse(await readFile(path, "utf8"))).toEqual({
    apiVersion: "v1",
    kind: "Config",
    preferences: {},
    clusters: [ours.cluster],
    users: [ours.user],
    contexts: [ours.context],
    "current-context": "lares",
  });
  const { mode, ino } = await stat(path);
  expect(mode & 0o777).toBe(0o600);
  await writeKubeconfig({ path, ...options });
  expect((await stat(path)).ino).toBe(ino);
});

it("keeps other clusters, comments and order, and replaces its own entries", async () => {
  path = join(dir, "config");
  const other =
    "# mine\napiVersion: v1\nkind: Config\nclusters:\n- name: lares\n  cluster: {server: 'https://old'}\n- name: prod # dear\n  cluster:\n    server: https://prod\n" +
    "users: null\ncontexts:\n- name: prod\n  context: {cluster: prod, user: prod}\ncurrent-context: prod\n";
  await writeFile(path, other);
  await writeKubeconfig({ path, ...options });
  const text = await readFile(path, "utf8");
  expect(text).toContain("# mine");
  expect(text).toContain("# dear");
  expect(parse(text)).toEqual({
    apiVersion: "v1",
    kind: "Config",
    clusters: [ours.cluster, { name: "prod", cluster: { server: "https://prod" } }],
    users: [ours.user],
    contexts: [{ name: "prod", context: { cluster: "prod", user: "prod" } }, ours.context],
    "current-context": "lares",
  });
});

it("follows links", async () => {
  const real = join(dir, "real");
  await writeFile(real, "");
  await symlink(real, join(dir, "link"));
  await writeKubeconfig({ path: join(dir, "link"), ...options });
  expect(await readFile(real, "utf8")).toContain("current-context: lares");
});

it("refuses files that are no kubeconfig, and leaves them as they are", async () => {
  path = join(dir, "config");
  for (const [content, problem] of [
    ["a: [1", "is not YAML"],
    ["- a\n- b\n", "is not a kubeconfig"],
    ["just words", "is not a kubeconfig"],
    ["clusters: {a: 1}", "has a member clusters that is no list"],
  ] as const) {
    await writeFile(path, content);
    await expect(writeKubeconfig({ path, ...options })).rejects.toThrow(`${path} ${problem}`);
    expect(await readFile(path, "utf8")).toBe(content);
  }
});

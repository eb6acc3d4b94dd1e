/** Kubeconfig: one file, several files, contexts, and clear errors. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { loadKubeconfig } from "./kubeconfig.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lares-load-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function config(user: object, cluster: object = {}, context: object = {}): string {
  return stringify({
    clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443", ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", ...context } }],
    "current-context": "x",
  });
}

async function file(name: string, content: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content);
  return path;
}

it("reads certificates from the file itself or from beside it", async () => {
  const inline = await file(
    "inline",
    config(
      { "client-certificate-data": base64("CERT"), "client-key-data": base64("KEY") },
      { "certificate-authority-data": base64("CA"), "tls-server-name": "kubernetes" },
      { namespace: "ns" },
    ),
  );
  const expected = {
    server: "https://10.0.0.1:6443",
    ca: "CA",
    cert: "CERT",
    key: "KEY",
    insecureSkipTlsVerify: false,
  };
  expect(await loadKubeconfig({ path: inline, env: {} })).toEqual({
    ...expected,
    tlsServerName: "kubernetes",
    namespace: "ns",
    context: "x",
  });
  await mkdir(join(dir, "pki"));
  for (const [name, content] of [
    ["ca", "CA"],
    ["cert", "CERT"],
    ["key", "KEY"],
  ] as const)
    await file(`pki/${name}`, content);
  const beside = await file(
    "beside",
    config(
      { "client-certificate": "pki/cert", "client-key": join(dir, "pki/key") },
      { "certificate-authority": "pki/ca", "insecure-skip-tls-verify": true },
    ),
  );
  expect(await loadKubeconfig({ path: beside, env: {} })).toEqual({
    ...expected,
    insecureSkipTlsVerify: true,
    namespace: "default",
    context: "x",
  });
});

it("reads tokens, and token files again each time", async () => {
  expect((await loadKubeconfig({ path: await file("a", config({ token: "T" })), env: {} })).token).toBe("T");
  await file("token", "one\n");
  const { token } = await loadKubeconfig({
    path: await file("b", config({ tokenFile: "token", token: "T" })),
    env: {},
  });
  const read = token as () => Promise<string>;
  expect(await read()).toBe("one");
  await file("token", "two\n");
  expect(await read()).toBe("two");
  const basic = await loadKubeconfig({
    path: await file("c", config({ username: "u", password: "p" })),
    env: {},
  });
  expect(basic.basicAuth).toEqual({ username: "u", password: "p" });
});

it("looks in $KUBECONFIG, where the first file with a name wins, then in the home directory", async () => {
  const first = await file(
    "first",
    stringify({ "current-context": "x", users: [{ name: "u", user: { token: "first" } }] }),
  );
  const second = await file("second", config({ token: "second" }));
  const env = { KUBECONFIG: `${first}:${join(dir, "missing")}:${second}` };
  expect(await loadKubeconfig({ env })).toMatchObject({ token: "first", server: "https://10.0.0.1:6443" });
  await mkdir(join(dir, ".kube"));
  await file(".kube/config", config({ token: "home" }));
  expect(await loadKubeconfig({ env: { HOME: dir } })).toMatchObject({ token: "home" });
  expect(await loadKubeconfig({ path: second, env: { HOME: dir } })).toMatchObject({ token: "second" });
});

it("refuses with file and reason what it cannot use", async () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a: [", "is not YAML"],
    ["- a", "is no kubeconfig"],
    ["{}", "has no current context"],
    [config({ exec: { command: "aws" } }), "exec plugin"],
    [config({ "auth-provider": { name: "gcp" } }), "auth-provider"],
    [config({ "client-certificate-data": base64("C") }), "only one of client certificate and client key"],
    [config({}, { server: "not a url" }), "no server address"],
    [config({}, { "proxy-url": "http://p" }), "proxy-url"],
    [config({}, { "certificate-authority": "none" }), "cannot be read"],
    [config({}, {}, { cluster: "other" }), 'names cluster "other", which is not there'],
    [config({}, {}, { user: "other" }), 'names user "other", which is not there'],
  ];
  for (const [content, problem] of cases) {
    const path = await file("case", content);
    const error = await loadKubeconfig({ path, env: {} }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "KubeconfigLoadError" });
    expect(String(error)).toContain(problem);
    expect(String(error)).toContain(path);
  }
  const good = await file("good", config({ token: "T" }));
  await expect(loadKubeconfig({ path: good, context: "y", env: {} })).rejects.toThrow('has no context "y"');
  await expect(loadKubeconfig({ path: join(dir, "none"), env: {} })).rejects.toThrow("cannot be read");
  await expect(loadKubeconfig({ env: { HOME: dir } })).rejects.toThrow("no kubeconfig found");
  const pod = { HOME: dir, KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };
  await expect(loadKubeconfig({ env: pod })).rejects.toThrow("service account");
});

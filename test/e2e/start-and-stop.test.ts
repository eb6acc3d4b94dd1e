/**
 * How `lares up` starts and stops as a process: signals, and reasons not to start. A refusal is one line with the reason and
 * one with a hint, exit code 1, no stack, and nothing is changed on disk.
 * Not here: kills (kill.test.ts).
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster } from "./cluster.ts";
import { Api } from "./https.ts";
import { type Ended, LaresProcess } from "./lares-process.ts";

/** Longest that a stop may take, in ms, when nothing delays it. */
const stopMsMax = 2_000;

let folder: string;
/** A data directory of a server that has stopped. Tests use copies. */
let proper: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lares-start-"));
  proper = join(folder, "proper");
  const cluster = await Cluster.up({ dataDir: proper });
  await cluster.end("SIGTERM");
  rmSync(cluster.home, { recursive: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function up(dataDir: string, ...args: readonly string[]): LaresProcess {
  return new LaresProcess(["up", "--port", "0", "--data-dir", dataDir, ...args], folder);
}

/** Every file below `path` with a digest of what it holds. */
function contents(path: string): readonly string[] {
  const files: string[] = [];
  const visit = (at: string): void => {
    if (!statSync(at).isDirectory()) {
      files.push(`${relative(path, at)} ${createHash("sha256").update(readFileSync(at)).digest("hex")}`);
      return;
    }
    files.push(relative(path, at));
    for (const name of readdirSync(at).sort()) visit(join(at, name));
  };
  visit(path);
  return files;
}

function expectRefused({ code, stdout, stderr }: Ended, reason: RegExp, wayOut: RegExp): void {
  const lines = stderr.split("\n");
  expect(lines, stderr).toHaveLength(3);
  expect(lines[0]).toMatch(/^lares: /);
  expect(lines[0]).toMatch(reason);
  expect(lines[1]).toMatch(/^ {7}\S/);
  expect(lines[1]).toMatch(wayOut);
  expect(stdout).toBe("");
  expect(code).toBe(1);
}

function copyOf(name: string): string {
  const copy = join(folder, name);
  cpSync(proper, copy, { recursive: true });
  return copy;
}

/** Flips bits in the middle of a stored object. */
function damage(dataDir: string): void {
  const file = join(dataDir, "store.db");
  const bytes = readFileSync(file);
  const at = bytes.lastIndexOf("kube-worker1");
  expect(at).toBeGreaterThan(0);
  bytes[at] = bytes[at]! ^ 0x55;
  writeFileSync(file, bytes);
}

describe("refuses a data directory", () => {
  test("that is damaged", async () => {
    const dataDir = copyOf("damaged");
    damage(dataDir);
    const before = contents(dataDir);
    expectRefused(
      await up(dataDir).ended(),
      /store\.db: the checksum of revision \d+ is wrong$/,
      /--data-dir, or begin anew with --fresh$/,
    );
    expect(contents(dataDir)).toEqual(before);
  });

  test("that is truncated", async () => {
    const dataDir = copyOf("cut");
    writeFileSync(join(dataDir, "store.db"), readFileSync(join(dataDir, "store.db")).subarray(0, 20_000));
    const before = contents(dataDir);
    expectRefused(await up(dataDir).ended(), /store\.db: the file is damaged$/, /--fresh$/);
    expect(contents(dataDir)).toEqual(before);
  });

  test.each([
    ["a foreign file", "SELECT 'not SQLite';", /store\.db: the file is not an SQLite database$/],
    ["an empty file", "", /store\.db: the file is empty, which a store never is$/],
  ])("with %s", async (name, text, reason) => {
    const dataDir = join(folder, name);
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, "store.db"), text);
    expectRefused(await up(dataDir).ended(), reason, /--fresh$/);
    expect(readFileSync(join(dataDir, "store.db"), "utf8")).toBe(text);
  });

  test("of a newer format", async () => {
    const dataDir = copyOf("newer");
    const file = join(dataDir, "store.db");
    const bytes = readFileSync(file);
    // The user version in SQLite's header.
    bytes.writeUInt32BE(99, 60);
    writeFileSync(file, bytes);
    const before = contents(dataDir);
    expectRefused(
      await up(dataDir).ended(),
      /was written by a newer release \(format 99, this one reads up to \d+\)$/,
      /^ +Use that release, or choose another data directory$/,
    );
    expect(contents(dataDir)).toEqual(before);
  });

  test("that is a file, or lies below one", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "mine");
    for (const path of [file, join(file, "below")]) {
      expectRefused(
        await up(path).ended(),
        /cannot write in the data directory/,
        /Make it writable or choose another one$/,
      );
    }
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  test("that another process uses, also with --fresh", async () => {
    const dataDir = copyOf("used");
    const first = up(dataDir);
    await first.says("Ctrl-C stops");
    const reason = /the data directory .* is in use by process \d+$/;
    expectRefused(await up(dataDir).ended(), reason, /Stop that process first/);
    expectRefused(await up(dataDir, "--fresh").ended(), reason, /Stop that process first/);
    const api = new Api(join(dataDir, "kubeconfig"));
    expect((await api.must("GET", "/api/v1/nodes")).items).toHaveLength(3);
    api.close();
    await first.end("SIGTERM");
  });
});

test("--fresh deletes all data, and replaces a damaged store", async () => {
  const dataDir = copyOf("fresh");
  const revisionOf = async (): Promise<number> => {
    const api = new Api(join(dataDir, "kubeconfig"));
    const { metadata } = await api.must("GET", "/api/v1/namespaces/kube-system");
    api.close();
    return Date.parse(metadata.creationTimestamp);
  };
  const before = statSync(join(dataDir, "store.db")).mtimeMs;
  damage(dataDir);
  const keep = join(dataDir, "notes.txt");
  writeFileSync(keep, "mine");
  const fresh = up(dataDir, "--fresh");
  await fresh.says("Ctrl-C stops");
  expect(await revisionOf()).toBeGreaterThanOrEqual(Math.floor(before / 1_000) * 1_000);
  expect(readFileSync(keep, "utf8")).toBe("mine");
  expect((await fresh.end("SIGTERM")).code).toBe(0);
});

describe("refuses to listen", () => {
  test("at a port that is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { readonly port: number };
    const dataDir = join(folder, "port");
    const args = ["up", "--port", String(port), "--data-dir", dataDir];
    expectRefused(
      await new LaresProcess(args, folder).ended(),
      new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken$`),
      /--port/,
    );
    expect(readdirSync(folder)).not.toContain("port");
    other.close();
  });
});

test.each([
  ["--service-cluster-ip-range", "10.0.0.0/8", "10.0.0.0/8 has more than 2^20 addresses"],
  ["--service-node-port-range", "x", "x is no range of ports such as 30000-32767"],
])("refuses %s %s, and makes nothing", async (option, value, why) => {
  const dataDir = join(folder, `ranges${option}`);
  const { code, stderr } = await up(dataDir, option, value).ended();
  expect([code, stderr]).toEqual([
    1,
    `lares: ${why}\n       see --service-cluster-ip-range and --service-node-port-range\n`,
  ]);
  expect(existsSync(dataDir)).toBe(false);
});

describe("refuses manifests", () => {
  const valid = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

  test.each([
    ["a missing file", undefined, /the path "manifest\.yaml" does not exist$/],
    ["an empty folder", null, /the folder "manifest\.yaml" has no manifest$/],
    ["an empty file", "", /no objects in manifest\.yaml$/],
    ["bad YAML", `${valid}---\n${valid} bad: [\n`, /^lares: manifest\.yaml:10: [^\n]*$/],
    ["no object", `${valid}---\n- a\n- b\n`, /manifest\.yaml:6: this document is not an object$/],
    ["no kind", `${valid}---\napiVersion: v1\n`, /manifest\.yaml:6: kind not set$/],
    [
      "an unknown kind",
      `${valid}---\napiVersion: v1\nkind: Scarecrow\nmetadata:\n  name: a\n`,
      /manifest\.yaml:6: no matches for kind "Scarecrow" in version "v1"$/,
    ],
    [
      "an alias bomb",
      `${valid}---\na: &a [1,1,1,1,1,1,1,1]\nb: &b [${"*a,".repeat(30)}*a]\nc: [${"*b,".repeat(30)}*b]\n`,
      /manifest\.yaml/,
    ],
    ["a secret tag", `${valid}data: !!js/function 'function () {}'\n`, /manifest\.yaml/],
  ] as const)("with %s", async (name, text, reason) => {
    const cwd = join(folder, `manifests ${name}`);
    mkdirSync(cwd);
    if (text === null) mkdirSync(join(cwd, "manifest.yaml"));
    else if (text !== undefined) writeFileSync(join(cwd, "manifest.yaml"), text);
    const before = contents(cwd);
    const process = new LaresProcess(["up", "--port", "0", "--data-dir", "data", "-f", "manifest.yaml"], cwd);
    expectRefused(await process.ended(), reason, /./);
    expect(contents(cwd)).toEqual(before);
  });

  test("that the server rejects, with file and field in one line", async () => {
    const file = join(folder, "replicas.yaml");
    writeFileSync(file, "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: a\nspec:\n  replicas: 3\n");
    const { code, stderr } = await up(join(folder, "refused"), "-f", file).ended();
    expect(stderr).toBe(
      `lares: ${file}:1: DaemonSet in version "v1" cannot be handled as a DaemonSet: strict decoding error: unknown field "spec.replicas"\n` +
        "       correct the manifest and try again\n",
    );
    expect(code).toBe(1);
  });
});

describe("stops", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("on %s, with watchers connected", async (signal) => {
    const dataDir = copyOf(signal);
    const lares = up(dataDir);
    await lares.says("Ctrl-C stops");
    const api = new Api(join(dataDir, "kubeconfig"));
    const watch = api.watch("/api/v1/pods?watch=1", () => {}, new AbortController().signal);
    await api.must("GET", "/api/v1/nodes");
    const startMs = performance.now();
    const { code, stderr } = await lares.end(signal);
    expect(performance.now() - startMs).toBeLessThan(stopMsMax);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    await watch;
    api.close();
    expect(readdirSync(dataDir).sort()).toEqual(["kubeconfig", "pki", "store.db", "store.lock"]);
  });

  test("on the first signal, while it still starts", async () => {
    const lares = up(join(folder, "early"), "--workers", "50");
    await lares.says("API at");
    const { code, stderr } = await lares.end("SIGTERM");
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  test("at once on a second signal, whatever delays it", async () => {
    const dataDir = copyOf("second");
    const lares = up(dataDir);
    await lares.says("Ctrl-C stops");
    const api = new Api(join(dataDir, "kubeconfig"));
    const socket = await api.socket("http/1.1");
    socket.on("error", () => {});
    const upload = "POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    await new Promise<void>((resolve) => socket.write(upload, () => resolve()));
    await api.must("GET", "/api/v1/nodes");
    api.close();
    lares.signal("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(lares.hasEnded).toBe(false);
    const startMs = performance.now();
    const { code } = await lares.end("SIGINT");
    expect(performance.now() - startMs).toBeLessThan(500);
    expect(code).toBe(130);
    socket.destroy();
  });
});

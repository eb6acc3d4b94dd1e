/**
 * Writes our cluster, user and context into a kubeconfig file, leaving everything else in it as it was, comments too.
 * Not here: reading one (client/kubeconfig.ts).
 */
import { mkdir, readFile, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { type Document, parseDocument } from "yaml";
import { writeFileAtomic } from "./atomic-file.ts";
import type { KeyPair } from "./certificates.ts";

export interface KubeconfigOptions {
  readonly path: string;
  /** `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly caCert: string;
  readonly user: KeyPair;
  /** Name of cluster, user and context. */
  readonly name?: string;
}

/** A kubeconfig that is there and cannot be understood; it is never overwritten. */
class KubeconfigError extends Error {
  readonly code = "BAD_KUBECONFIG";
  readonly file: string;

  constructor(file: string, problem: string) {
    super(`${file} ${problem}; repair it, or name another file with --kubeconfig`);
    this.name = "KubeconfigError";
    this.file = file;
  }
}

/**
 * Adds or replaces the entries called `name` (default `lares`) and makes them current. Atomic, mode 0600, links are
 * followed. Nothing is written when the file says all this already.
 * @throws KubeconfigError when the file exists and is no kubeconfig.
 */
export async function writeKubeconfig(options: KubeconfigOptions): Promise<void> {
  const path = await targetOf(options.path);
  const before = await readOrNothing(path);
  const document = parseDocument(before === undefined || before.trim() === "" ? emptyConfig : before);
  if (document.errors.length > 0)
    throw new KubeconfigError(path, `is not YAML (${firstLine(document.errors[0]!.message)})`);
  const content = document.toJS() as unknown;
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new KubeconfigError(path, "is not a kubeconfig");
  }
  const name = options.name ?? "lares";
  setNamed(document, path, { list: "clusters", name, member: "cluster", value: clusterOf(options) });
  setNamed(document, path, { list: "users", name, member: "user", value: userOf(options) });
  setNamed(document, path, {
    list: "contexts",
    name,
    member: "context",
    value: { cluster: name, user: name },
  });
  document.set("current-context", name);
  const after = document.toString({ lineWidth: 0 });
  if (after === before) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, after);
}

const emptyConfig = "apiVersion: v1\nkind: Config\npreferences: {}\nclusters: []\nusers: []\ncontexts: []\n";

function clusterOf({ server, caCert }: KubeconfigOptions): object {
  return { server, "certificate-authority-data": base64(caCert) };
}

function userOf({ user }: KubeconfigOptions): object {
  return { "client-certificate-data": base64(user.cert), "client-key-data": base64(user.key) };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

interface NamedEntry {
  readonly list: string;
  readonly name: string;
  readonly member: string;
  readonly value: object;
}

function setNamed(document: Document, path: string, { list, name, member, value }: NamedEntry): void {
  const entries = (document.toJS() as Readonly<Record<string, unknown>>)[list];
  if (entries !== undefined && entries !== null && !Array.isArray(entries)) {
    throw new KubeconfigError(path, `has a member ${list} that is no list`);
  }
  const entry = { name, [member]: value };
  const at = (entries ?? []).findIndex(
    (candidate: { readonly name?: unknown } | null) => candidate?.name === name,
  );
  if (entries === undefined || entries === null || entries.length === 0)
    document.set(list, document.createNode([entry]));
  else if (at >= 0) document.setIn([list, at], document.createNode(entry));
  else document.addIn([list], document.createNode(entry));
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}

/** Where a link leads; the path itself when there is nothing yet. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return path;
    throw error;
  }
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Reads how to reach a cluster: kubeconfig files as kubectl does ($KUBECONFIG, ~/.kube/config), or a pod's service
 * account when there is none.
 * Not here: writing one (apiserver/certificates/kubeconfig.ts), connections (http-connections.ts).
 */
import { parse } from "yaml";
import { readFile } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import type { HttpTransportOptions } from "./http-transport.ts";

export interface KubeconfigSource {
  /** An explicit file; it must exist. */
  readonly path?: string;
  readonly context?: string;
  /** The process's environment: KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST and _PORT are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Ready to be spread into the options of `httpTransport`. */
export type Connection = Pick<
  HttpTransportOptions,
  "server" | "ca" | "cert" | "key" | "tlsServerName" | "insecureSkipTlsVerify" | "token" | "basicAuth"
> & {
  /** Default namespace of the context. */
  readonly namespace: string;
  /** Context's name, or "in-cluster". */
  readonly context: string;
};

/** A kubeconfig that cannot be used; the message names the file and the fault. */
class KubeconfigLoadError extends Error {
  readonly code = "BAD_KUBECONFIG";

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "KubeconfigLoadError";
  }
}

const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount";

/** @throws KubeconfigLoadError when nothing is configured, or what is configured cannot be used. */
export async function loadKubeconfig(source: KubeconfigSource): Promise<Connection> {
  const files = candidates(source);
  const configs: Config[] = [];
  for (const file of files) {
    const config = await readConfig(file, source.path !== undefined);
    if (config !== undefined) configs.push(config);
  }
  if (configs.length === 0) {
    const inCluster = await inClusterConnection(source.env);
    if (inCluster !== undefined) return inCluster;
    throw new KubeconfigLoadError(
      `no kubeconfig found (looked at ${files.join(", ")}); name one with --kubeconfig`,
    );
  }
  return connectionOf(configs, source.context);
}

function candidates({ path, env }: KubeconfigSource): readonly string[] {
  if (path !== undefined) return [path];
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((file) => file !== "");
  return listed.length > 0 ? listed : [join(env["HOME"] ?? "/", ".kube", "config")];
}

type Json = Readonly<Record<string, unknown>>;

interface Config {
  readonly file: string;
  readonly content: Json;
}

async function readConfig(file: string, mustExist: boolean): Promise<Config | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (!mustExist && (cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new KubeconfigLoadError(`kubeconfig ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw new KubeconfigLoadError(
      `kubeconfig ${file} is not YAML: ${(cause as Error).message.split("\n", 1)[0]}`,
      { cause },
    );
  }
  if (content === null || content === undefined) return { file, content: {} };
  if (typeof content !== "object" || Array.isArray(content))
    throw new KubeconfigLoadError(`kubeconfig ${file} is no kubeconfig`);
  return { file, content: content as Json };
}

interface Entry {
  readonly value: Json;
  /** File that holds the entry: relative paths start in its folder. */
  readonly file: string;
}

/** As kubectl: the first file that has an entry of the name wins. */
function find(
  configs: readonly Config[],
  kind: "cluster" | "user" | "context",
  name: string,
): Entry | undefined {
  for (const { file, content } of configs) {
    const entries = content[`${kind}s`];
    if (!Array.isArray(entries)) continue;
    const entry = (entries as readonly (Json | null)[]).find((candidate) => candidate?.["name"] === name);
    if (entry) return { file, value: (entry[kind] ?? {}) as Json };
  }
  return undefined;
}

async function connectionOf(configs: readonly Config[], wanted: string | undefined): Promise<Connection> {
  const where = configs.map(({ file }) => file).join(", ");
  const name =
    wanted ??
    configs
      .map(({ content }) => content["current-context"])
      .find((value) => typeof value === "string" && value !== "");
  if (typeof name !== "string")
    throw new KubeconfigLoadError(`kubeconfig ${where} has no current context; name one with --context`);
  const context = find(configs, "context", name);
  if (context === undefined)
    throw new KubeconfigLoadError(`kubeconfig ${where} has no context ${JSON.stringify(name)}`);
  const clusterName = text(context.value, "cluster") ?? "";
  const cluster = find(configs, "cluster", clusterName);
  if (cluster === undefined) {
    throw new KubeconfigLoadError(
      `kubeconfig ${where}: context ${JSON.stringify(name)} names cluster ${JSON.stringify(clusterName)}, which is not there`,
    );
  }
  const userName = text(context.value, "user") ?? "";
  const user = find(configs, "user", userName);
  if (user === undefined && userName !== "") {
    throw new KubeconfigLoadError(
      `kubeconfig ${where}: context ${JSON.stringify(name)} names user ${JSON.stringify(userName)}, which is not there`,
    );
  }
  return {
    context: name,
    namespace: text(context.value, "namespace") ?? "default",
    ...(await clusterPart(cluster)),
    ...(user === undefined ? {} : await userPart(user)),
  };
}

async function clusterPart(
  cluster: Entry,
): Promise<Pick<Connection, "server" | "ca" | "tlsServerName" | "insecureSkipTlsVerify">> {
  const server = text(cluster.value, "server");
  if (server === undefined || !URL.canParse(server)) {
    throw new KubeconfigLoadError(`kubeconfig ${cluster.file}: the cluster has no server address`);
  }
  if (text(cluster.value, "proxy-url") !== undefined) {
    throw new KubeconfigLoadError(
      `kubeconfig ${cluster.file}: proxy-url is not supported; run \`kubectl proxy\` and point to it instead`,
    );
  }
  const ca = await inlineOrFile(cluster, "certificate-authority");
  const tlsServerName = text(cluster.value, "tls-server-name");
  return {
    server,
    insecureSkipTlsVerify: cluster.value["insecure-skip-tls-verify"] === true,
    ...(ca === undefined ? {} : { ca }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
  };
}

async function userPart(user: Entry): Promise<Pick<Connection, "cert" | "key" | "token" | "basicAuth">> {
  for (const plugin of ["exec", "auth-provider"]) {
    if (user.value[plugin] !== undefined && user.value[plugin] !== null) {
      throw new KubeconfigLoadError(
        `kubeconfig ${user.file}: the user signs in through ${plugin === "exec" ? "an exec plugin" : "an auth-provider"}, ` +
          "which is not supported; use a client certificate, a token, or `kubectl proxy`",
      );
    }
  }
  const cert = await inlineOrFile(user, "client-certificate");
  const key = await inlineOrFile(user, "client-key");
  if ((cert === undefined) !== (key === undefined)) {
    throw new KubeconfigLoadError(
      `kubeconfig ${user.file}: the user has only one of client certificate and client key`,
    );
  }
  const tokenFile = text(user.value, "tokenFile");
  const token =
    tokenFile === undefined ? text(user.value, "token") : tokenReader(beside(user.file, tokenFile));
  const username = text(user.value, "username");
  const password = text(user.value, "password");
  return {
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(token === undefined ? {} : { token }),
    ...(username === undefined || password === undefined ? {} : { basicAuth: { username, password } }),
  };
}

/** `NAME-data` holds base64 and wins over `NAME`, which is a path. */
async function inlineOrFile(entry: Entry, member: string): Promise<string | undefined> {
  const inline = text(entry.value, `${member}-data`);
  if (inline !== undefined) return Buffer.from(inline, "base64").toString("utf8");
  const path = text(entry.value, member);
  if (path === undefined) return undefined;
  const file = beside(entry.file, path);
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new KubeconfigLoadError(
      `kubeconfig ${entry.file}: ${member} ${file} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Reads the file each time, because tokens are replaced before they expire. The file is small and in the page cache. */
function tokenReader(file: string): () => Promise<string> {
  return async () => (await readFile(file, "utf8")).trim();
}

function beside(kubeconfig: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(kubeconfig), path);
}

function text(value: Json, member: string): string | undefined {
  const content = value[member];
  return typeof content === "string" && content !== "" ? content : undefined;
}

async function inClusterConnection(env: KubeconfigSource["env"]): Promise<Connection | undefined> {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  if (!host || !port) return undefined;
  const tokenFile = join(serviceAccountDir, "token");
  try {
    const ca = await readFile(join(serviceAccountDir, "ca.crt"), "utf8");
    const namespace = await readFile(join(serviceAccountDir, "namespace"), "utf8").catch(() => "default");
    await readFile(tokenFile, "utf8");
    const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
    return { context: "in-cluster", namespace: namespace.trim(), server, ca, token: tokenReader(tokenFile) };
  } catch (cause) {
    throw new KubeconfigLoadError(`the pod's service account cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
}

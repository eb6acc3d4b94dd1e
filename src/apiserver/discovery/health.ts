/**
 * `/livez`, `/readyz`, `/healthz` (with `?verbose`, `?exclude=`, single checks), `/version` and `/metrics`.
 * Not here: what the checks look at; main and server.ts hand them in.
 * Upstream: kubernetes v1.35, apiserver/pkg/server/healthz.
 */
import type { CallHead, ApiReply } from "../../machinery/index.ts";
import { documentOf, documentReply, isRead, textReply, trimmedPath, type Endpoint } from "./document.ts";

/** What `/version` answers; all members are strings, `major` and `minor` look like numbers. */
export interface VersionInfo {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
}

export interface HealthCheck {
  /** As shown by `?verbose` and usable as `/readyz/NAME`. */
  readonly name: string;
  /** A live check that fails means "restart me", a ready check "send me nothing yet". */
  readonly for: "live and ready" | "ready";
  /** True when all is well. Called at every request, so it must only look, never work. */
  readonly isHealthy: () => boolean;
}

export interface HealthOptions {
  readonly version: VersionInfo;
  readonly checks?: readonly HealthCheck[];
  /** Prometheus text; without it `/metrics` is not served. */
  readonly metricsText?: () => string | Promise<string>;
}

/** The API level that Lares reports, from the schemas it was built with. */
export const kubernetesVersion = { major: "1", minor: "35", gitVersion: "v1.35.0+lares" } as const;

export interface BuildInfo {
  readonly gitCommit?: string;
  readonly gitTreeState?: string;
  readonly buildDate?: string;
  /** `v20.20.2`: takes the place of Go's version. */
  readonly nodeVersion: string;
  readonly platform: string;
}

/** Fills `/version`; what a build does not know is shown as upstream's unknown values. */
export function versionInfo(build: BuildInfo): VersionInfo {
  return {
    ...kubernetesVersion,
    gitCommit: build.gitCommit ?? "unknown",
    gitTreeState: build.gitTreeState ?? "",
    buildDate: build.buildDate ?? "1970-01-01T00:00:00Z",
    goVersion: `node${build.nodeVersion.replace(/^v/, "")}`,
    compiler: "node",
    platform: build.platform,
  };
}

const ping: HealthCheck = { name: "ping", for: "live and ready", isHealthy: () => true };

/** Asked in turn by the handler; undefined for paths that are not health, version or metrics. */
export function createHealth(options: HealthOptions): Endpoint {
  const checks = [ping, ...(options.checks ?? [])];
  const version = documentOf("application/json", options.version);
  return (call) => {
    if (!isRead(call)) return undefined;
    const [, root, name, ...deeper] = trimmedPath(call.path).split("/");
    if (deeper.length > 0) return undefined;
    if (name === undefined && root === "version") return documentReply(call, version);
    if (name === undefined && root === "metrics") return metricsReply(options);
    if (root !== "livez" && root !== "readyz" && root !== "healthz") return undefined;
    const mine = checks.filter((check) => root !== "livez" || check.for === "live and ready");
    return name === undefined ? healthReply(call, root, mine) : singleReply(mine, name);
  };
}

function singleReply(checks: readonly HealthCheck[], name: string): ApiReply | undefined {
  const check = checks.find((candidate) => candidate.name === name);
  if (check === undefined) return undefined;
  return check.isHealthy()
    ? textReply(200, "ok")
    : textReply(500, "internal server error: reason withheld\n");
}

function healthReply(call: CallHead, root: string, checks: readonly HealthCheck[]): ApiReply {
  const excluded = new Set(call.query.filter(([name]) => name === "exclude").map(([, value]) => value));
  const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name));
  const lines: string[] = [];
  let failures = 0;
  for (const check of checks) {
    if (excluded.has(check.name)) lines.push(`[+]${check.name} excluded: ok`);
    else if (check.isHealthy()) lines.push(`[+]${check.name} ok`);
    else {
      failures++;
      lines.push(`[-]${check.name} failed: reason withheld`);
    }
  }
  if (unknown.length > 0) {
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(", ")}`,
    );
  }
  if (failures > 0) return textReply(500, `${lines.join("\n")}\n${root} check failed\n`);
  const isVerbose = call.query.some(([name]) => name === "verbose");
  return textReply(200, isVerbose ? `${lines.join("\n")}\n${root} check passed\n` : "ok");
}

function metricsReply({ metricsText }: HealthOptions): ApiReply | undefined {
  if (metricsText === undefined) return undefined;
  return {
    status: 200,
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    body: {
      as: "stream",
      async *chunks() {
        yield Buffer.from(await metricsText());
      },
    },
  };
}

/**
 * What the server answers outside resources: health and version, discovery, OpenAPI; put together from the kind table.
 * Not here: the documents themselves (health.ts, discovery.ts, openapi.ts).
 */
import type { Kind } from "../../api/index.ts";
import type { Clock } from "../../base/index.ts";
import { createDiscovery } from "./discovery.ts";
import type { Endpoint } from "./document.ts";
import { type BuildInfo, createHealth, type HealthCheck, versionInfo } from "./health.ts";
import { createOpenApi, type OpenApiOptions } from "./openapi.ts";

export interface EndpointsOptions {
  readonly kinds: readonly Kind[];
  /** `127.0.0.1:6443`: what legacy clients are told to use. */
  readonly serverAddress?: string;
  readonly build?: Partial<BuildInfo>;
  readonly checks: readonly HealthCheck[];
  /** Prometheus text for `/metrics`. */
  readonly metricsText?: () => string | Promise<string>;
  /** Makes the OpenAPI v3 document of a group version. */
  readonly openApiDocument?: OpenApiOptions["document"];
  readonly clock: Clock;
}

export function serverEndpoints(options: EndpointsOptions): readonly Endpoint[] {
  const { kinds, clock, checks, metricsText, openApiDocument } = options;
  const platform = `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`;
  const version = versionInfo({ nodeVersion: process.version, platform, ...options.build });
  return [
    createHealth({ version, checks, ...(metricsText === undefined ? {} : { metricsText }) }),
    createDiscovery({ kinds, serverAddress: options.serverAddress ?? "127.0.0.1:6443" }),
    createOpenApi({
      groupVersions: openApiDocument === undefined ? [] : groupVersions(kinds),
      document: openApiDocument ?? (() => undefined),
      clock,
    }),
  ];
}

function groupVersions(kinds: readonly Kind[]): { readonly group: string; readonly version: string }[] {
  const seen = new Map<string, { readonly group: string; readonly version: string }>();
  for (const { resource } of kinds) {
    const { group, version } = resource;
    seen.set(`${group}/${version}`, { group, version });
  }
  return [...seen.values()];
}

/**
 * What the server answers outside resources: health and version, discovery, OpenAPI; put together from what is served.
 * Not here: the documents themselves (health.ts, discovery.ts, openapi.ts).
 */
import type { Clock } from "../../base/index.ts";
import { createDiscovery } from "./discovery.ts";
import type { Endpoint, ServedKinds } from "./document.ts";
import { type BuildInfo, createHealth, type HealthCheck, versionInfo } from "./health.ts";
import { createOpenApi, type OpenApiOptions } from "./openapi.ts";

export interface EndpointsOptions {
  readonly served: ServedKinds;
  /** `127.0.0.1:6443`: what legacy clients are told to use. */
  readonly serverAddress?: string;
  readonly build?: Partial<BuildInfo>;
  readonly checks: readonly HealthCheck[];
  /** Prometheus text for `/metrics`. */
  readonly metricsText?: () => string | Promise<string>;
  /** Makes the OpenAPI v3 document of a group version. */
  readonly openApiDocument?: NonNullable<OpenApiOptions["document"]>;
  readonly clock: Clock;
}

export function serverEndpoints(options: EndpointsOptions): readonly Endpoint[] {
  const { served, clock, checks, metricsText, openApiDocument } = options;
  const platform = `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`;
  const version = versionInfo({ nodeVersion: process.version, platform, ...options.build });
  return [
    createHealth({ version, checks, ...(metricsText === undefined ? {} : { metricsText }) }),
    createDiscovery({ served, serverAddress: options.serverAddress ?? "127.0.0.1:6443" }),
    createOpenApi({ served, document: openApiDocument, clock }),
  ];
}

/** `/metrics` and `/healthz` for commands without an API of their own, on this machine only. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { UsageError } from "../cli/index.ts";
import type { SystemMetrics } from "./system.ts";

/** Only this machine: metrics reveal what runs in the cluster, and nobody has to authenticate. */
const host = "127.0.0.1";

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws UsageError when the port cannot be opened. */
export async function serveMetrics(port: number, metrics: SystemMetrics): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?", 1)[0];
    if (path === "/healthz") response.end("ok");
    else if (path !== "/metrics") response.writeHead(404).end("there are /metrics and /healthz\n");
    else
      metrics.text().then(
        (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new UsageError(
          `port ${port} on ${host} cannot be had: ${error.code ?? error.message}`,
          "choose another with --metrics-port (0 takes a free one)",
          { cause: error },
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

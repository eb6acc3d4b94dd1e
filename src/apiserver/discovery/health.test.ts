/** Health endpoints, version and metrics. */
import { expect, it } from "vitest";
import type { ApiReply } from "../../machinery/index.ts";
import { createHealth, versionInfo } from "./health.ts";

const version = versionInfo({ nodeVersion: "v20.20.2", platform: "linux/amd64" });
let isStoreHealthy = true;
const health = createHealth({
  version,
  checks: [
    { name: "store", for: "live and ready", isHealthy: () => isStoreHealthy },
    { name: "loaded", for: "ready", isHealthy: () => false },
  ],
  metricsText: async () => "requests_total 1\n",
});

function ask(url: string, method: "GET" | "POST" = "GET"): ApiReply | undefined {
  const [path = "", query = ""] = url.split("?");
  return health({
    method,
    path,
    query: [...new URLSearchParams(query)],
    signal: new AbortController().signal,
  });
}

function answer(reply: ApiReply | undefined): readonly [number, string] {
  if (reply?.body.as !== "bytes") throw new Error("no text");
  return [reply.status, Buffer.from(reply.body.bytes()).toString()];
}

it("says ok, or which check failed, and lists them when asked", () => {
  isStoreHealthy = true;
  expect(answer(ask("/livez"))).toEqual([200, "ok"]);
  expect(answer(ask("/livez?verbose"))).toEqual([200, "[+]ping ok\n[+]store ok\nlivez check passed\n"]);
  expect(answer(ask("/readyz"))).toEqual([
    500,
    "[+]ping ok\n[+]store ok\n[-]loaded failed: reason withheld\nreadyz check failed\n",
  ]);
  expect(answer(ask("/readyz?exclude=loaded"))).toEqual([200, "ok"]);
  expect(answer(ask("/readyz?exclude=loaded&verbose=1&exclude=x"))[1]).toContain(
    'warn: some health checks cannot be excluded: no matches for "x"',
  );
  expect(answer(ask("/livez/store"))).toEqual([200, "ok"]);
  expect(answer(ask("/readyz/loaded"))[0]).toBe(500);
  isStoreHealthy = false;
  expect(answer(ask("/livez/"))[0]).toBe(500);
  expect(answer(ask("/healthz"))[1]).toContain("[-]store failed: reason withheld");
});

it("leaves to others what it does not know", () => {
  for (const path of ["/livez/none", "/livez/loaded", "/livez/store/x", "/version/x", "/", "/metrics/x"]) {
    expect([path, ask(path)]).toEqual([path, undefined]);
  }
  expect(ask("/livez", "POST")).toBeUndefined();
});

it("tells its version with numbers that clients can read", () => {
  const [status, text] = answer(ask("/version"));
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual({
    major: "1",
    minor: "35",
    gitVersion: "v1.35.0+lares",
    gitCommit: "unknown",
    gitTreeState: "",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "node20.20.2",
    compiler: "node",
    platform: "linux/amd64",
  });
});

it("hands out metrics as text, and only when there are some", async () => {
  const reply = ask("/metrics")!;
  expect(reply.contentType).toContain("text/plain; version=0.0.4");
  if (reply.body.as !== "stream") throw new Error("no stream");
  let text = "";
  for await (const chunk of reply.body.chunks()) text += Buffer.from(chunk).toString();
  expect(text).toBe("requests_total 1\n");
  const without = createHealth({ version });
  const signal = new AbortController().signal;
  expect(without({ method: "GET", path: "/metrics", query: [], signal })).toBeUndefined();
});

/** What holds for a server after strangers have done their worst. For the tests of hostile input only. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Cluster } from "../cluster.ts";
import type { Api } from "../https.ts";

/** Kilobytes that the process may hold more afterwards: each body of 3 MiB leaves up to 50 MB of garbage that waits. */
const growthKbMax = 512 * 1024;

export function residentKb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line![1]);
}

/** It answers, it has not grown beyond the bound since it held `startKb`, and it logged neither failures nor stacks. */
export async function expectUnharmed(cluster: Cluster, api: Api, startKb: number): Promise<void> {
  expect((await api.ask("GET", "/livez")).text).toBe("ok");
  expect((await api.ask("GET", "/readyz")).text).toBe("ok");
  expect(residentKb(cluster.pid) - startKb).toBeLessThan(growthKbMax);
  expect(cluster.output).not.toMatch(/unhandled|^ {4}at |"level":[56]0/im);
}

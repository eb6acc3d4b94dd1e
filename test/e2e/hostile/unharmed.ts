/** Checks that a server works as before after an attack. For the tests of hostile input only. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Cluster } from "../cluster.ts";
import type { Api } from "../https.ts";

/** Kilobytes by which the process may grow: each body of 3 MiB leaves up to 50 MB of garbage until the next collection. */
const growthKbMax = 512 * 1024;

export function residentKb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line![1]);
}

/** The server answers, has grown by at most the bound since `startKb`, and has logged neither errors nor stacks. */
export async function expectUnharmed(cluster: Cluster, api: Api, startKb: number): Promise<void> {
  expect((await api.ask("GET", "/livez")).text).toBe("ok");
  expect((await api.ask("GET", "/readyz")).text).toBe("ok");
  expect(residentKb(cluster.pid) - startKb).toBeLessThan(growthKbMax);
  expect(cluster.output).not.toMatch(/unhandled|^ {4}at |"level":[56]0/im);
}

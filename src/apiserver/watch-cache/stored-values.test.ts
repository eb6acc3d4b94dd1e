/** Unreadable values are counted, each of them, and logged, not each of them. What servers make of them: two-servers.test.ts. */
import { expect, test } from "vitest";
import { silentLog, silentMetrics, SimulatedClock } from "../../base/index.ts";
import type { KubeObject } from "../../machinery/index.ts";
import { WrittenObjects } from "./encode.ts";
import { StoredValues } from "./stored-values.ts";

const parse = (value: Uint8Array): KubeObject => JSON.parse(Buffer.from(value).toString()) as KubeObject;

test("each unreadable value is counted; the log has one line in ten seconds, with what it left out", async () => {
  const clock = new SimulatedClock();
  const logged: unknown[] = [];
  const counted: unknown[] = [];
  const values = new StoredValues({
    written: new WrittenObjects({ freeze: true }),
    clock,
    log: { ...silentLog, error: (_, fields) => logged.push(fields) },
    metrics: { ...silentMetrics, counter: () => ({ add: (_, labels) => counted.push(labels) }) },
    isShared: true,
  });
  const open = (name: string, text: string): string | undefined => {
    const stored = {
      key: `/core/nodes/${name}`,
      value: Buffer.from(text),
      createRevision: 1,
      modRevision: 1,
    };
    return values.open(stored, { prefix: "/core/nodes/", namespaced: false, parse })?.resourceVersion;
  };
  const good = JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
  expect([open("n", good), open("m", good), open("n", "{"), open("", good)]).toEqual([
    "1",
    undefined,
    undefined,
    undefined,
  ]);
  expect(counted).toEqual(Array.from({ length: 3 }, () => ({ resource: "nodes" })));
  const key = "/core/nodes/m";
  expect(logged).toEqual([{ key, revision: 1, why: "it has another name", othersSince: 0 }]);
  await clock.advance(10_000);
  open("n/x", good);
  expect(logged[1]).toMatchObject({ why: "the key is none of its resource", othersSince: 2 });
});

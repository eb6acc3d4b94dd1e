/** Pods of other creators are distinguished from our own, whatever the network does to replies. */
import { expect, test } from "vitest";
import { type DaemonSet, daemonsets, type Pod, pods } from "../api/index.ts";
import { seededRandom, silentLog } from "../base/index.ts";
import {
  type Client,
  createClient,
  createInformerFactory,
  loopbackTransport,
  type Transport,
} from "../client/index.ts";
import { TestApiServer } from "../testing/test-api-server.ts";
import { ForeignPods } from "./foreign-pods.ts";

interface Rig {
  readonly ours: Client;
  readonly others: Client;
  readonly reports: string[];
  readonly daemonSet: DaemonSet;
  /** What happens to the replies to our calls. */
  answers: "arrive" | "are lost" | "are late";
  /** How late the watch is, in ms. */
  watchLateMs: number;
  advance(ms: number): Promise<void>;
}

async function withRig(body: (rig: Rig) => Promise<void>): Promise<void> {
  const server = await TestApiServer.start();
  const { clock } = server;
  const user = { username: "test", groups: ["system:masters"] };
  const direct = loopbackTransport(server.handler, { user });
  const reports: string[] = [];
  const foreign = new ForeignPods({ clock, report: (reason) => reports.push(reason) });
  const rig: Pick<Rig, "answers" | "watchLateMs"> = { answers: "arrive", watchLateMs: 0 };
  const bad: Transport = {
    ...direct,
    send: async (call) => {
      const reply = await direct.send(call);
      if (rig.answers === "are lost") throw new Error("socket hang up");
      if (rig.answers === "are late") await new Promise<void>((resolve) => clock.after(5_000, resolve));
      return reply;
    },
  };
  const ours = createClient(foreign.noting(bad));
  const others = createClient(direct);
  const stop = new AbortController();
  const late: Transport = {
    ...direct,
    watch: (call, sink) =>
      direct.watch(call, {
        events: (batch) => void clock.after(rig.watchLateMs, () => sink.events(batch)),
        end: (error) => sink.end(error),
      }),
  };
  const informers = createInformerFactory(createClient(late), {
    clock,
    random: seededRandom(1),
    log: silentLog,
  });
  foreign.watch(informers.for(pods), informers.for(daemonsets));
  const labels = { app: "a" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i:1" }] } };
  const daemonSet = await others.create<DaemonSet>(daemonsets, {
    metadata: { name: "a", namespace: "default" },
    spec: { selector: { matchLabels: labels }, template },
  } as DaemonSet);
  informers.start(stop.signal);
  await clock.advance(1_000);
  const advance = (ms: number): Promise<void> => clock.advance(ms);
  try {
    await body(Object.assign(rig, { ours, others, reports, daemonSet, advance }));
  } finally {
    stop.abort();
    await server.stop();
  }
}

function podOf(daemonSet: DaemonSet, name: string, isController = true): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "DaemonSet",
          name: daemonSet.metadata.name!,
          uid: daemonSet.metadata.uid!,
          controller: isController,
        },
      ],
    },
    spec: { containers: [{ name: "c", image: "i:1" }] },
  };
}

test("our own pods are not reported, whether the reply or the watch comes first", async () => {
  await withRig(async (rig) => {
    for (let i = 0; i < 5; i++) await rig.ours.create(pods, podOf(rig.daemonSet, `quick-${i}`));
    await rig.advance(60_000);
    rig.watchLateMs = 5_000;
    for (let i = 0; i < 5; i++) await rig.ours.create(pods, podOf(rig.daemonSet, `unseen-${i}`));
    await rig.advance(60_000);
    rig.watchLateMs = 0;
    rig.answers = "are late";
    for (let i = 0; i < 5; i++) void rig.ours.create(pods, podOf(rig.daemonSet, `late-${i}`));
    await rig.advance(60_000);
    expect(rig.reports).toEqual([]);
  });
});

test("a create whose reply was lost accounts for one pod, not two", async () => {
  await withRig(async (rig) => {
    rig.answers = "are lost";
    for (let i = 0; i < 3; i++)
      await expect(rig.ours.create(pods, podOf(rig.daemonSet, `lost-${i}`))).rejects.toThrow("hang up");
    await rig.advance(20_000);
    expect(rig.reports).toEqual([]);
    for (let i = 0; i < 2; i++) await rig.others.create(pods, podOf(rig.daemonSet, `foreign-${i}`));
    await rig.advance(20_000);
    expect(rig.reports.length).toBe(1);
  });
});

test("one foreign pod is tolerated; the second within a minute is reported, once", async () => {
  await withRig(async (rig) => {
    await rig.others.create(pods, podOf(rig.daemonSet, "foreign-1"));
    await rig.advance(80_000);
    await rig.others.create(pods, podOf(rig.daemonSet, "foreign-2"));
    await rig.advance(30_000);
    expect(rig.reports).toEqual([]);
    for (const name of ["foreign-3", "foreign-4"]) await rig.others.create(pods, podOf(rig.daemonSet, name));
    await rig.advance(20_000);
    expect(rig.reports).toEqual([
      "somebody else creates pods for daemonset default/a, default/foreign-3 for one",
    ]);
  });
});

test("pods that no known DaemonSet controls are ignored", async () => {
  await withRig(async (rig) => {
    const unknown = { ...rig.daemonSet, metadata: { ...rig.daemonSet.metadata, uid: "another" } };
    for (let i = 0; i < 3; i++) {
      await rig.others.create(pods, podOf(unknown, `unknown-${i}`));
      await rig.others.create(pods, podOf(rig.daemonSet, `owned-${i}`, false));
    }
    await rig.advance(20_000);
    expect(rig.reports).toEqual([]);
  });
});

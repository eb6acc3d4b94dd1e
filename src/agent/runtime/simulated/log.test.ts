/** Logs of simulated containers, as whoever follows them sees it. */
import { expect, test } from "vitest";
import type { ContainerState, Pod } from "../../../api/index.ts";
import { settleMicrotasks, SimulatedClock } from "../../../base/index.ts";
import { formatTime } from "../../../machinery/index.ts";
import { simulatedLog } from "./log.ts";

interface Told {
  readonly state: ContainerState;
  readonly lastState?: ContainerState;
  readonly id: string;
}

function podOf({ state, lastState, id }: Told): Pod {
  const status = { name: "c", image: "app:1", imageID: "", ready: true, restartCount: 0, containerID: id };
  return {
    metadata: { name: "p", namespace: "default", uid: "u" },
    spec: { containers: [{ name: "c" }] },
    status: { containerStatuses: [{ ...status, state, ...(lastState === undefined ? {} : { lastState }) }] },
  };
}

/** Somebody follows a container that has run for 25 s. */
function follow(query: { readonly limitBytes?: number } = {}) {
  const clock = new SimulatedClock();
  const startedMs = clock.nowMs() - 25_000;
  const running = podOf({ state: { running: { startedAt: formatTime(startedMs) } }, id: "one" });
  const stop = new AbortController();
  const world = { pod: running as Pod | undefined, text: "", hasEnded: false };
  const context = { clock, signal: stop.signal, podNow: () => Promise.resolve(world.pod) };
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of simulatedLog(running, { container: "c", follow: true, ...query }, context))
      world.text += decoder.decode(chunk);
    world.hasEnded = true;
  };
  void read();
  const pass = (ms: number): Promise<void> => clock.advance(ms, () => settleMicrotasks());
  const terminated = (id: string): { readonly terminated: NonNullable<ContainerState["terminated"]> } => ({
    terminated: {
      exitCode: 0,
      containerID: id,
      startedAt: formatTime(startedMs),
      finishedAt: formatTime(clock.nowMs()),
    },
  });
  return { world, stop, pass, terminated };
}

const lines = (seconds: readonly number[]): string =>
  ["app:1 started (simulated container)", ...seconds.map((second) => `alive for ${second}s`)]
    .map((line) => `${line}\n`)
    .join("");

test("while the container runs its lines come, and go on coming", async () => {
  const { world, pass } = follow();
  await pass(0);
  expect(world.text).toBe(lines([10, 20]));
  await pass(20_000);
  expect(world).toMatchObject({ text: lines([10, 20, 30, 40]), hasEnded: false });
});

test("when the container ends the stream ends, with the lines until then and no more", async () => {
  const { world, pass, terminated } = follow();
  await pass(7_000);
  world.pod = podOf({ state: terminated("one"), id: "one" });
  await pass(1_000);
  expect(world).toMatchObject({ text: lines([10, 20, 30]), hasEnded: true });
});

test.each<readonly [name: string, state: ContainerState]>([
  ["runs", { running: { startedAt: "2026-01-01T00:00:00Z" } }],
  ["has ended, too", { terminated: { exitCode: 0, containerID: "two", finishedAt: "2027-01-01T00:00:00Z" } }],
])("a container that was started anew and %s is another one", async (_name, state) => {
  const { world, pass, terminated } = follow();
  await pass(7_000);
  world.pod = podOf({ state, lastState: terminated("one"), id: "two" });
  await pass(60_000);
  expect(world).toMatchObject({ text: lines([10, 20, 30]), hasEnded: true });
});

test("when the pod is gone the stream ends", async () => {
  const { world, pass } = follow();
  await pass(7_000);
  world.pod = undefined;
  await pass(60_000);
  expect(world).toMatchObject({ text: lines([10, 20, 30]), hasEnded: true });
});

test("who goes away, or has had as many bytes as asked for, is let go", async () => {
  const leaving = follow();
  await leaving.pass(0);
  leaving.stop.abort(new Error("gone"));
  await leaving.pass(0);
  expect(leaving.world.hasEnded).toBe(true);
  const limited = follow({ limitBytes: lines([10, 20]).length + 5 });
  await limited.pass(60_000);
  expect(limited.world).toMatchObject({ text: `${lines([10, 20])}alive`, hasEnded: true });
});

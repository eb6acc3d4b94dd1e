/**
 * What every `PodRuntime` promises, as one suite that each maker runs (simulated-runtime.test.ts; later containerd, Docker).
 * Not here: what the code above makes of it (src/agent/pods), what only one maker does (beside that maker).
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  ContainerExit,
  ContainerKey,
  PodFound,
  PodRuntime,
} from "../../src/agent/runtime/pod-runtime.ts";
import { RuntimeError } from "../../src/agent/runtime/runtime-error.ts";
import type { Pod } from "../../src/api/index.ts";

/** What a container does when it is left alone: runs until it is told to end, ends with code 1 soon, or ignores SIGTERM. */
export type Conduct = "runs" | "ends" | "ignores-term";

/** One machine with a runtime, and the world around it. */
export interface RuntimeWorld {
  readonly runtime: PodRuntime;
  /** An image that the machine has, one that it can pull, and one that nobody has. */
  readonly images: { readonly present: string; readonly absent: string; readonly missing: string };
  /** A pod bound to the machine; its containers are called `a`, `b`, … Each call gives a pod of another UID. */
  pod(conduct: Conduct, images: readonly string[]): Pod;
  /** Somebody deletes the pod with this grace. The runtime is not told: who is, stops the containers. */
  markDeleted(pod: Pod, graceSeconds: number): void;
  /** Wall time. */
  nowMs(): number;
  /** Time goes by; whatever the runtime does by itself in it has happened afterwards. */
  pass(ms: number): Promise<void>;
  /** The agent starts anew on the same machine: a runtime that knows nothing but what runs. */
  restart(): Promise<PodRuntime>;
  close(): Promise<void>;
}

export interface PodRuntimeMaker {
  readonly name: string;
  open(): Promise<RuntimeWorld>;
  /** Longest time in ms that a pull, a start or an orderly end takes. */
  readonly patienceMs: number;
}

interface Told {
  readonly exits: { readonly key: ContainerKey; readonly exit: ContainerExit }[];
  imageChanges: number;
}

/** Statuses know whole seconds, and a maker may remember no more than they say. */
function inSeconds(found: PodFound | undefined): unknown {
  const containers = found?.containers.map((one) => ({
    ...one,
    startedMs: Math.floor((one.startedMs ?? 0) / 1_000),
  }));
  return { ip: found?.ip, containers };
}

export function podRuntimeContract(maker: PodRuntimeMaker): void {
  describe(`pod runtime contract: ${maker.name}`, () => {
    let world: RuntimeWorld;
    let told: Told;
    beforeEach(async () => {
      world = await maker.open();
      told = { exits: [], imageChanges: 0 };
      listen(world.runtime);
    });
    afterEach(() => world.close());

    function listen(runtime: PodRuntime): void {
      runtime.start({
        exited: (key, exit) => void told.exits.push({ key, exit }),
        imagesChanged: () => void told.imageChanges++,
      });
    }

    /** Lets time go by until the promise settles. */
    async function settled<T>(promise: Promise<T>): Promise<T> {
      let isSettled = false;
      const watched = promise.finally(() => (isSettled = true));
      watched.catch(() => {});
      for (let i = 0; i < 50 && !isSettled; i++) await world.pass(maker.patienceMs / 10);
      return await watched;
    }

    const failure = (promise: Promise<unknown>): Promise<string> =>
      settled(promise).then(
        () => expect.fail("should have been refused"),
        (error: unknown) => (error instanceof RuntimeError ? error.code : String(error)),
      );

    const key = (pod: Pod, name = "a", attempt = 0): ContainerKey => ({
      uid: pod.metadata.uid!,
      name,
      attempt,
    });
    const create = (pod: Pod, name = "a", attempt = 0): Promise<void> => {
      const container = pod.spec!.containers.find((one) => one.name === name)!;
      return world.runtime.createContainer({ pod, container, attempt });
    };
    async function running(conduct: Conduct = "runs", count = 1): Promise<Pod> {
      const pod = world.pod(conduct, Array<string>(count).fill(world.images.present));
      await settled(world.runtime.runSandbox(pod));
      for (const { name } of pod.spec!.containers) {
        await settled(create(pod, name));
        await settled(world.runtime.startContainer(key(pod, name)));
      }
      return pod;
    }

    describe("sandboxes", () => {
      test("a sandbox has an address of its own and is found", async () => {
        const [one, two] = [world.pod("runs", ["x"]), world.pod("runs", ["x"])];
        expect(await world.runtime.find(one)).toBeUndefined();
        const { ip } = await settled(world.runtime.runSandbox(one));
        const other = await settled(world.runtime.runSandbox(two));
        expect(ip).not.toBe(other.ip);
        expect(await world.runtime.find(one)).toEqual({ ip, containers: [] });
      });

      test("a pod has one at a time", async () => {
        const pod = world.pod("runs", ["x"]);
        await settled(world.runtime.runSandbox(pod));
        expect(await failure(world.runtime.runSandbox(pod))).toBe("exists");
        await settled(world.runtime.stopSandbox(pod.metadata.uid!));
        await settled(world.runtime.removeSandbox(pod.metadata.uid!));
        await settled(world.runtime.runSandbox(pod));
        expect(await world.runtime.find(pod)).toBeDefined();
      });

      test("stop ends what runs in it; removal leaves nothing; both may be repeated", async () => {
        const pod = await running("runs", 2);
        const uid = pod.metadata.uid!;
        for (let i = 0; i < 2; i++) await settled(world.runtime.stopSandbox(uid));
        const found = await world.runtime.find(pod);
        expect(found?.containers.map(({ exit }) => exit?.exitCode)).toEqual([
          expect.any(Number),
          expect.any(Number),
        ]);
        for (let i = 0; i < 2; i++) await settled(world.runtime.removeSandbox(uid));
        expect(await world.runtime.find(pod)).toBeUndefined();
        expect(told.exits.map((one) => one.key)).toEqual([key(pod, "a"), key(pod, "b")]);
      });

      test("removal ends what still runs, and tells it", async () => {
        const pod = await running();
        await settled(world.runtime.removeSandbox(pod.metadata.uid!));
        expect(await world.runtime.find(pod)).toBeUndefined();
        expect(told.exits.map((one) => one.key)).toEqual([key(pod)]);
      });

      test("one that nobody made can be stopped and removed", async () => {
        await settled(world.runtime.stopSandbox("nobody"));
        await settled(world.runtime.removeSandbox("nobody"));
        expect(told.exits).toEqual([]);
      });
    });

    describe("containers", () => {
      test("are created, then started", async () => {
        const pod = world.pod("runs", [world.images.present]);
        await settled(world.runtime.runSandbox(pod));
        await settled(create(pod));
        expect((await world.runtime.find(pod))?.containers).toEqual([{ name: "a", attempt: 0 }]);
        const startedMs = await settled(world.runtime.startContainer(key(pod)));
        expect((await world.runtime.find(pod))?.containers).toEqual([{ name: "a", attempt: 0, startedMs }]);
        expect(Math.abs(world.nowMs() - startedMs)).toBeLessThanOrEqual(maker.patienceMs);
        await world.pass(maker.patienceMs);
        expect(told.exits).toEqual([]);
      });

      test("need a sandbox", async () => {
        expect(await failure(create(world.pod("runs", [world.images.present])))).toBe("not-found");
      });

      test("start once, and only when they were created", async () => {
        const pod = await running();
        expect(await failure(world.runtime.startContainer(key(pod)))).toBe("not-found");
        expect(await failure(world.runtime.startContainer(key(pod, "a", 1)))).toBe("not-found");
      });

      test("creation replaces one that was never started, and refuses an attempt that ran", async () => {
        const pod = world.pod("runs", [world.images.present]);
        await settled(world.runtime.runSandbox(pod));
        for (let i = 0; i < 2; i++) await settled(create(pod));
        expect((await world.runtime.find(pod))?.containers).toHaveLength(1);
        await settled(world.runtime.startContainer(key(pod)));
        expect(await failure(create(pod))).toBe("exists");
      });

      test("a creation that is cancelled makes nothing that runs", async () => {
        const pod = world.pod("runs", [world.images.present]);
        await settled(world.runtime.runSandbox(pod));
        const creating = create(pod);
        world.runtime.cancel(pod.metadata.uid!);
        await failure(creating);
        const found = await world.runtime.find(pod);
        expect(found?.containers.filter(({ startedMs }) => startedMs !== undefined)).toEqual([]);
        await settled(create(pod));
        await settled(world.runtime.startContainer(key(pod)));
      });

      test("one that ends by itself is told once, and found with its code", async () => {
        const pod = await running("ends");
        await world.pass(3 * maker.patienceMs);
        expect(told.exits).toEqual([
          { key: key(pod), exit: expect.objectContaining({ exitCode: 1, finishedMs: expect.any(Number) }) },
        ]);
        const found = await world.runtime.find(pod);
        expect(found?.containers[0]?.exit).toEqual(told.exits[0]!.exit);
      });

      test("the next attempt stands beside the last one until that is removed", async () => {
        const pod = await running("ends");
        await world.pass(3 * maker.patienceMs);
        await settled(create(pod, "a", 1));
        await settled(world.runtime.startContainer(key(pod, "a", 1)));
        const attempts = async (): Promise<unknown> =>
          (await world.runtime.find(pod))?.containers.map(({ attempt }) => attempt).sort();
        expect(await attempts()).toEqual([0, 1]);
        for (let i = 0; i < 2; i++) await settled(world.runtime.removeContainer(key(pod)));
        expect(await attempts()).toEqual([1]);
      });

      test("removal ends one that runs, and tells it", async () => {
        const pod = await running("runs", 2);
        await settled(world.runtime.removeContainer(key(pod)));
        expect((await world.runtime.find(pod))?.containers.map(({ name }) => name)).toEqual(["b"]);
        expect(told.exits.map((one) => one.key)).toEqual([key(pod)]);
      });

      test("are identified by their attempt, images by their content", async () => {
        const pod = await running();
        const { runtime, images } = world;
        const id = runtime.containerID(key(pod));
        expect(id.startsWith(`${runtime.version.split("://")[0]!}://`)).toBe(true);
        expect(runtime.containerID(key(pod))).toBe(id);
        expect(runtime.imageID(pod.metadata.uid!, images.present)).not.toBe("");
        const other = await running();
        expect(runtime.containerID(key(other))).not.toBe(id);
      });
    });

    describe("ends", () => {
      test("a stop within its grace ends with the container's own code, told once", async () => {
        const pod = await running();
        world.markDeleted(pod, 30);
        const exit = await settled(world.runtime.stopContainer(key(pod), 30_000));
        expect(exit?.exitCode).toBe(0);
        expect(told.exits).toEqual([{ key: key(pod), exit }]);
      });

      test("one that ignores SIGTERM is killed when its grace is over, not before", async () => {
        const pod = await running("ignores-term");
        world.markDeleted(pod, 3);
        const beganMs = world.nowMs();
        const stopping = world.runtime.stopContainer(key(pod), 3_000);
        await world.pass(1_500);
        expect(told.exits).toEqual([]);
        const exit = await settled(stopping);
        expect(exit?.exitCode).toBe(137);
        expect(exit!.finishedMs - beganMs).toBeGreaterThanOrEqual(3_000);
      });

      test("a second stop with less grace shortens the first; both resolve", async () => {
        const pod = await running("ignores-term");
        world.markDeleted(pod, 600);
        const first = world.runtime.stopContainer(key(pod), 600_000);
        world.markDeleted(pod, 1);
        const second = world.runtime.stopContainer(key(pod), 1_000);
        const beganMs = world.nowMs();
        expect(await settled(second)).toEqual(await settled(first));
        expect(world.nowMs() - beganMs).toBeLessThan(60_000);
        expect(told.exits).toHaveLength(1);
      });

      test("a stop of one that ended before answers its exit at once and tells nothing more", async () => {
        const pod = await running("ends");
        await world.pass(3 * maker.patienceMs);
        const exit = await settled(world.runtime.stopContainer(key(pod), 30_000));
        expect(exit).toEqual(told.exits[0]!.exit);
        expect(told.exits).toHaveLength(1);
      });

      test("a stop of one that never ran answers no exit; of an unknown one it is refused", async () => {
        const pod = world.pod("runs", [world.images.present]);
        await settled(world.runtime.runSandbox(pod));
        await settled(create(pod));
        expect(await settled(world.runtime.stopContainer(key(pod), 1_000))).toBeUndefined();
        expect(await failure(world.runtime.stopContainer(key(pod, "a", 7), 1_000))).toBe("not-found");
      });
    });

    describe("images", () => {
      test("one that was pulled and used is there, listed, and told", async () => {
        const { absent } = world.images;
        expect(await world.runtime.hasImage(absent)).toBe(false);
        const pod = world.pod("runs", [absent]);
        await settled(world.runtime.runSandbox(pod));
        const { sizeBytes, tookMs } = await settled(world.runtime.pullImage(absent, pod));
        expect(sizeBytes).toBeGreaterThan(0);
        expect(tookMs).toBeGreaterThanOrEqual(0);
        await settled(create(pod));
        expect(await world.runtime.hasImage(absent)).toBe(true);
        expect(await world.runtime.images()).toContainEqual({ name: absent, sizeBytes });
        expect(told.imageChanges).toBeGreaterThan(0);
      });

      test("one that nobody has is refused with a text that names it", async () => {
        const { missing } = world.images;
        const pod = world.pod("runs", [missing]);
        await settled(world.runtime.runSandbox(pod));
        await expect(settled(world.runtime.pullImage(missing, pod))).rejects.toThrow(missing);
        expect(await world.runtime.hasImage(missing)).toBe(false);
      });

      test("a pull needs a sandbox", async () => {
        const { absent } = world.images;
        expect(await failure(world.runtime.pullImage(absent, world.pod("runs", [absent])))).toBe("not-found");
      });

      test("a pull that is cancelled rejects, and one of another pod goes on", async () => {
        const { absent } = world.images;
        const [one, two] = [world.pod("runs", [absent]), world.pod("runs", [absent])];
        for (const pod of [one, two]) await settled(world.runtime.runSandbox(pod));
        const pulls = [one, two].map((pod) => world.runtime.pullImage(absent, pod));
        world.runtime.cancel(one.metadata.uid!);
        await failure(pulls[0]!);
        expect((await settled(pulls[1]!)).sizeBytes).toBeGreaterThan(0);
      });
    });

    describe("an agent that starts anew", () => {
      test("finds what runs as it was, and hears of its end", async () => {
        const pod = await running("runs", 2);
        const before = await world.runtime.find(pod);
        const runtime = await world.restart();
        listen(runtime);
        expect(inSeconds(await runtime.find(pod))).toEqual(inSeconds(before));
        const exit = await settled(runtime.stopContainer(key(pod, "b"), 1_000));
        expect(told.exits).toContainEqual({ key: key(pod, "b"), exit });
      });

      test("hears of a container that ends by itself later", async () => {
        const pod = await running("ends");
        const runtime = await world.restart();
        listen(runtime);
        await runtime.find(pod);
        await world.pass(3 * maker.patienceMs);
        expect(told.exits.map((one) => one.key)).toEqual([key(pod)]);
      });

      test("hears nothing from the runtime that it has stopped", async () => {
        const pod = await running("ends");
        world.runtime.stop();
        await world.pass(3 * maker.patienceMs);
        expect(told.exits).toEqual([]);
        expect(pod.metadata.uid).toBeDefined();
      });
    });

    describe("logs", () => {
      const read = async (
        pod: Pod,
        query: object,
        signal = new AbortController().signal,
      ): Promise<string> => {
        let text = "";
        for await (const chunk of world.runtime.logs(pod.metadata.uid!, { container: "a", ...query }, signal))
          text += new TextDecoder().decode(chunk);
        return text;
      };

      test("a run has written whole lines; so has the one before it", async () => {
        const pod = await running("ends");
        await world.pass(3 * maker.patienceMs);
        expect(await failure(read(pod, { previous: true }))).toBe("not-found");
        const first = await read(pod, {});
        await settled(create(pod, "a", 1));
        expect(await read(pod, {})).toBe(first);
        await settled(world.runtime.startContainer(key(pod, "a", 1)));
        expect(await read(pod, {})).toMatch(/\n$/);
        expect(await read(pod, { previous: true })).toMatch(/\n$/);
      });

      test("nobody reads of a container that never ran", async () => {
        const pod = world.pod("runs", [world.images.present]);
        await settled(world.runtime.runSandbox(pod));
        expect(await failure(read(pod, {}))).toBe("not-found");
      });

      test("who follows is let go when the container ends, or when he goes", async () => {
        const pod = await running();
        const following = read(pod, { follow: true });
        await settled(world.runtime.removeContainer(key(pod)));
        expect(await settled(following)).toMatch(/\n$/);
        const other = await running();
        const leaving = new AbortController();
        const left = read(other, { follow: true }, leaving.signal);
        await world.pass(0);
        leaving.abort();
        await settled(left);
      });
    });
  });
}

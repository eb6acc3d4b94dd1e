/** The simulated maker keeps the contract of pod runtimes. */
import type { PodRuntime } from "../../src/agent/runtime/pod-runtime.ts";
import { SimulatedMachine } from "../../src/agent/runtime/simulated/machine.ts";
import { SimulatedRuntime } from "../../src/agent/runtime/simulated/runtime.ts";
import type { Pod } from "../../src/api/index.ts";
import { SimulatedClock } from "../../src/base/index.ts";
import { formatTime } from "../../src/machinery/index.ts";
import { type Conduct, podRuntimeContract, type RuntimeWorld } from "./pod-runtime-contract.ts";

const words: Readonly<Record<Conduct, string>> = {
  runs: "",
  ends: "crash-loop",
  "ignores-term": "ignores-termination",
};

class SimulatedWorld implements RuntimeWorld {
  readonly images = { present: "web:1", absent: "other:1", missing: "registry.invalid/web:1" };
  readonly #clock = new SimulatedClock();
  readonly #pods = new Map<string, { pod: Pod }>();
  readonly #machine = new SimulatedMachine(
    {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "n1", uid: "n" },
      spec: {},
      status: { images: [{ names: [this.images.present], sizeBytes: 7 }] },
    },
    0,
  );
  runtime: PodRuntime = this.#open();

  pod(conduct: Conduct, images: readonly string[]): Pod {
    const uid = `uid-${this.#pods.size}`;
    const pod: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: uid,
        namespace: "default",
        uid,
        annotations: { "lares.dev/simulate": words[conduct] },
      },
      spec: { containers: images.map((image, index) => ({ name: "abc"[index]!, image })) },
    };
    this.#pods.set(uid, { pod });
    return pod;
  }

  markDeleted({ metadata }: Pod, graceSeconds: number): void {
    const seen = this.#pods.get(metadata.uid!)!;
    const deleted = { deletionTimestamp: formatTime(this.nowMs()), deletionGracePeriodSeconds: graceSeconds };
    seen.pod = { ...seen.pod, metadata: { ...seen.pod.metadata, ...deleted } };
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  pass(ms: number): Promise<void> {
    return this.#clock.advance(ms);
  }

  /** A fleet that starts anew knows what the statuses say, which are what the agent before it has reported. */
  async restart(): Promise<PodRuntime> {
    for (const seen of this.#pods.values()) {
      const found = await this.runtime.find(seen.pod);
      if (found === undefined) continue;
      const containerStatuses = found.containers.map(({ name, attempt, startedMs = 0 }) => ({
        name,
        image: seen.pod.spec!.containers.find((one) => one.name === name)!.image!,
        imageID: "",
        ready: true,
        restartCount: attempt,
        state: { running: { startedAt: formatTime(startedMs) } },
      }));
      // The pod of the caller is the object that it got: what the server has changes in place here.
      Object.assign(seen.pod, { status: { podIP: found.ip, containerStatuses } });
    }
    this.runtime.stop();
    this.runtime = this.#open();
    return this.runtime;
  }

  close(): Promise<void> {
    this.runtime.stop();
    return Promise.resolve();
  }

  #open(): PodRuntime {
    const timings = { pullMs: 400, startMs: 400, stopMs: 200 };
    return new SimulatedRuntime(this.#machine, this.#pods, { clock: this.#clock, timings });
  }
}

podRuntimeContract({
  name: "simulated",
  patienceMs: 1_000,
  open: () => Promise.resolve(new SimulatedWorld()),
});

/**
 * The seam between pods and what runs them: sandboxes, containers in them, and images. Made by runtime/simulated today.
 * Not here: which container runs when (pods/), whether it serves (prober.ts), the machine below (machine.ts).
 * Contract: test/contract/pod-runtime-contract.ts, run by every maker. Shape: CRI v1, but for keys in place of ids.
 *
 *   runSandbox ─▶ createContainer ─▶ startContainer ─▶ (exited) ─▶ removeContainer
 *                                          └─▶ stopContainer ─▶ stopSandbox ─▶ removeSandbox
 */
import type { Container, Pod } from "../../api/index.ts";

/** One run of a container. It is unique in a runtime for ever: a container that starts again has the next attempt. */
export interface ContainerKey {
  /** The pod's. */
  readonly uid: string;
  readonly name: string;
  /** Runs before this one, which is the `restartCount` of this one. */
  readonly attempt: number;
}

export interface ContainerConfig {
  readonly pod: Pod;
  /** A member of the pod's spec. */
  readonly container: Container;
  readonly attempt: number;
}

export interface ContainerExit {
  readonly exitCode: number;
  readonly finishedMs: number;
  /** The runtime will not run the pod any more: it has failed, for this reason. */
  readonly givenUp?: { readonly reason: string; readonly message: string };
}

export interface ContainerFound {
  readonly name: string;
  readonly attempt: number;
  /** Since it was started; absent before that. */
  readonly startedMs?: number;
  /** Absent while it runs. */
  readonly exit?: ContainerExit;
}

export interface PodFound {
  readonly ip: string;
  /** All that have not been removed, in no order. */
  readonly containers: readonly ContainerFound[];
}

export interface ImageFound {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface PulledImage {
  readonly sizeBytes: number;
  readonly tookMs: number;
}

export interface LogQuery {
  readonly container: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  /** Lines of this time and later. */
  readonly sinceMs?: number;
  readonly timestamps?: boolean;
}

/** Who is told what happens in a runtime; perhaps while it is being asked something. */
export interface RuntimeListener {
  /**
   * A container that ran does not run any more, however it ended. Told once for each run that ends while the runtime tells, of
   * pods that were made or found since it began.
   */
  exited(key: ContainerKey, exit: ContainerExit): void;
  /** `images` would answer otherwise than before. */
  imagesChanged(): void;
}

/**
 * Every call may be refused with a RuntimeError, and may be repeated. Calls about one pod come from one caller.
 * Times are wall times in ms.
 */
export interface PodRuntime {
  /** What a node's status says of it: `containerd://1.7.2`. */
  readonly version: string;
  /** Begins to tell. Called once, before any other call. */
  start(listener: RuntimeListener): void;
  /** Tells no more. What runs goes on running. */
  stop(): void;
  /** Undefined when pods can be run; otherwise why not. */
  trouble(): string | undefined;

  /** What the runtime has of a pod; undefined when it has nothing. So an agent that starts anew finds what runs. */
  find(pod: Pod): Promise<PodFound | undefined>;
  /** How people find a run: `containerd://…`. Only meaningful for one that was created. Costs no call. */
  containerID(key: ContainerKey): string;
  /** How people find the image that a pod's container was made from, by its content. As `containerID`. */
  imageID(uid: string, image: string): string;

  images(): Promise<readonly ImageFound[]>;
  hasImage(image: string): Promise<boolean>;
  /**
   * After it resolves, containers of the pod can be made of the image; the machine `hasImage` at the latest when one was.
   * @throws RuntimeError `not-found` without a sandbox; otherwise with the text that a pod's status shows.
   */
  pullImage(image: string, pod: Pod): Promise<PulledImage>;

  /** Pulls and creations that are under way for the pod reject soon, and leave nothing behind that runs. */
  cancel(uid: string): void;

  /** Makes the pod's sandbox and its network. @throws RuntimeError `exists` while the pod has one that was not removed. */
  runSandbox(pod: Pod): Promise<{ readonly ip: string }>;
  /** Ends all that still runs in it. One that is unknown or stopped is fine. */
  stopSandbox(uid: string): Promise<void>;
  /** Removes it with all its containers, running ones included. One that is unknown is fine. */
  removeSandbox(uid: string): Promise<void>;

  /**
   * Makes a container without starting it. One of the same key that was never started is replaced.
   * @throws RuntimeError `not-found` without a sandbox, `exists` when that attempt has run.
   */
  createContainer(config: ContainerConfig): Promise<void>;
  /** @returns when it began to run. @throws RuntimeError `not-found` unless it is created and was never started. */
  startContainer(key: ContainerKey): Promise<number>;
  /**
   * Asks the container to end, and ends it by force when the grace is over. A second call with less grace shortens it; both
   * resolve at the end.
   * @returns its exit, also when it ended before; undefined for one that never ran. @throws RuntimeError `not-found`.
   */
  stopContainer(key: ContainerKey, graceMs: number): Promise<ContainerExit | undefined>;
  /** Removes a container, by force if it runs. One that is unknown is fine. */
  removeContainer(key: ContainerKey): Promise<void>;

  /**
   * What the newest run of a container wrote, or with `previous` the one before; then, with `follow`, what it goes on to write until
   * it or the signal ends. @throws RuntimeError `not-found` when there is no such run.
   */
  logs(uid: string, query: LogQuery, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

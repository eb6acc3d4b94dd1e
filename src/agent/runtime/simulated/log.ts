/**
 * What a simulated container has written: the same lines for the same run whenever one asks, going on while it runs.
 * Not here: the rules of `pods/log` (apiserver/resources), which have checked the container already.
 */
import type { ContainerStatus, Pod } from "../../../api/index.ts";
import { type Clock, sleep } from "../../../base/index.ts";
import { formatTime, parseTimeMs } from "../../../machinery/index.ts";
import type { LogQuery } from "../pod-runtime.ts";

/** A simulated container writes one line this often. */
const lineEveryMs = 10_000;
/** Lines of the past that one request can get: a day's worth. */
const linesMax = 8_640;

/** How often somebody who follows looks whether the container still runs; a kubelet looks as often. */
const lookEveryMs = 1_000;

interface Run {
  readonly image: string;
  readonly startedMs: number;
  /** Undefined while the container runs, as far as is known. */
  finishedMs(): number | undefined | Promise<number | undefined>;
}

interface LogContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface PodLogContext extends LogContext {
  /** The pod as it is when asked; undefined once it is gone. */
  podNow(): Promise<Pod | undefined>;
}

/** The log of a container as its pod's status tells of it: who asks may be far from the runtime. Nothing when it never ran. */
export function simulatedLog(pod: Pod, query: LogQuery, context: PodLogContext): AsyncIterable<Uint8Array> {
  const run = runOf(pod, query, context);
  return run === undefined ? nothing() : logOf(run, query, context);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function statusOf(pod: Pod | undefined, container: string): ContainerStatus | undefined {
  const all = [...(pod?.status?.containerStatuses ?? []), ...(pod?.status?.initContainerStatuses ?? [])];
  return all.find(({ name }) => name === container);
}

/** The run asked for as the pod's status tells of it, or undefined when there was none. */
function runOf(pod: Pod, query: LogQuery, { podNow }: PodLogContext): Run | undefined {
  const status = statusOf(pod, query.container);
  const state = query.previous === true ? status?.lastState : status?.state;
  const ended = state?.terminated ?? (query.previous === true ? undefined : status?.lastState?.terminated);
  if (status === undefined) return undefined;
  const { image } = status;
  if (state?.running?.startedAt) {
    const startedMs = parseTimeMs(state.running.startedAt) ?? 0;
    const finishedMs = async (): Promise<number | undefined> =>
      endOf(statusOf(await podNow(), query.container), status, startedMs);
    return { image, startedMs, finishedMs };
  }
  if (!ended?.startedAt) return undefined;
  const finishedMs = parseTimeMs(ended.finishedAt ?? ended.startedAt) ?? 0;
  return { image, startedMs: parseTimeMs(ended.startedAt) ?? 0, finishedMs: () => finishedMs };
}

/** When the run that `before` tells of ended; undefined while it goes on. One of which nothing is said any more wrote nothing more. */
function endOf(
  now: ContainerStatus | undefined,
  before: ContainerStatus,
  startedMs: number,
): number | undefined {
  const { containerID } = before;
  if (now?.state?.running !== undefined && now.containerID === containerID) return undefined;
  const ends = [now?.state?.terminated, now?.lastState?.terminated];
  const end = ends.find((one) => one !== undefined && one.containerID === containerID);
  return parseTimeMs(end?.finishedAt ?? "") ?? startedMs;
}

function format(run: Run, index: number, withTime: boolean): string {
  const atMs = run.startedMs + index * lineEveryMs;
  const text =
    index === 0 ? `${run.image} started (simulated container)` : `alive for ${(index * lineEveryMs) / 1000}s`;
  return `${withTime ? `${formatTime(atMs).replace("Z", ".000000000Z")} ` : ""}${text}\n`;
}

/** Chunks of text: first what is there, then, with `follow`, each new line until the container, the limit or the signal ends it. */
export async function* logOf(
  run: Run,
  query: LogQuery,
  { clock, signal }: LogContext,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let leftBytes = query.limitBytes ?? Infinity;
  const linesTo = (from: number, to: number): Uint8Array => {
    let text = "";
    for (let i = from; i < to; i++) text += format(run, i, query.timestamps === true);
    const bytes = encoder.encode(text);
    const taken = bytes.length <= leftBytes ? bytes : bytes.subarray(0, leftBytes);
    leftBytes -= taken.length;
    return taken;
  };
  const countAt = (ms: number): number =>
    Math.floor((Math.max(run.startedMs, ms) - run.startedMs) / lineEveryMs) + 1;
  let finishedMs = await run.finishedMs();
  let next = countAt(finishedMs ?? clock.nowMs());
  let first = Math.max(0, next - Math.min(query.tailLines ?? linesMax, linesMax));
  if (query.sinceMs !== undefined)
    first = Math.max(first, Math.ceil((query.sinceMs - run.startedMs) / lineEveryMs));
  yield linesTo(first, next);
  while (query.follow === true && finishedMs === undefined && leftBytes > 0) {
    try {
      await sleep(clock, lookEveryMs, signal);
    } catch {
      return;
    }
    finishedMs = await run.finishedMs();
    const count = countAt(finishedMs ?? clock.nowMs());
    if (count > next) yield linesTo(next, count);
    next = Math.max(next, count);
  }
}

/**
 * What a simulated container has written: the same lines for the same run whenever one asks, going on while it runs.
 * Not here: the rules of `pods/log` (apiserver/resources), which have checked the container already.
 */
import type { Pod } from "../../../api/index.ts";
import { type Clock, sleep } from "../../../base/index.ts";
import { formatTime, parseTimeMs } from "../../../machinery/index.ts";
import type { LogQuery } from "../pod-runtime.ts";

/** A simulated container writes one line this often. */
const lineEveryMs = 10_000;
/** Lines of the past that one request can get: a day's worth. */
const linesMax = 8_640;

interface Run {
  readonly image: string;
  readonly startedMs: number;
  /** Undefined while the container runs, as far as is known. */
  finishedMs(): number | undefined;
}

interface LogContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The run asked for as the pod's status tells of it, or undefined when there was none. */
function runOf(pod: Pod, query: LogQuery): Run | undefined {
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const status = all.find(({ name }) => name === query.container);
  const state = query.previous === true ? status?.lastState : status?.state;
  const ended = state?.terminated ?? (query.previous === true ? undefined : status?.lastState?.terminated);
  if (status === undefined) return undefined;
  const { image } = status;
  if (state?.running?.startedAt)
    return { image, startedMs: parseTimeMs(state.running.startedAt) ?? 0, finishedMs: () => undefined };
  if (!ended?.startedAt) return undefined;
  const finishedMs = parseTimeMs(ended.finishedAt ?? ended.startedAt) ?? 0;
  return { image, startedMs: parseTimeMs(ended.startedAt) ?? 0, finishedMs: () => finishedMs };
}

function lineAt(run: Run, index: number): { readonly atMs: number; readonly text: string } {
  const atMs = run.startedMs + index * lineEveryMs;
  const text =
    index === 0 ? `${run.image} started (simulated container)` : `alive for ${(index * lineEveryMs) / 1000}s`;
  return { atMs, text };
}

function format(run: Run, index: number, withTime: boolean): string {
  const { atMs, text } = lineAt(run, index);
  return `${withTime ? `${formatTime(atMs).replace("Z", ".000000000Z")} ` : ""}${text}\n`;
}

/** The log of a container as its pod's status tells of it: who asks may be far from the runtime. Nothing when it never ran. */
export function simulatedLog(pod: Pod, query: LogQuery, context: LogContext): AsyncIterable<Uint8Array> {
  const run = runOf(pod, query);
  return run === undefined ? nothing() : logOf(run, query, context);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Chunks of text: first what is there, then, with `follow`, each new line until the container or the signal ends it. */
export async function* logOf(
  run: Run,
  query: LogQuery,
  { clock, signal }: LogContext,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const withTime = query.timestamps === true;
  const countAt = (ms: number): number =>
    Math.floor((Math.max(run.startedMs, ms) - run.startedMs) / lineEveryMs) + 1;
  let next = countAt(run.finishedMs() ?? clock.nowMs());
  let first = Math.max(0, next - Math.min(query.tailLines ?? linesMax, linesMax));
  if (query.sinceMs !== undefined)
    first = Math.max(first, Math.ceil((query.sinceMs - run.startedMs) / lineEveryMs));
  let text = "";
  for (let i = first; i < next; i++) text += format(run, i, withTime);
  const bytes = encoder.encode(text);
  yield query.limitBytes === undefined ? bytes : bytes.subarray(0, query.limitBytes);
  if (query.follow !== true) return;
  while (run.finishedMs() === undefined) {
    const dueMs = run.startedMs + next * lineEveryMs;
    try {
      await sleep(clock, Math.max(0, dueMs - clock.nowMs()), signal);
    } catch {
      return;
    }
    if (run.finishedMs() === undefined) yield encoder.encode(format(run, next++, withTime));
  }
}

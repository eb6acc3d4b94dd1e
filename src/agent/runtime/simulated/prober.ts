/**
 * Probes of simulated containers: they serve once the longest `initialDelaySeconds` of a readiness probe is over.
 * Not here: the words `never-ready`, `crash-loop` and `fails` themselves (behaviour.ts), the end of a container (runtime.ts).
 */
import type { Pod } from "../../../api/index.ts";
import type { Clock, Timer } from "../../../base/index.ts";
import type { Prober, Probing } from "../prober.ts";
import { podBehaviour, type SimulatedTimes } from "./behaviour.ts";
import type { SimulatedMachine } from "./machine.ts";

/** A run about which nothing more is told. Shared, since most runs of a fleet are of these two kinds. */
const ready: Probing = { isReady: true, stop() {} };
const notReady: Probing = { isReady: false, stop() {} };

export class SimulatedProber implements Prober {
  readonly #machine: SimulatedMachine;
  readonly #times: SimulatedTimes;

  constructor(machine: SimulatedMachine, times: SimulatedTimes) {
    this.#machine = machine;
    this.#times = times;
  }

  watch(
    pod: Pod,
    since: { readonly startedMs: number; readonly wasReady?: boolean },
    tell: () => void,
  ): Probing {
    const { clock, timings } = this.#times;
    const { troubles } = podBehaviour(pod, this.#machine.node, timings);
    const delayMs = troubles.has("never-ready") ? Number.POSITIVE_INFINITY : readinessDelayMs(pod);
    if (since.wasReady ?? delayMs === 0) return ready;
    const endsFirst = troubles.has("crash-loop") || troubles.has("fails");
    if (delayMs === Number.POSITIVE_INFINITY || endsFirst) return notReady;
    return new DelayedReadiness(clock, Math.max(0, delayMs - (clock.nowMs() - since.startedMs)), tell);
  }
}

class DelayedReadiness implements Probing {
  isReady = false;
  readonly #timer: Timer;

  constructor(clock: Clock, delayMs: number, tell: () => void) {
    this.#timer = clock.after(delayMs, () => {
      this.isReady = true;
      tell();
    });
  }

  stop(): void {
    this.#timer.cancel();
  }
}

function readinessDelayMs(pod: Pod): number {
  const delays = (pod.spec?.containers ?? []).map(
    ({ readinessProbe }) => readinessProbe?.initialDelaySeconds ?? 0,
  );
  return Math.max(0, ...delays) * 1_000;
}

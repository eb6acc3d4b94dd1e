/**
 * Namespaces that refused an event because they are being deleted. When a namespace goes, hundreds of events are about what
 * was in it, and each would be refused. Not here: the refusal (event-recorder.ts).
 */
import type { Clock } from "../../base/index.ts";

/** How long a refusal counts: a namespace of the same name may come back. */
const rememberMs = 10_000;
/** Namespaces that are remembered at once; beyond that the oldest is asked again. */
const namespacesMax = 1024;

export class RefusedNamespaces {
  readonly #clock: Clock;
  /** In the order in which they refused. */
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(namespace: string): void {
    this.#untilMs.delete(namespace);
    this.#untilMs.set(namespace, this.#clock.monotonicMs() + rememberMs);
    const [oldest] = this.#untilMs.keys();
    if (this.#untilMs.size > namespacesMax) this.#untilMs.delete(oldest!);
  }

  has(namespace: string): boolean {
    const untilMs = this.#untilMs.get(namespace);
    if (untilMs === undefined) return false;
    if (this.#clock.monotonicMs() < untilMs) return true;
    this.#untilMs.delete(namespace);
    return false;
  }
}

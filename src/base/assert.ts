/** Defects: conditions that cannot be false unless our own code is wrong. */

/** @throws Error with `message` and the values when `condition` is false. */
export function assert(condition: unknown, message: string, values?: unknown): asserts condition {
  if (!condition)
    throw new Error(`defect: ${message}${values === undefined ? "" : ` ${JSON.stringify(values)}`}`);
}

/** Marks a place that a closed union cannot reach; the parameter makes the compiler check it. */
export function unreachable(value: never, what: string): never {
  throw new Error(`defect: unexpected ${what}: ${JSON.stringify(value)}`);
}

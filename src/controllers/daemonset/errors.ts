/**
 * What failures mean, and joining those of a bulk step into one, as upstream's aggregate does.
 */
import { isInternalError, isServerTimeout, isTimeout, StatusError } from "../../machinery/index.ts";

/** Failures after which the server may have done it all the same. */
export function isUnanswered(error: unknown): boolean {
  return (
    !(error instanceof StatusError) || isTimeout(error) || isServerTimeout(error) || isInternalError(error)
  );
}

/** One error as it is; several as an AggregateError whose message lists the distinct ones. */
export function joinErrors(errors: readonly unknown[]): unknown {
  if (errors.length <= 1) return errors[0];
  const messages = [...new Set(errors.map(messageOf))];
  const text = messages.length === 1 ? messages[0]! : `[${messages.join(", ")}]`;
  return new AggregateError(errors, text);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs all at once, waits for all, throws what failed. */
export async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).filter((result) => result.status === "rejected");
  if (failed.length > 0) throw joinErrors(failed.map((result): unknown => result.reason));
}

/**
 * Why a call to a runtime failed, in the few kinds that the code above a runtime tells apart.
 * Not here: what a pod's status says of it (pods/).
 */

/** `failed` is everything that has no kind of its own; a runtime's text is for people. */
export type RuntimeFailure = "not-found" | "exists" | "failed";

export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly code: RuntimeFailure;

  constructor(code: RuntimeFailure, message: string) {
    super(message);
    this.code = code;
  }
}

/** True for an answer that there is no such sandbox, container or image. */
export function isNotInRuntime(error: unknown): boolean {
  return error instanceof RuntimeError && error.code === "not-found";
}

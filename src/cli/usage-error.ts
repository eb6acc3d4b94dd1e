/** An error that the user can correct: one line with the reason and one with a hint; exit code 1, no stack. */
export class UsageError extends Error {
  readonly hint: string;
  override readonly name = "UsageError";

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/** Works across module copies, as the predicates of machinery do. */
export function isUsageError(error: unknown): error is UsageError {
  return error instanceof Error && error.name === "UsageError" && "hint" in error;
}

/** Runs a command until it ends or a signal stops the process; a second signal stops it at once. */

/** Exit code of a shell for a process ended by SIGINT. */
const interruptedExitCode = 130;

/** `work` gets a signal that aborts on SIGINT, SIGTERM or SIGHUP; it then has to end by itself. */
export async function runUntilSignal(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(interruptedExitCode);
    controller.abort(new Error("told to stop"));
  };
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, stop);
  try {
    await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted || error !== controller.signal.reason) throw error;
  } finally {
    for (const name of names) process.off(name, stop);
  }
}

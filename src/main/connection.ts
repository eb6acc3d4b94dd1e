/** How commands find the API server: kubeconfig, environment, or a pod's service account. Failures are UsageErrors. */
import { UsageError } from "../cli/index.ts";
import { type Connection, loadKubeconfig } from "../client/index.ts";

/** @throws UsageError when none of them names a server. */
export async function connectionFor(options: {
  readonly kubeconfig?: string;
  readonly context?: string;
}): Promise<Connection> {
  try {
    return await loadKubeconfig({
      ...(options.kubeconfig === undefined ? {} : { path: options.kubeconfig }),
      ...(options.context === undefined ? {} : { context: options.context }),
      env: process.env,
    });
  } catch (error) {
    throw new UsageError((error as Error).message, "name a kubeconfig with --kubeconfig, or set KUBECONFIG", {
      cause: error,
    });
  }
}

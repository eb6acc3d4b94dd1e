/**
 * Writes a DaemonSet's status: a PUT of the cached object, and on any failure one more on a fresh one
 * (docs/spec/daemonset-controller.md#15).
 * Not here: the numbers (status.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, storeDaemonSetStatus.
 */
import { type DaemonSet, daemonsets } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import { addressOf } from "./claim.ts";
import { type StatusNumbers, withStatus } from "./status.ts";

export interface StatusWrite {
  readonly daemonSet: DaemonSet;
  readonly numbers: StatusNumbers;
  /** Given by a full sync only. */
  readonly observedGeneration: number | undefined;
}

/**
 * @returns the stored object, undefined when nothing had to be written, `gone` when the DaemonSet does not exist any more.
 * @throws the error of the fresh look, or of the second write; nothing is tried a third time.
 */
export async function writeStatus(
  client: Client,
  write: StatusWrite,
): Promise<DaemonSet | "gone" | undefined> {
  const { daemonSet, numbers, observedGeneration } = write;
  const wanted = withStatus(daemonSet, numbers, observedGeneration);
  if (wanted === undefined) return undefined;
  try {
    return await client.update(daemonsets, wanted, { subresource: "status" });
  } catch {
    // Whatever it was, most often a conflict: the second try tells.
    const live = await find(client, daemonSet);
    if (live === undefined || live.metadata.uid !== daemonSet.metadata.uid) return "gone";
    const again = withStatus(live, numbers, observedGeneration);
    return again === undefined ? undefined : client.update(daemonsets, again, { subresource: "status" });
  }
}

async function find(client: Client, daemonSet: DaemonSet): Promise<DaemonSet | undefined> {
  try {
    return await client.get(daemonsets, addressOf(daemonSet));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What the pods of one node need of it. Not here: who gives it (pod-workers.ts). */
import type { Pod } from "../../api/index.ts";
import type { Clock, Log } from "../../base/index.ts";
import type { PodRuntime } from "../runtime/pod-runtime.ts";
import type { Prober } from "../runtime/prober.ts";
import type { EventText } from "./event-texts.ts";
import type { StatusManager } from "./status-manager.ts";

export interface PodHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly runtime: PodRuntime;
  readonly prober: Prober;
  readonly status: StatusManager;
  readonly hostIP: string;
  /** While true nothing of this node reaches the server. */
  readonly isSilent: boolean;
  /** True once the agent stops. */
  readonly isStopped: boolean;
  /** Writes an Event about a container. */
  say(pod: Pod, container: string, text: EventText): void;
}

/**
 * What happens to containers on a node: which event leads from which state to which, and what is done. Pure, and complete by type.
 * Not here: the pod around them (pod-table.ts), how an effect is done (app-containers.ts). The page is SPEC.md.
 * A state is what the pod's status shows. An attempt to start that is under way leaves it as it is.
 *
 *   starting ─────▶ running ⇄ crashed          each ─▶ stopped
 *      └─▶ pull-failed ⇄ pull-back-off ─▶ running
 *      └─▶ start-failed ─▶ running
 */

export type ContainerState =
  | "starting"
  /** An image could not be pulled; the back-off comes next. */
  | "pull-failed"
  /** Waits before it pulls again, or pulls again. */
  | "pull-back-off"
  /** The runtime could not make or start a container; tried again after a pause. */
  | "start-failed"
  | "running"
  /** Ended by itself, and waits to be started again. */
  | "crashed"
  /** Ended for good. */
  | "stopped";

export type ContainerEvent =
  | "begin"
  /** An agent that starts anew finds them running. */
  | "adopted"
  | "pull-failed"
  | "start-failed"
  | "started"
  /** They ended by themselves, and no back-off is due yet. */
  | "exited-first"
  /** They ended by themselves, and start again after a back-off. */
  | "exited-again"
  /** The pause is over. */
  | "due"
  | "readiness-changed"
  | "images-changed"
  | "stopped";

export type ContainerEffect =
  /** Begins an attempt: see that the run before has ended, pull what must be pulled, create, start. One that is under way is given up. */
  | "start"
  /** Begins an attempt without a pull. */
  | "start-again"
  /** The next run is another one. */
  | "count"
  | "probe"
  /** As `probe`, but what was known of their readiness holds until it changes. */
  | "resume-probing"
  | "stop-probing"
  | "report"
  | "say-pull-failed"
  | "say-pull-back-off"
  | "say-start-failed"
  | "say-crash-back-off"
  | "say-replaced"
  /** From a failed pull to the word of its back-off. */
  | "pause"
  /** Grows with each failure in a row. */
  | "back-off"
  /** Grows with each run. */
  | "crash-back-off";

type Cell = readonly [next: ContainerState, ...effects: ContainerEffect[]];

const pullFailed: Cell = ["pull-failed", "say-pull-failed", "report", "pause"];
const startFailed: Cell = ["start-failed", "say-start-failed", "report", "back-off"];
const started: Cell = ["running", "probe", "report"];

export const containerTable: Readonly<Record<ContainerState, Readonly<Record<ContainerEvent, Cell>>>> = {
  starting: {
    begin: ["starting", "report", "start"],
    adopted: ["running", "resume-probing"],
    "pull-failed": pullFailed,
    "start-failed": startFailed,
    started,
    "exited-first": ["starting"],
    "exited-again": ["starting"],
    due: ["starting"],
    "readiness-changed": ["starting"],
    "images-changed": ["starting", "start"],
    stopped: ["stopped"],
  },
  "pull-failed": {
    begin: ["pull-failed"],
    adopted: ["pull-failed"],
    "pull-failed": pullFailed,
    "start-failed": startFailed,
    started,
    "exited-first": ["pull-failed"],
    "exited-again": ["pull-failed"],
    due: ["pull-back-off", "say-pull-back-off", "report", "back-off"],
    "readiness-changed": ["pull-failed"],
    "images-changed": ["pull-failed", "start"],
    stopped: ["stopped"],
  },
  "pull-back-off": {
    begin: ["pull-back-off"],
    adopted: ["pull-back-off"],
    "pull-failed": pullFailed,
    "start-failed": startFailed,
    started,
    "exited-first": ["pull-back-off"],
    "exited-again": ["pull-back-off"],
    due: ["pull-back-off", "start"],
    "readiness-changed": ["pull-back-off"],
    "images-changed": ["pull-back-off", "start"],
    stopped: ["stopped"],
  },
  "start-failed": {
    begin: ["start-failed"],
    adopted: ["start-failed"],
    "pull-failed": pullFailed,
    "start-failed": startFailed,
    started,
    "exited-first": ["start-failed"],
    "exited-again": ["start-failed"],
    due: ["start-failed", "start"],
    "readiness-changed": ["start-failed"],
    "images-changed": ["start-failed", "start"],
    stopped: ["stopped"],
  },
  running: {
    begin: ["running"],
    adopted: ["running"],
    "pull-failed": pullFailed,
    "start-failed": startFailed,
    started,
    "exited-first": ["running", "stop-probing", "count", "start-again"],
    "exited-again": ["crashed", "stop-probing", "say-crash-back-off", "report", "crash-back-off"],
    due: ["running"],
    "readiness-changed": ["running", "report"],
    "images-changed": ["running", "say-replaced", "stop-probing", "count", "start"],
    stopped: ["stopped"],
  },
  crashed: {
    begin: ["crashed"],
    adopted: ["crashed"],
    "pull-failed": pullFailed,
    "start-failed": startFailed,
    started,
    "exited-first": ["crashed"],
    "exited-again": ["crashed"],
    due: ["crashed", "count", "start-again"],
    "readiness-changed": ["crashed"],
    "images-changed": ["crashed", "say-replaced", "count", "start"],
    stopped: ["stopped"],
  },
  stopped: {
    begin: ["stopped"],
    adopted: ["stopped"],
    "pull-failed": ["stopped"],
    "start-failed": ["stopped"],
    started: ["stopped"],
    "exited-first": ["stopped"],
    "exited-again": ["stopped"],
    due: ["stopped"],
    "readiness-changed": ["stopped"],
    "images-changed": ["stopped"],
    stopped: ["stopped"],
  },
};

/**
 * What became of a failed pod, in words for the event of its deletion: the pod and its log are gone when somebody reads
 * it (docs/spec/daemonset-controller.md#23.25). Pure. Not here: the event itself (apply.ts).
 */
import type { ContainerStatus, Pod } from "../../api/index.ts";

/** Characters of a message that are quoted: enough for the first line of a stack, too few to fill the event. */
const quotedMax = 200;
/** Containers told of; the first ones that failed say most. */
const containersMax = 4;

/** Reason, message and exit codes as the pod's status gives them; "" when it gives none. Bounded. */
export function failureText(pod: Pod | undefined): string {
  const { reason, message, initContainerStatuses = [], containerStatuses = [] } = pod?.status ?? {};
  const exits = [...initContainerStatuses, ...containerStatuses].flatMap(exitText).slice(0, containersMax);
  return [
    ...(reason ? [`reason ${reason}`] : []),
    ...(message ? [`message ${quoted(message)}`] : []),
    ...exits,
  ].join(", ");
}

/** Of a container that ended with another code than 0, now or before its last restart. */
function exitText({ name, state, lastState }: ContainerStatus): readonly string[] {
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended === undefined || ended.exitCode === 0) return [];
  const why = ended.reason ? ` (${ended.reason})` : "";
  const said = ended.message ? `: ${quoted(ended.message)}` : "";
  return [`container ${name} exited with code ${ended.exitCode}${why}${said}`];
}

function quoted(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return JSON.stringify(line.length <= quotedMax ? line : `${line.slice(0, quotedMax)}…`);
}

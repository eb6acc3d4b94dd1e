/**
 * What must hold of every verdict: its reasons and its actions fit together, both ways. Nothing is decided here; what is
 * looked at is the verdict alone.
 */
import type { PodSeen, Verdict } from "../controllers/daemonset/explain.ts";
import type { Stopped } from "../controllers/daemonset/reasons.ts";

/** What is wrong with the verdict, as texts. */
export function verdictTroubles(verdict: Verdict): readonly string[] {
  return [...placementTroubles(verdict), ...deletionTroubles(verdict), ...rolloutTroubles(verdict)].map(
    (text) => `${verdict.node}: ${text}; ${JSON.stringify(verdict)}`,
  );
}

function stops({ reasons }: Verdict, stopped: Stopped): boolean {
  return reasons.some((reason) => reason.stops.includes(stopped));
}

const isLive = ({ pod }: PodSeen): boolean => !pod.isTerminating;

/**
 * A node is wanted if nothing stops that; one that needs a pod gets it, or something stops that. A pod that has to be
 * deleted first may be what waits.
 */
function placementTroubles(verdict: Verdict): string[] {
  const { isWanted, has, actions } = verdict;
  const troubles: string[] = [];
  const isStopped = stops(verdict, "create");
  if (isWanted === undefined) return actions.length === 0 ? [] : ["something is done, and nothing is known"];
  if (isWanted === stops(verdict, "run"))
    troubles.push(isWanted ? "wanted, and stopped" : "unwanted for no reason");
  const creates = actions.some((action) => action.do === "create" && action.because === "missing");
  if (creates && !isWanted) troubles.push("a pod is created where none is wanted");
  if (creates && isStopped) troubles.push("a pod is created although something stops it");
  const isServed = has.some((one) => isLive(one) && one.pod.life === "running");
  const isWaiting = isStopped || stops(verdict, "delete");
  if (isWanted && !isServed && actions.length === 0 && !isWaiting)
    troubles.push("no pod is created, for no reason");
  if (isWanted && has.length === 0 && !creates && !isStopped) troubles.push("a missing pod is not created");
  return troubles;
}

/** A pod that has ended or may not stay goes, or something stops that. */
function deletionTroubles(verdict: Verdict): string[] {
  const { has, actions, reasons, isWanted } = verdict;
  if (isWanted === undefined) return [];
  const mayNotStay = stops(verdict, "stay");
  return has.filter(isLive).flatMap(({ pod }) => {
    const goes = actions.some((action) => action.do === "delete" && action.uid === pod.uid);
    const stopping = reasons.filter((reason) => reason.stops.includes("delete"));
    const own = stopping.filter((reason) => "pod" in reason && reason.pod === pod.name);
    const general = stopping.filter((reason) => !("pod" in reason));
    if (goes && own.length > 0 && !isReplaced(verdict, pod.uid))
      return [`${pod.name} is deleted although it may not be`];
    const isOver = pod.life !== "running";
    if ((mayNotStay || isOver) && !goes && own.length + general.length === 0)
      return [`${pod.name} has ended or may not stay, and stays`];
    return [];
  });
}

/** A roll-out may delete what placement leaves alone. */
function isReplaced({ actions }: Verdict, uid: string): boolean {
  return actions.some(
    (action) =>
      action.do === "delete" &&
      action.uid === uid &&
      (action.because === "outdated" || action.because === "replaced"),
  );
}

/** Of roll-outs alone; placement too deletes pods that were replaced. */
const rolloutReasons: ReadonlySet<string> = new Set(["surge", "outdated"]);

/** An old pod makes way, or something stops that. */
function rolloutTroubles(verdict: Verdict): string[] {
  const { has, actions, reasons } = verdict;
  const isOverdue = reasons.some((reason) => reason.why === "BudgetExhausted" && reason.place < 1);
  if (isOverdue) return ["it is the node's turn, and the budget is said to be exhausted"];
  const old = has.filter((one) => isLive(one) && !one.isUpToDate);
  const isRolling = actions.some(({ because }) => rolloutReasons.has(because));
  const isStopped = stops(verdict, "replace");
  const troubles = isRolling && isStopped ? ["an old pod makes way although something stops it"] : [];
  if (verdict.isWanted === undefined || old.length === 0 || isStopped || isRolling) return troubles;
  const stays = old.filter(
    ({ pod }) => !actions.some((action) => action.do === "delete" && action.uid === pod.uid),
  );
  return stays.map(({ pod }) => `old pod ${pod.name} does not make way, for no reason`);
}

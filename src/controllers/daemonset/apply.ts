/**
 * Does what a plan says (docs/spec/daemonset-controller.md#10): creates in slow-start batches, deletes all at once, with
 * expectations set before and lowered for what failed or was never tried. Every write has its event on the DaemonSet.
 * Not here: what to do (plan.ts, rolling-update.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, syncNodes.
 * Differs: expectations by name and UID (#23.2), lowered for a terminating namespace (#23.3), deletes carry the UID, and
 * a pod that was never bound goes only if it is as it was seen; names are made here, so that a create whose answer was lost is
 * not done twice; a delete without an answer is still awaited.
 */
import { type DaemonSet, type Pod, pods, targetNodeName } from "../../api/index.ts";
import { type Log, nameSuffix, type Random, withMembers } from "../../base/index.ts";
import type { Client, EventRecorder, Expectations } from "../../client/index.ts";
import {
  controllerOf,
  hasStatusCause,
  isAlreadyExists,
  isConflict,
  isNotFound,
} from "../../machinery/index.ts";
import { isUnanswered, joinErrors, messageOf } from "./errors.ts";
import { failureText } from "./failed-pod.ts";
import type { Action } from "./plan.ts";
import type { TrackedDaemonSet } from "./tracked-daemonset.ts";

/** First batch of creates; doubles while all of a batch succeed. Upstream's figure. */
const slowStartBatch = 1;
/** Tries of one create whose generated name was taken: five letters of 27 collide now and then among 15,000 pods. */
const nameTriesMax = 4;
/** Letters of a generated name's end, and the longest beginning: upstream's figures. */
const nameSuffixLength = 5;
const namePrefixMax = 58;

type Create = Extract<Action, { do: "create" }>;
type Delete = Extract<Action, { do: "delete" }>;

export interface ApplyDependencies {
  readonly client: Client;
  readonly expectations: Expectations;
  readonly recorder: EventRecorder;
  readonly log: Log;
  readonly random: Random;
}

export interface ApplyTask {
  readonly daemonSet: DaemonSet;
  readonly tracked: TrackedDaemonSet;
  readonly actions: readonly Action[];
  /** @throws when the template makes no valid pod. */
  podFor(node: string): Pod;
  /** The pod of that name as last seen. */
  cached(name: string): Pod | undefined;
}

/** @throws one error or an AggregateError when anything failed; all deletes have been tried then. */
export async function apply(task: ApplyTask, dependencies: ApplyDependencies): Promise<void> {
  const creates = task.actions.filter((action) => action.do === "create");
  const deletes = task.actions.filter((action) => action.do === "delete");
  const { uid } = task.tracked;
  dependencies.expectations.expectCreations(uid, creates.length);
  dependencies.expectations.expectDeletions(
    uid,
    deletes.map((action) => action.uid),
  );
  const errors = [
    ...(await createAll(creates, task, dependencies)),
    ...(await deleteAll(deletes, task, dependencies)),
  ];
  if (errors.length > 0) throw joinErrors(errors);
}

async function createAll(
  creates: readonly Create[],
  task: ApplyTask,
  dependencies: ApplyDependencies,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  let done = 0;
  for (let batch = slowStartBatch; done < creates.length && errors.length === 0; batch *= 2) {
    const part = creates.slice(done, done + batch);
    done += part.length;
    await Promise.all(
      part.map(async (action) => {
        const error = await createOne(action, task, dependencies);
        if (error !== undefined) errors.push(error);
      }),
    );
  }
  if (done < creates.length)
    dependencies.expectations.lowerCreations(task.tracked.uid, creates.length - done);
  return errors;
}

/** @returns the error to report, if any. */
async function createOne(
  { node }: Create,
  task: ApplyTask,
  dependencies: ApplyDependencies,
): Promise<unknown> {
  const { daemonSet, tracked } = task;
  const { expectations, recorder, log } = dependencies;
  try {
    const pod = await createNamed(node, task, dependencies);
    tracked.writes.written("pods", pod.metadata.resourceVersion ?? "");
    expectations.creationReturned(tracked.uid, pod.metadata.name ?? "", pod.metadata.resourceVersion);
    if (targetNodeName(pod) !== node) {
      log.warn("created pod does not name its node any more", {
        daemonSet: tracked.key,
        pod: pod.metadata.name,
        node,
      });
      if (targetNodeName(pod) === undefined) tracked.rememberNode(pod, node);
    }
    recorder.event(daemonSet, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name ?? ""}`);
    return undefined;
  } catch (error) {
    expectations.lowerCreations(tracked.uid, 1);
    if (hasStatusCause(error, "NamespaceTerminating")) return undefined;
    recorder.event(daemonSet, "Warning", "FailedCreate", `Error creating: ${messageOf(error)}`);
    return error;
  }
}

/**
 * Creates the pod under a name that is chosen here and formed as the server forms generated ones. When the answer is lost,
 * the node's next tries use the same name until one of them is answered for good. So a pod that was created after all is
 * found, and never created twice.
 */
async function createNamed(
  node: string,
  task: ApplyTask,
  { client, random }: ApplyDependencies,
): Promise<Pod> {
  const { writes } = task.tracked;
  const pod = task.podFor(node);
  for (let tried = 1; ; tried++) {
    const kept = writes.nameFor(node);
    const name = kept ?? generatedName(pod, random);
    try {
      const created = await client.create(pods, { ...pod, metadata: withMembers(pod.metadata, { name }) });
      writes.createAnswered(node);
      return created;
    } catch (error) {
      if (isUnanswered(error)) writes.createUnanswered(node, name);
      if (!isAlreadyExists(error)) throw error;
      const existing = kept === undefined ? undefined : await findOwn(name, task, client);
      writes.createAnswered(node);
      if (existing !== undefined) return existing;
      if (tried >= nameTriesMax) throw error;
    }
  }
}

function generatedName(pod: Pod, random: Random): string {
  const prefix = (pod.metadata.generateName ?? "").slice(0, namePrefixMax);
  return `${prefix}${nameSuffix(random, nameSuffixLength)}`;
}

/** The live pod of that name if it is this DaemonSet's and not on its way out. */
async function findOwn(name: string, { tracked }: ApplyTask, client: Client): Promise<Pod | undefined> {
  try {
    const pod = await client.get(pods, { namespace: tracked.namespace, name });
    const isOurs = controllerOf(pod)?.uid === tracked.uid && pod.metadata.deletionTimestamp === undefined;
    return isOurs ? pod : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function deleteAll(
  deletes: readonly Delete[],
  task: ApplyTask,
  dependencies: ApplyDependencies,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  await Promise.all(
    deletes.map(async (action) => {
      const error = await deleteOne(action, task, dependencies);
      if (error !== undefined) errors.push(error);
    }),
  );
  return errors;
}

/** A conflict means that another pod has the name now, or that the pod has changed and may stay: nothing is left to do. */
async function deleteOne(action: Delete, task: ApplyTask, dependencies: ApplyDependencies): Promise<unknown> {
  const { daemonSet, tracked } = task;
  const { client, expectations, recorder } = dependencies;
  announce(action, task, recorder);
  try {
    const address = { namespace: tracked.namespace, name: action.pod };
    const { uid, resourceVersion } = action;
    const preconditions = resourceVersion === undefined ? { uid } : { uid, resourceVersion };
    await client.delete(pods, address, { preconditions });
    recorder.event(daemonSet, "Normal", "SuccessfulDelete", `Deleted pod: ${action.pod}`);
    return undefined;
  } catch (error) {
    // A delete that was carried out without an answer is still awaited. A cache that lags would show the pod as serving.
    if (!isUnanswered(error) || !(await isLeaving(action, task, client)))
      expectations.deletionObserved(tracked.uid, action.uid);
    if (isConflict(error) && action.resourceVersion !== undefined) tracked.writes.deleteRefused(action.uid);
    if (isNotFound(error) || isConflict(error)) return undefined;
    recorder.event(daemonSet, "Warning", "FailedDelete", `Error deleting: ${messageOf(error)}`);
    return error;
  }
}

/** Asks the server whether the pod is terminating or gone. False when the server does not answer. */
async function isLeaving({ pod, uid }: Delete, { tracked }: ApplyTask, client: Client): Promise<boolean> {
  try {
    const { metadata } = await client.get(pods, { namespace: tracked.namespace, name: pod });
    return metadata.uid !== uid || metadata.deletionTimestamp !== undefined;
  } catch (error) {
    return isNotFound(error);
  }
}

/** Upstream's text first, because programs match on it. */
function announce(action: Delete, task: ApplyTask, recorder: EventRecorder): void {
  const { daemonSet, tracked } = task;
  const what = `daemon pod ${tracked.namespace}/${action.pod} on node ${action.node}, will try to`;
  if (action.because === "failed") {
    const why = failureText(task.cached(action.pod));
    const message = `Found failed ${what} kill it${why === "" ? "" : `: ${why}`}`;
    recorder.event(daemonSet, "Warning", "FailedDaemonPod", message);
  }
  if (action.because === "succeeded") {
    recorder.event(daemonSet, "Normal", "SucceededDaemonPod", `Found succeeded ${what} delete it`);
  }
}

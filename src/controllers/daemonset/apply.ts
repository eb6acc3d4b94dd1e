/**
 * Does what a plan says (section 10): creates in slow-start batches, deletes all at once, with expectations set before
 * and lowered for what failed or was never tried. Every write has its event on the DaemonSet.
 * Not here: what to do (plan.ts, rolling-update.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, syncNodes.
 * Differs: expectations by name and UID (23.2), lowered for a terminating namespace (23.3), deletes carry the UID, and a
 * generated name that is taken is tried again at once.
 */
import { type DaemonSet, type Pod, pods, targetNodeName } from "../../api/index.ts";
import type { Log } from "../../base/index.ts";
import type { Client, EventRecorder, Expectations } from "../../client/index.ts";
import { hasStatusCause, isAlreadyExists, isConflict, isNotFound } from "../../machinery/index.ts";
import { joinErrors, messageOf } from "./errors.ts";
import type { OwnWrites } from "./own-writes.ts";
import type { Action } from "./plan.ts";
import type { TrackedDaemonSet } from "./tracker.ts";

/** First batch of creates; doubles while all of a batch succeed. Upstream's figure. */
const slowStartBatch = 1;
/** Tries of one create whose generated name was taken: five letters of 27 collide now and then among 15,000 pods. */
const nameTriesMax = 4;

type Create = Extract<Action, { do: "create" }>;
type Delete = Extract<Action, { do: "delete" }>;

export interface ApplyDependencies {
  readonly client: Client;
  readonly expectations: Expectations;
  readonly ownWrites: OwnWrites;
  readonly recorder: EventRecorder;
  readonly log: Log;
}

export interface ApplyTask {
  readonly daemonSet: DaemonSet;
  readonly tracked: TrackedDaemonSet;
  readonly actions: readonly Action[];
  /** @throws when the template makes no valid pod. */
  podFor(node: string): Pod;
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
  const { expectations, ownWrites, recorder, log } = dependencies;
  try {
    const pod = await createNamed(task.podFor(node), dependencies.client);
    expectations.creationReturned(tracked.uid, pod.metadata.name ?? "");
    ownWrites.raise(tracked, "pods", pod.metadata.resourceVersion ?? "");
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

async function createNamed(pod: Pod, client: Client): Promise<Pod> {
  for (let tried = 1; ; tried++) {
    try {
      return await client.create(pods, pod);
    } catch (error) {
      if (tried >= nameTriesMax || !isAlreadyExists(error)) throw error;
    }
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

/** A conflict means that another pod has the name now: the one meant is gone. */
async function deleteOne(action: Delete, task: ApplyTask, dependencies: ApplyDependencies): Promise<unknown> {
  const { daemonSet, tracked } = task;
  const { client, expectations, recorder } = dependencies;
  announce(action, task, recorder);
  try {
    const address = { namespace: tracked.namespace, name: action.pod };
    await client.delete(pods, address, { preconditions: { uid: action.uid } });
    recorder.event(daemonSet, "Normal", "SuccessfulDelete", `Deleted pod: ${action.pod}`);
    return undefined;
  } catch (error) {
    expectations.deletionObserved(tracked.uid, action.uid);
    if (isNotFound(error) || isConflict(error)) return undefined;
    recorder.event(daemonSet, "Warning", "FailedDelete", `Error deleting: ${messageOf(error)}`);
    return error;
  }
}

function announce(action: Delete, { daemonSet, tracked }: ApplyTask, recorder: EventRecorder): void {
  const what = `daemon pod ${tracked.namespace}/${action.pod} on node ${action.node}, will try to`;
  if (action.because === "failed")
    recorder.event(daemonSet, "Warning", "FailedDaemonPod", `Found failed ${what} kill it`);
  if (action.because === "succeeded") {
    recorder.event(daemonSet, "Normal", "SucceededDaemonPod", `Found succeeded ${what} delete it`);
  }
}

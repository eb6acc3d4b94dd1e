/**
 * What a write may not be about, and what became of the object that it is about.
 * Not here: rules of kinds (api/), metadata (metadata.ts), the way of a write (writes.ts).
 */
import type { Kind } from "../../api/index.ts";
import {
  badRequest,
  conflict,
  isAlreadyExists,
  isNotFound,
  type KubeObject,
  StatusError,
  statusOf,
} from "../../machinery/index.ts";
import type { StoredObject } from "../watch-cache/encode.ts";
import type { Target } from "./change.ts";
import { uidFault } from "./metadata.ts";
import type { Served } from "./resource-registry.ts";

/** @throws StatusError 400 when the object says another place than the path. */
export function checkAddress(served: Served, object: KubeObject, target: Target): void {
  const { name, namespace } = object.metadata;
  if (name !== undefined && name !== "" && name !== target.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`);
  }
  checkNamespace(served, namespace, target.namespace);
}

export function checkNamespace(
  served: Served,
  namespace: string | undefined,
  wanted: string | undefined,
): void {
  if (!served.kind.resource.namespaced || !namespace || namespace === wanted) return;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** Whether it is the target that was not found; a plug-in may have found something else missing. */
export function isMissing(error: unknown, { kind }: Served, { name }: Target): boolean {
  if (!isNotFound(error)) return false;
  const { details } = statusOf(error);
  return details?.kind === kind.resource.resource && details.name === name;
}

/** Whether `error` says that there is an object of this name already. */
export function isTaken(error: unknown, { kind }: Served, name: string): boolean {
  if (!isAlreadyExists(error)) return false;
  const { details } = statusOf(error);
  return details?.kind === kind.resource.resource && details.name === name;
}

/** True when nothing holds an object back any more that is being deleted. */
export function isFinished(kind: Kind, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined || (finalizers !== undefined && finalizers.length > 0)) return false;
  if (deletionGracePeriodSeconds !== undefined && deletionGracePeriodSeconds > 0) return false;
  return kind.rules.isHeldBack?.(object) !== true;
}

/** As `checkUid`, of a PUT: upstream's store finds it, and words it. @throws StatusError 409. */
export function checkReplaced(
  { kind, storage }: Served,
  { namespace, name }: Target,
  { uid, before }: { readonly uid: string | undefined; readonly before: KubeObject },
): void {
  if (uid === undefined || uid === "" || uid === before.metadata.uid) return;
  const { resource } = storage.resource;
  const key = ["/registry", resource, ...(namespace === undefined ? [] : [namespace]), name].join("/");
  const fault = `AdditionalErrorMsg: ${uidFault(uid, before.metadata)}`;
  const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, ${fault}`;
  throw conflict(kind.resource, name, text);
}

/** `error` says that the name is taken; of an object that is going it is told. */
export function takenError(error: unknown, present: StoredObject | undefined): StatusError {
  const status = statusOf(error);
  const isGoing = present?.object.metadata.deletionTimestamp !== undefined;
  const message = isGoing ? `object is being deleted: ${status.message}` : status.message;
  return new StatusError({ ...status, ...(message === undefined ? {} : { message }) }, { cause: error });
}

/**
 * REFERENCE, not shipped: upstream's history of a DaemonSet: construct, snapshot, dedupe, clean up. See controller.ts.
 * From docs/spec/daemonset-controller.md#13; shares nothing with src/controllers/daemonset.
 */
import {
  type ControllerRevision,
  controllerrevisions,
  type DaemonSet,
  daemonsets,
  type DaemonSetStatus,
  type Pod,
  pods as podResource,
} from "../../src/api/index.ts";
import type { Client } from "../../src/client/index.ts";
import {
  canonicalJson,
  fnv1a32,
  isAlreadyExists,
  isNotFound,
  RawJson,
  safeEncode,
} from "../../src/machinery/index.ts";
import { addressOf, hashLabel, hashOf, ownerReference } from "./objects.ts";

export interface History {
  readonly current: ControllerRevision;
  readonly old: readonly ControllerRevision[];
}

/** @param claimedPods asked only when duplicates are found. */
export async function constructHistory(
  client: Client,
  daemonSet: DaemonSet,
  claimed: readonly ControllerRevision[],
  claimedPods: () => Promise<readonly Pod[]>,
): Promise<History> {
  const data = new RawJson(
    canonicalJson({ spec: { template: { ...daemonSet.spec.template, $patch: "replace" } } }),
  );
  const matching: ControllerRevision[] = [];
  const old: ControllerRevision[] = [];
  for (let revision of claimed) {
    if (hashOf(revision) === "") {
      const labels = { ...revision.metadata.labels, [hashLabel]: revision.metadata.name! };
      revision = await client.update(controllerrevisions, {
        ...revision,
        metadata: { ...revision.metadata, labels },
      });
    }
    (textOf(revision) === data.text ? matching : old).push(revision);
  }
  const number = old.reduce((highest, { revision }) => Math.max(highest, revision), 0) + 1;
  if (matching.length === 0) return { current: await snapshot(client, daemonSet, data, number), old };
  let current = matching.reduce((best, one) => (one.revision >= best.revision ? one : best));
  const duplicates = matching.filter((one) => one !== current);
  if (duplicates.length > 0) {
    const body = { metadata: { labels: { [hashLabel]: hashOf(current) } } };
    for (const pod of await claimedPods())
      if (hashOf(pod) !== hashOf(current))
        await client.patch(podResource, addressOf(pod), { type: "merge", body });
    for (const duplicate of duplicates) await remove(client, duplicate);
  }
  if (current.revision < number)
    current = await client.update(controllerrevisions, { ...current, revision: number });
  return { current, old };
}

function textOf({ data }: ControllerRevision): string {
  return data instanceof RawJson ? data.text : canonicalJson(data);
}

async function snapshot(
  client: Client,
  daemonSet: DaemonSet,
  data: RawJson,
  revision: number,
): Promise<ControllerRevision> {
  const { metadata, spec, status } = daemonSet;
  const hash = safeEncode(String(fnv1a32(`${data.text}/${status?.collisionCount ?? ""}`)));
  const wanted: ControllerRevision = {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace!,
      labels: { ...spec.template.metadata?.labels, [hashLabel]: hash },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [ownerReference(daemonSet)],
    },
    data,
    revision,
  };
  try {
    return await client.create(controllerrevisions, wanted);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const existing = await client.get(controllerrevisions, addressOf(wanted));
    if (textOf(existing) === data.text) return existing;
    const live = await client.get(daemonsets, addressOf(daemonSet));
    const count = live.status?.collisionCount;
    if (count !== status?.collisionCount) throw new Error("found a stale collision count", { cause: error });
    const counted = { ...(live.status as DaemonSetStatus), collisionCount: (count ?? 0) + 1 };
    await client.update(daemonsets, { ...live, status: counted }, { subresource: "status" });
    throw error;
  }
}

/** Clean-up (#13.6). */
export async function cleanUpHistory(
  client: Client,
  daemonSet: DaemonSet,
  old: readonly ControllerRevision[],
  claimed: readonly Pod[],
): Promise<void> {
  let surplus = old.length - (daemonSet.spec.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return;
  const live = new Set(claimed.map(hashOf));
  for (const revision of [...old].sort((a, b) => a.revision - b.revision)) {
    if (surplus <= 0) return;
    if (live.has(hashOf(revision))) continue;
    await remove(client, revision);
    surplus--;
  }
}

async function remove(client: Client, revision: ControllerRevision): Promise<void> {
  try {
    await client.delete(controllerrevisions, addressOf(revision));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** What the re-created upstream cases share: both strategies, pods of other owners. Only tests import this. */
import { test } from "vitest";
import { type DaemonSetUpdateStrategy, type Pod, pods, type PodSpec } from "../api/index.ts";
import type { ObjectMeta } from "../machinery/index.ts";
import { type DaemonSetFixture, onDelete, rollingUpdate, withDaemonSets } from "./daemonset-fixture.ts";

const strategies = { OnDelete: onDelete, RollingUpdate: rollingUpdate(1) };

/** Runs a case with both strategies, as upstream does. */
export function both(
  name: string,
  body: (fixture: DaemonSetFixture, updateStrategy: DaemonSetUpdateStrategy) => Promise<void>,
): void {
  for (const [label, strategy] of Object.entries(strategies)) {
    test(`${name} (${label})`, () => withDaemonSets((fixture) => body(fixture, strategy)));
  }
}

/** Requests a large share of `smallNode`: two such pods fill it. */
export const hungry: Partial<PodSpec> = {
  containers: [{ name: "main", image: "foo/bar", resources: { requests: { memory: "75M", cpu: "75m" } } }],
};
export const smallNode = { allocatable: { memory: "100M", cpu: "200m", pods: "100" } };

/** A pod that no DaemonSet owns. */
export async function foreignPod(
  fixture: DaemonSetFixture,
  spec: Partial<PodSpec>,
  metadata: Partial<ObjectMeta> = {},
): Promise<Pod> {
  const pod = await fixture.cluster.client.create<Pod>(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { generateName: "foreign-", namespace: "default", ...metadata },
    spec: {
      containers: [{ name: "main", image: "foo/bar" }],
      terminationGracePeriodSeconds: 0,
      ...spec,
    },
  });
  await fixture.settle();
  return pod;
}

export async function deletePod(fixture: DaemonSetFixture, pod: Pod): Promise<void> {
  await fixture.cluster.client.delete(pods, { namespace: "default", name: pod.metadata.name! });
  await fixture.settle();
}

/**
 * Objects that every cluster has from its first start: four namespaces and the system's priority classes.
 * Not here: service accounts and root CA config maps (controllers make them in every namespace).
 */
import { namespaces, priorityclasses, systemPriorities } from "../../api/index.ts";
import {
  apiVersionOf,
  type Draft,
  isAlreadyExists,
  type KubeObject,
  type Resource,
} from "../../machinery/index.ts";
import type { Writes } from "../registry/writes.ts";
import type { ResourceRegistry } from "../registry/resource-registry.ts";

const namespaceNames = ["default", "kube-system", "kube-public", "kube-node-lease"];

const priorityDescriptions: Readonly<Record<string, string>> = {
  "system-cluster-critical":
    "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  "system-node-critical": "Used for system critical pods that must not be moved from their current node.",
};

/** Creates what is missing; leaves what is there. */
export async function createSystemObjects(writes: Writes, resources: ResourceRegistry): Promise<void> {
  for (const name of namespaceNames)
    await createMissing(writes, resources, { resource: namespaces, name, members: { spec: {} } });
  for (const [name, value] of systemPriorities) {
    const members = { value, description: priorityDescriptions[name] ?? "" };
    await createMissing(writes, resources, { resource: priorityclasses, name, members });
  }
}

async function createMissing(
  writes: Writes,
  resources: ResourceRegistry,
  wanted: { readonly resource: Resource; readonly name: string; readonly members: object },
): Promise<void> {
  const { resource, name, members } = wanted;
  const target = resources.of(resource);
  if ((await writes.find(target, { name })) !== undefined) return;
  const object = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { name }, ...members };
  const writer = { user: { username: "system:apiserver", groups: ["system:masters"] }, isDryRun: false };
  try {
    await writes.createObject(target, object as Draft<KubeObject>, { writer });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

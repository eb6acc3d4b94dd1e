/** Small pods and nodes for tests, complete enough for controllers and for the server's validation. */
import type { Node, Pod, PodSpec } from "../api/index.ts";

/** A Ready node with 4 cpu, 8 GiB and room for 110 pods. */
export function makeNode(
  name: string,
  change: {
    readonly spec?: Node["spec"];
    readonly status?: Partial<NonNullable<Node["status"]>>;
    readonly labels?: Record<string, string>;
  } = {},
): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, uid: `node-${name}`, labels: { "kubernetes.io/hostname": name, ...change.labels } },
    spec: { ...change.spec },
    status: {
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
      conditions: [
        { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: "2026-01-01T00:00:00Z" },
      ],
      ...change.status,
    },
  };
}

/** A pod in `default` with one container that requests `requests`. */
export function makePod(
  name: string,
  change: {
    readonly spec?: Partial<PodSpec>;
    readonly requests?: Record<string, string>;
    readonly uid?: string;
  } = {},
): Pod {
  const { requests } = change;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", uid: change.uid ?? `pod-${name}` },
    spec: {
      containers: [
        { name: "main", image: "main:1", ...(requests === undefined ? {} : { resources: { requests } }) },
      ],
      ...change.spec,
    },
  };
}

/** The node affinity that the DaemonSet controller gives its pods. */
export function pinnedTo(...names: readonly string[]): Partial<PodSpec> {
  const nodeSelectorTerms = names.map((name) => ({
    matchFields: [{ key: "metadata.name", operator: "In", values: [name] }],
  }));
  return {
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  };
}

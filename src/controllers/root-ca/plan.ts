/**
 * What has to be done so that a namespace holds the cluster's certificate authority. Pure.
 * Upstream: kubernetes v1.35, pkg/controller/certificates/rootcacertpublisher/publisher.go.
 */
import type { ConfigMap, Namespace } from "../../api/index.ts";

export const configMapName = "kube-root-ca.crt";
export const descriptionKey = "kubernetes.io/description";
/** Upstream's text, which people see in `kubectl describe`. */
export const description: string =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the " +
  "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

export interface Snapshot {
  readonly namespace: Namespace | undefined;
  readonly configMap: ConfigMap | undefined;
  /** PEM text. */
  readonly rootCa: string;
}

export type Action =
  | { readonly do: "create"; readonly configMap: ConfigMap }
  | { readonly do: "update"; readonly configMap: ConfigMap }
  | { readonly do: "nothing" };

/** Foreign annotations and labels stay; data is exactly ours. */
export function plan({ namespace, configMap, rootCa }: Snapshot): Action {
  const name = namespace?.metadata.name;
  if (name === undefined || namespace?.metadata.deletionTimestamp !== undefined) return { do: "nothing" };
  if (namespace?.status?.phase === "Terminating") return { do: "nothing" };
  const data = { "ca.crt": rootCa };
  if (configMap === undefined) {
    const metadata = { namespace: name, name: configMapName, annotations: { [descriptionKey]: description } };
    return { do: "create", configMap: { apiVersion: "v1", kind: "ConfigMap", metadata, data } };
  }
  if (isOurs(configMap, rootCa)) return { do: "nothing" };
  const annotations = { ...configMap.metadata.annotations, [descriptionKey]: description };
  return {
    do: "update",
    configMap: { ...configMap, metadata: { ...configMap.metadata, annotations }, data },
  };
}

function isOurs(configMap: ConfigMap, rootCa: string): boolean {
  const data = configMap.data ?? {};
  return (
    data["ca.crt"] === rootCa &&
    Object.keys(data).length === 1 &&
    configMap.metadata.annotations?.[descriptionKey] === description
  );
}

/** The table of the core group: one line for each kind, with the constant of its resource. */
export { bindingKind, bindings } from "./binding.ts";
export { configMapKind, configmaps } from "./configmap.ts";
export { endpointsKind, endpoints } from "./endpoints.ts";
export { eventKind, events } from "./event.ts";
export { limitRangeKind, limitranges } from "./limitrange.ts";
export { namespaceKind, namespaces } from "./namespace.ts";
export { nodeKind, nodes } from "./node.ts";
export { persistentVolumeKind, persistentvolumes } from "./persistentvolume.ts";
export { persistentVolumeClaimKind, persistentvolumeclaims } from "./persistentvolumeclaim.ts";
export { podKind, pods } from "./pod/pod.ts";
export { replicationControllerKind, replicationcontrollers } from "./replicationcontroller.ts";
export { resourceQuotaKind, resourcequotas } from "./resourcequota.ts";
export { secretKind, secrets } from "./secret.ts";
export { serviceKind, services } from "./service/service.ts";
export { serviceAccountKind, serviceaccounts } from "./serviceaccount.ts";

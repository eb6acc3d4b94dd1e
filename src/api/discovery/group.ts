/** The table of the group discovery.k8s.io: one line for each kind, with the constant of its resource. */
export { endpointSliceKind, endpointslices } from "./endpointslice.ts";

/** The table of the group coordination.k8s.io: one line for each kind, with the constant of its resource. */
export { leaseKind, leases } from "./lease.ts";

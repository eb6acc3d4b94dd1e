/** The table of the group networking.k8s.io: one line for each kind, with the constant of its resource. */
export { ingressKind, ingresses } from "./ingress.ts";

/** The table of the group networking.k8s.io: one line for each kind, with the constant of its resource. */
export { ingressKind, ingresses } from "./ingress.ts";
export { ipAddressKind, ipaddresses } from "./ipaddress.ts";
export { serviceCidrKind, servicecidrs } from "./servicecidr.ts";

/**
 * Who the parts of this process are to the API server. The names are those that upstream's cluster roles are bound to.
 * Not here: clients on connections, whose certificates and tokens say who they are.
 */
import type { UserInfo } from "../machinery/index.ts";

const authenticated = "system:authenticated";

/** Of caches that all controllers share. */
export const controllerManager: UserInfo = {
  username: "system:kube-controller-manager",
  groups: [authenticated],
};

export const kubeScheduler: UserInfo = { username: "system:kube-scheduler", groups: [authenticated] };

/** Of many simulated nodes that share one client. */
export const nodeFleet: UserInfo = { username: "system:nodes", groups: ["system:nodes", authenticated] };

/** The user of the kubeconfig, for what a command does in the place of a person. */
export const kubernetesAdmin: UserInfo = {
  username: "kubernetes-admin",
  groups: ["system:masters", authenticated],
};

/** Each controller is a service account in `kube-system`, as upstream with `--use-service-account-credentials`. */
export function systemServiceAccount(name: string): UserInfo {
  return {
    username: `system:serviceaccount:kube-system:${name}`,
    groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", authenticated],
  };
}

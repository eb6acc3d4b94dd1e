/**
 * The users as which the parts of this process call the API server. Upstream binds its cluster roles to the same names.
 * Not here: clients on connections, which authenticate by certificates and tokens.
 */
import type { UserInfo } from "../machinery/index.ts";

const authenticated = "system:authenticated";

/** For the caches that all controllers share. */
export const controllerManager: UserInfo = {
  username: "system:kube-controller-manager",
  groups: [authenticated],
};

export const kubeScheduler: UserInfo = { username: "system:kube-scheduler", groups: [authenticated] };

/** For many simulated nodes that share one client. */
export const nodeFleet: UserInfo = { username: "system:nodes", groups: ["system:nodes", authenticated] };

/** The user of the kubeconfig, for what a command does on behalf of the administrator. */
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

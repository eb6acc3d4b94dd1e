/**
 * ServiceAccount: every pod names a service account, and the named one exists.
 * Not here: making the accounts (a controller). Tokens are not mounted.
 * Upstream: kubernetes v1.35, plugin/pkg/admission/serviceaccount.
 * Differs: `default` may not be there yet in a young namespace and is let through.
 */
import { type Pod, pods, serviceaccounts } from "../../api/index.ts";
import { type Draft, forbidden, notFound } from "../../machinery/index.ts";
import type { AdmissionPlugin } from "../admission/chain.ts";
import type { ObjectLister } from "../admission/lister.ts";

export function serviceAccount(lister: ObjectLister): AdmissionPlugin {
  return {
    name: "ServiceAccount",
    handles: { operations: ["CREATE"], resources: [pods] },
    admit({ object, name, namespace }) {
      const { spec } = object as Partial<Draft<Pod>>;
      if (spec === undefined) return;
      const account = spec.serviceAccountName ?? spec.serviceAccount ?? "default";
      spec.serviceAccountName = account;
      spec.serviceAccount = account;
      if (account === "default" || lister.get(serviceaccounts, { namespace, name: account }) !== undefined)
        return;
      const why = notFound(serviceaccounts, account).message.replace("serviceaccounts", "serviceaccount");
      throw forbidden(pods, name, `error looking up service account ${namespace}/${account}: ${why}`);
    },
  };
}

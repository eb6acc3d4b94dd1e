/**
 * Every active namespace has the service account `default`; it comes back when somebody deletes it.
 * Keys are names of namespaces. Not here: what is missing (plan.ts).
 */
import { namespaces, serviceaccounts } from "../../api/index.ts";
import { type Controller, type ControllerContext, createController } from "../../client/index.ts";
import { hasStatusCause, isAlreadyExists, isNotFound } from "../../machinery/index.ts";
import { plan } from "./plan.ts";

export interface ServiceAccountOptions {
  /** Names of the accounts that every namespace has. Default: `default`. */
  readonly accounts?: readonly string[];
}

/** Namespaces worked on at once: writes are small and a start meets many namespaces. */
const workers = 5;

export function createServiceAccountController(
  options: ServiceAccountOptions,
  context: ControllerContext,
): Controller {
  const { client, informers } = context;
  const wanted = options.accounts ?? ["default"];
  const namespaceInformer = informers.for(namespaces);
  const accountInformer = informers.for(serviceaccounts);
  const reconcile = async (name: string): Promise<void> => {
    const missing = plan({
      namespace: namespaceInformer.lister.get(name),
      wanted,
      has: (account) => accountInformer.lister.get(`${name}/${account}`) !== undefined,
    });
    for (const account of missing) {
      try {
        await client.create(serviceaccounts, account);
      } catch (error) {
        const isNamespaceGoing = isNotFound(error) || hasStatusCause(error, "NamespaceTerminating");
        if (!isAlreadyExists(error) && !isNamespaceGoing) throw error;
      }
    }
  };
  const controller = createController({ name: "service-account", workers, reconcile }, context);
  const { queue } = controller;
  namespaceInformer.addHandler({
    added: (namespace) => queue.add(namespace.metadata.name ?? ""),
    updated: (before, after) => {
      if (before.metadata.uid !== after.metadata.uid) queue.add(after.metadata.name ?? "");
    },
  });
  accountInformer.addHandler({ deleted: (account) => queue.add(account.metadata.namespace ?? "") });
  return controller;
}

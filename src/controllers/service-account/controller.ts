/**
 * Every active namespace has the service account `default`; it comes back when somebody deletes it.
 * Keys are names of namespaces. Not here: what is missing (plan.ts).
 */
import type { Clock, Log, Metrics, Random } from "../../base/index.ts";
import { namespaces, serviceaccounts } from "../../api/index.ts";
import {
  type Client,
  createWorkqueue,
  type EventRecorder,
  type InformerFactory,
} from "../../client/index.ts";
import { hasStatusCause, isAlreadyExists, isNotFound } from "../../machinery/index.ts";
import { plan } from "./plan.ts";

export interface ServiceAccountOptions {
  /** Names of the accounts that every namespace has. Default: `default`. */
  readonly accounts?: readonly string[];
}

export interface ServiceAccountDependencies {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder: EventRecorder;
}

/** Namespaces worked on at once: writes are small and a start meets many namespaces. */
const workers = 5;

export function createServiceAccountController(
  options: ServiceAccountOptions,
  { client, informers, clock, log, metrics }: ServiceAccountDependencies,
): { run(signal: AbortSignal): Promise<void> } {
  const wanted = options.accounts ?? ["default"];
  const queue = createWorkqueue({ name: "service-account", clock, log, metrics });
  const namespaceInformer = informers.for(namespaces);
  const accountInformer = informers.for(serviceaccounts);
  namespaceInformer.addHandler({
    added: (namespace) => queue.add(namespace.metadata.name ?? ""),
    updated: (before, after) => {
      if (before.metadata.uid !== after.metadata.uid) queue.add(after.metadata.name ?? "");
    },
  });
  accountInformer.addHandler({ deleted: (account) => queue.add(account.metadata.namespace ?? "") });

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

  return {
    run: async (signal) => {
      await informers.waitForSync(signal);
      await queue.run({ workers, reconcile, signal });
    },
  };
}

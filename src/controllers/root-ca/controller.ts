/**
 * Every active namespace has the ConfigMap `kube-root-ca.crt`; it is restored when somebody changes or deletes it.
 * Keys are names of namespaces. Not here: what has to be done (plan.ts).
 */
import { type ConfigMap, configmaps, namespaces } from "../../api/index.ts";
import {
  type Client,
  type Controller,
  type ControllerContext,
  createController,
} from "../../client/index.ts";
import { hasStatusCause, isAlreadyExists, isNotFound } from "../../machinery/index.ts";
import { type Action, configMapName, plan } from "./plan.ts";

export interface RootCaOptions {
  /** The certificate authority of the API server, PEM. */
  readonly rootCa: string;
}

/** Namespaces worked on at once: writes are small and a start meets many namespaces. */
const workers = 5;

export function createRootCaController({ rootCa }: RootCaOptions, context: ControllerContext): Controller {
  const { client, informers } = context;
  const namespaceInformer = informers.for(namespaces);
  const configMapInformer = informers.for(configmaps);
  const reconcile = async (name: string): Promise<void> => {
    const configMap = configMapInformer.lister.get(`${name}/${configMapName}`);
    await apply(client, plan({ namespace: namespaceInformer.lister.get(name), configMap, rootCa }));
  };
  const controller = createController({ name: "root-ca", workers, reconcile }, context);
  const { queue } = controller;
  const changed = (configMap: ConfigMap): void => {
    if (configMap.metadata.name === configMapName) queue.add(configMap.metadata.namespace ?? "");
  };
  namespaceInformer.addHandler({
    added: (namespace) => queue.add(namespace.metadata.name ?? ""),
    updated: (before, after) => {
      if (before.metadata.uid !== after.metadata.uid) queue.add(after.metadata.name ?? "");
    },
  });
  configMapInformer.addHandler({ updated: (_before, after) => changed(after), deleted: changed });
  return controller;
}

async function apply(client: Client, action: Action): Promise<void> {
  try {
    if (action.do === "create") await client.create(configmaps, action.configMap);
    if (action.do === "update") await client.update(configmaps, action.configMap);
  } catch (error) {
    const isNamespaceGoing = isNotFound(error) || hasStatusCause(error, "NamespaceTerminating");
    if (!isAlreadyExists(error) && !isNamespaceGoing) throw error;
  }
}

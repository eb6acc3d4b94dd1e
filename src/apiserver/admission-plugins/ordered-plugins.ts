/**
 * The admission plug-ins of this server, in upstream's order.
 * Upstream: kubernetes v1.35, pkg/kubeapiserver/options/plugins.go.
 */
import type { AdmissionPlugin } from "../admission/chain.ts";
import type { ObjectLister } from "../admission/lister.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { priority } from "./priority.ts";
import { serviceAccount } from "./service-account.ts";
import { taintNodesByCondition } from "./taint-nodes-by-condition.ts";

export interface OrderedPluginsOptions {
  /** For clusters with a node life cycle controller. */
  readonly taintsNewNodes: boolean;
}

export function orderedPlugins(
  lister: ObjectLister,
  options: OrderedPluginsOptions,
): readonly AdmissionPlugin[] {
  return [
    namespaceLifecycle(lister),
    serviceAccount(lister),
    ...(options.taintsNewNodes ? [taintNodesByCondition] : []),
    priority(lister),
    defaultTolerationSeconds,
  ];
}

/**
 * NamespaceLifecycle: nothing is created in a namespace that is not there or is on its way out; three namespaces stay.
 * Not here: emptying a namespace (a controller).
 * Upstream: kubernetes v1.35, apiserver/pkg/admission/plugin/namespace/lifecycle.
 * Differs: creates of subresources (`pods/NAME/binding`) are not asked about.
 */
import { namespaces } from "../../api/index.ts";
import { forbidden, notFound, StatusError } from "../../machinery/index.ts";
import type { Attributes } from "../admission/attributes.ts";
import type { AdmissionPlugin } from "../admission/chain.ts";
import type { ObjectLister } from "../admission/lister.ts";

/** Upstream's: without them a cluster does not work. */
const lastingNamespaces = new Set(["default", "kube-system", "kube-public"]);

export function namespaceLifecycle(lister: ObjectLister): AdmissionPlugin {
  return {
    name: "NamespaceLifecycle",
    handles: { operations: ["CREATE", "DELETE"] },
    admit(attributes) {
      if (attributes.operation === "CREATE") checkNamespace(attributes, lister);
      else checkDeletion(attributes);
    },
  };
}

function checkNamespace({ resource, namespace, name }: Attributes, lister: ObjectLister): void {
  if (!resource.namespaced) return;
  const found = lister.get(namespaces, { name: namespace });
  if (found === undefined) throw notFound(namespaces, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const detail = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = forbidden(resource, name, detail);
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace",
  };
  throw new StatusError({ ...status, details: { ...status.details, causes: [cause] } });
}

function checkDeletion({ resource, name }: Attributes): void {
  if (resource.group !== namespaces.group || resource.resource !== namespaces.resource) return;
  if (lastingNamespaces.has(name)) throw forbidden(namespaces, name, "this namespace may not be deleted");
}

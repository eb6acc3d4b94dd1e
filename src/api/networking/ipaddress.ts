/**
 * IPAddresses: an object for each address that a Service has, and for each that somebody wants kept from Services.
 * Not here: how Services get theirs (apiserver/resources/services).
 * Upstream: kubernetes v1.35, pkg/apis/networking/validation/validation.go (ValidateIPAddress),
 * pkg/printers/internalversion/printers.go (printIPAddress).
 */
import { type FieldError, required, type Resource, semanticEqual } from "../../machinery/index.ts";
import type { IPAddress, ParentReference } from "../generated/types.gen.ts";
import { checkCanonicalIp } from "../parts/addresses.ts";
import { addAll, checkDnsSubdomain, type Errors, immutableText, invalids } from "../parts/checks.ts";
import { column, nameColumn, nameOf } from "../parts/columns.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { pathSegmentErrors } from "../parts/metadata.ts";

export const ipaddresses: Resource<IPAddress> = {
  group: "networking.k8s.io",
  version: "v1",
  resource: "ipaddresses",
  kind: "IPAddress",
  namespaced: false,
};

export const ipAddressKind: Kind = defineKind({
  resource: ipaddresses,
  schema: "networking.v1.IPAddress",
  shortNames: ["ip"],
  rules: {
    nameRule: "pathSegment",
    validate: validateIpAddress,
    validateUpdate: (object, before) => [
      ...validateIpAddress(object),
      ...(semanticEqual(object.spec.parentRef, before.spec.parentRef)
        ? []
        : [parentChanged(object.spec.parentRef)]),
    ],
  },
  table: {
    columns: [nameColumn, column("ParentRef", "What has the address.")],
    cells: (object) => [nameOf(object), parentText(object.spec.parentRef)],
  },
});

type Parent = ParentReference | null | undefined;

function validateIpAddress({ metadata, spec }: IPAddress): Errors {
  const { name } = metadata;
  const errors = name === undefined ? [] : checkCanonicalIp("metadata.name", name);
  addAll(errors, checkParent(spec.parentRef));
  return errors;
}

function checkParent(parent: Parent): FieldError[] {
  const path = "spec.parentRef";
  if (!parent) return [required(path)];
  const { group, resource, name, namespace } = parent;
  const errors: FieldError[] = [];
  if (group) addAll(errors, checkDnsSubdomain(`${path}.group`, group));
  for (const [field, value] of [
    ["resource", resource],
    ["name", name],
    ["namespace", namespace],
  ] as const) {
    if (value) addAll(errors, invalids(`${path}.${field}`, value, pathSegmentErrors(value)));
    else if (field !== "namespace") errors.push(required(`${path}.${field}`));
  }
  return errors;
}

/** Upstream prints the reference as Go's struct, whose members keep their order. */
function parentChanged(parent: Parent): FieldError {
  const { group = "", resource = "", namespace = "", name = "" } = parent ?? {};
  const shown = JSON.stringify({ Group: group, Resource: resource, Namespace: namespace, Name: name });
  const message = `Invalid value: ${shown}: ${immutableText}`;
  return { reason: "FieldValueInvalid", field: "spec.parentRef", message };
}

/** `services/default/kubernetes`. */
function parentText(parent: Parent): string {
  if (!parent) return "<none>";
  const { group, resource, namespace, name } = parent;
  const kind = (group ? `${resource}.${group}` : resource).toLowerCase();
  return [kind, ...(namespace ? [namespace] : []), name].join("/");
}

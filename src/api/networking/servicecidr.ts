/**
 * ServiceCIDRs: the ranges of Services' addresses. Services get theirs from the one named `kubernetes`, which the server
 * makes at its first start; others are stored.
 * Upstream: kubernetes v1.35, pkg/apis/networking/validation/validation.go (ValidateServiceCIDR),
 * pkg/printers/internalversion/printers.go (printServiceCIDR).
 */
import { formatTime, indexPath, invalidValue, required, type Resource } from "../../machinery/index.ts";
import type { ServiceCIDR } from "../generated/types.gen.ts";
import { checkCanonicalCidr, parseCidr } from "../parts/addresses.ts";
import { type Errors, immutableText } from "../parts/checks.ts";
import { ageColumn, ageOf, column, nameColumn, nameOf } from "../parts/columns.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const servicecidrs: Resource<ServiceCIDR> = {
  group: "networking.k8s.io",
  version: "v1",
  resource: "servicecidrs",
  kind: "ServiceCIDR",
  namespaced: false,
};

/** The one from which Services get their addresses. */
export const servedCidrName = "kubernetes";

const ready = { type: "Ready", status: "True", reason: "", message: "Kubernetes Service CIDR is ready" };

export const serviceCidrKind: Kind = defineKind({
  resource: servicecidrs,
  schema: "networking.v1.ServiceCIDR",
  hasStatus: true,
  unactedWarning: unacted("ServiceCIDRs", "Services get their addresses from the one named kubernetes"),
  rules: {
    prepareForCreate(object, { nowMs }) {
      // The server gives out addresses of this one as soon as it is there.
      const isServed = object.metadata.name === servedCidrName;
      object.status = isServed ? { conditions: [{ ...ready, lastTransitionTime: formatTime(nowMs) }] } : {};
    },
    validate: validateServiceCidr,
    validateUpdate: (object, before) => [...validateServiceCidr(object), ...checkChange(object, before)],
  },
  table: {
    columns: [nameColumn, column("CIDRs", "The ranges, one for each family of addresses."), ageColumn],
    cells: (object, nowMs) => [nameOf(object), (object.spec.cidrs ?? []).join(","), ageOf(object, nowMs)],
  },
});

const path = "spec.cidrs";
/** One for each family of addresses. */
const cidrsMax = 2;

function validateServiceCidr({ spec }: ServiceCIDR): Errors {
  const cidrs = spec.cidrs ?? [];
  if (cidrs.length === 0) return [required(path, "at least one CIDR required")];
  if (cidrs.length > cidrsMax)
    return [invalidValue(path, { CIDRs: cidrs }, `may only hold up to ${cidrsMax} values`)];
  const errors = cidrs.flatMap((cidr, index) => checkCanonicalCidr(indexPath(path, index), cidr));
  const families = new Set(cidrs.map((cidr) => parseCidr(cidr)?.address.family));
  if (errors.length === 0 && families.size < cidrs.length) {
    const text = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
    errors.push(invalidValue(path, cidrs, text));
  }
  return errors;
}

/** A second family may be added, and nothing else be changed. */
function checkChange(object: ServiceCIDR, before: ServiceCIDR): Errors {
  const [now, then] = [object.spec.cidrs ?? [], before.spec.cidrs ?? []];
  const isWider = then.length === 1 && now.length === cidrsMax;
  if (now.length !== then.length && !isWider) return [invalidValue(path, now, immutableText)];
  return then.flatMap((cidr, index) =>
    cidr === now[index] ? [] : [invalidValue(indexPath(path, index), now[index], immutableText)],
  );
}

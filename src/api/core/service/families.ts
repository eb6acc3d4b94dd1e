/**
 * Families of addresses: which ones a Service asks for, in which order, and whether the cluster has them.
 * Not here: the addresses themselves (apiserver/resources/services).
 * Upstream: kubernetes v1.35, pkg/registry/core/service/storage/alloc.go (initIPFamilyFields),
 * pkg/apis/core/validation/validation.go (ValidateServiceClusterIPsRelatedFields).
 */
import {
  type Draft,
  duplicateValue,
  type FieldError,
  indexPath,
  invalidValue,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import type { Service } from "../../generated/types.gen.ts";
import { checkIp, parseIp } from "../../parts/addresses.ts";
import { addAll } from "../../parts/checks.ts";
import { isHeadless, needsClusterIp, noClusterIp } from "./needs.ts";

/** Of this server: one range for each, the default one first. */
export type Families = readonly ("IPv4" | "IPv6")[];

const familyNames: readonly string[] = ["IPv4", "IPv6"];
const policies: readonly string[] = ["PreferDualStack", "RequireDualStack", "SingleStack"];

const ipsField = "spec.clusterIPs";
const familiesField = "spec.ipFamilies";
const policyField = "spec.ipFamilyPolicy";

/** Fills ipFamilyPolicy and ipFamilies. With errors nothing more is to be done. */
export function completeFamilies(
  object: Draft<Service>,
  before: Service | undefined,
  families: Families,
): readonly FieldError[] {
  const { spec } = object;
  if (spec.type === "ExternalName" || staysAsItWas(object, before)) return [];
  const isLone = spec.clusterIP === noClusterIp && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= before?.spec.ipFamilyPolicy ?? (isLone ? "RequireDualStack" : "SingleStack");
  const wrong = checkClusterIpFields(object);
  if (wrong.length > 0) return wrong;
  const errors = before === undefined ? [] : checkReduction(object, before);
  addAll(errors, checkPolicy(object));
  addAll(errors, inferFamilies(object, families));
  if (errors.length > 0) return errors;
  // Nobody but its author knows what addresses will stand behind one without a selector: both families, wherever it is.
  if (isLone) {
    completeWith(object, [families[0]!], familyNames);
    return [];
  }
  const refused = checkConfigured(object, families);
  if (refused.length === 0) completeWith(object, [families[0]!], families);
  return refused;
}

/** An update that touches neither addresses nor families of one that prefers two does not give or take any. */
function staysAsItWas({ spec }: Service, before: Service | undefined): boolean {
  if (before === undefined || spec.ipFamilyPolicy !== "PreferDualStack") return false;
  const isSame = (now: readonly string[] = [], then: readonly string[] = []): boolean =>
    now.length === then.length && now.every((value, at) => value === then[at]);
  return (
    spec.type === before.spec.type &&
    needsClusterIp({ spec }) &&
    (before.spec.ipFamilyPolicy ?? spec.ipFamilyPolicy) === spec.ipFamilyPolicy &&
    isSame(spec.clusterIPs, before.spec.clusterIPs) &&
    isSame(spec.ipFamilies, before.spec.ipFamilies)
  );
}

/** A second address or family goes only where the policy says so. */
function checkReduction({ spec }: Draft<Service>, before: Service): FieldError[] {
  const errors: FieldError[] = [];
  const then = before.spec;
  const isSame = (now: readonly string[] = [], old: readonly string[] = []): boolean =>
    now.join() === old.join();
  if (spec.ipFamilyPolicy === "SingleStack") {
    for (const field of ["clusterIPs", "ipFamilies"] as const)
      if (isSame(spec[field], then[field]) && spec[field] !== undefined)
        spec[field] = spec[field].slice(0, 1);
    return errors;
  }
  const isReduced = (now: readonly string[] = [], old: readonly string[] = []): boolean =>
    now.length > 0 && now.length < old.length;
  const refuse = (what: string): void =>
    void errors.push(
      invalidValue(
        policyField,
        spec.ipFamilyPolicy,
        `must be 'SingleStack' to release the secondary ${what}`,
      ),
    );
  if (isReduced(spec.clusterIPs, then.clusterIPs)) refuse("cluster IP");
  if (isReduced(spec.ipFamilies, then.ipFamilies)) refuse("IP family");
  return errors;
}

function checkPolicy({ spec }: Service): FieldError[] {
  if (spec.ipFamilyPolicy !== "SingleStack") return [];
  const refused = (what: string): FieldError =>
    invalidValue(
      policyField,
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [
    ...(spec.clusterIPs?.length === 2 ? [refused("cluster IPs")] : []),
    ...(spec.ipFamilies?.length === 2 ? [refused("IP families")] : []),
  ];
}

/** From the addresses that the client names. */
function inferFamilies({ spec }: Draft<Service>, families: Families): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === noClusterIp) break;
    if (index < (spec.ipFamilies?.length ?? 0)) continue;
    const { family } = parseIp(ip)!;
    if (families.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else
      errors.push(
        invalidValue(
          indexPath(ipsField, index),
          spec.clusterIPs,
          `${family} is not configured on this cluster`,
        ),
      );
  }
  return errors;
}

function checkConfigured({ spec }: Service, families: Families): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy === "RequireDualStack" && families.length < 2)
    errors.push(
      invalidValue(
        policyField,
        spec.ipFamilyPolicy,
        "this cluster is not configured for dual-stack services",
      ),
    );
  for (const [index, family] of (spec.ipFamilies ?? []).entries())
    if (!families.some((one) => one === family))
      errors.push(invalidValue(indexPath(familiesField, index), family, "not configured on this cluster"));
  return errors;
}

/** The default family where there is none, and the other one of `all` where the policy takes two. */
function completeWith({ spec }: Draft<Service>, defaults: readonly string[], all: readonly string[]): void {
  const chosen = spec.ipFamilies?.length ? [...spec.ipFamilies] : [...defaults];
  if (spec.ipFamilyPolicy !== "SingleStack" && chosen.length === 1 && all.length > 1)
    chosen.push(chosen[0] === "IPv4" ? "IPv6" : "IPv4");
  spec.ipFamilies = chosen;
}

/** Whether addresses, families and policy are well formed and fit together. Those of an ExternalName are checked elsewhere. */
export function checkClusterIpFields(object: Service): FieldError[] {
  const { spec } = object;
  if (spec.type === "ExternalName") return [];
  const ips = spec.clusterIPs ?? [];
  const errors = checkPair(spec.clusterIP ?? "", ips);
  const families = spec.ipFamilies ?? [];
  for (const [index, family] of families.entries()) {
    const at = indexPath(familiesField, index);
    if (!familyNames.includes(family)) errors.push(notSupported(at, family, familyNames));
    if (families.indexOf(family) < index) errors.push(duplicateValue(at, family));
  }
  const policy = spec.ipFamilyPolicy;
  if (policy !== undefined && !policies.includes(policy))
    errors.push(notSupported(policyField, policy, policies));
  const wrong = checkEachIp(ips);
  addAll(errors, wrong);
  if (ips.length > 2) errors.push(invalidValue(ipsField, ips, "may only hold up to 2 values"));
  if (wrong.length > 0) return errors;
  if (ips.length > 1 && new Set(ips.map((ip) => parseIp(ip)?.family)).size < 2)
    errors.push(invalidValue(ipsField, ips, "may specify no more than one IP for each IP family"));
  if (!isHeadless(object)) addAll(errors, checkFamilyOfEach(ips, families));
  return errors;
}

function checkPair(first: string, ips: readonly string[]): FieldError[] {
  if (first === "")
    return ips.length === 0
      ? []
      : [invalidValue(ipsField, ips, "must be empty when `clusterIP` is not specified")];
  if (ips.length === 0) return [required(ipsField)];
  return ips[0] === first ? [] : [invalidValue(ipsField, ips, "first value must match `clusterIP`")];
}

function checkEachIp(ips: readonly string[]): FieldError[] {
  return ips.flatMap((ip, index) => {
    if (index > 0 || ip !== noClusterIp) return checkIp(indexPath(ipsField, index), ip);
    return ips.length === 1
      ? []
      : [invalidValue(ipsField, ips, `'${noClusterIp}' must be the first and only value`)];
  });
}

function checkFamilyOfEach(ips: readonly string[], families: readonly string[]): FieldError[] {
  return ips.flatMap((ip, index) => {
    const family = families[index];
    if (family === undefined || parseIp(ip)?.family === family) return [];
    const text = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
    return [invalidValue(indexPath(ipsField, index), ip, text)];
  });
}

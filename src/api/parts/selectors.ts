/**
 * Label selectors, node selectors, affinity, tolerations, taints and topology spread.
 * Upstream: kubernetes v1.35, apimachinery/pkg/apis/meta/v1/validation, pkg/apis/core/validation/validation.go.
 */
import {
  childPath,
  duplicateValue,
  type FieldError,
  forbiddenField,
  indexPath,
  invalidValue,
  type LabelSelector,
  labelValueErrors,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Taint,
  Toleration,
  TopologySpreadConstraint,
} from "../generated/types.gen.ts";
import { addAll, checkDnsLabel, checkDnsSubdomain, checkLabelName, invalids } from "./checks.ts";
import { checkLabels } from "./metadata.ts";

const valuesNeededText = "must be specified when `operator` is 'In' or 'NotIn'";
const valuesForbiddenText = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
const badOperatorText = "not a valid selector operator";

interface Requirement {
  readonly operator: string;
  readonly values?: readonly string[];
}

function checkSetOperator(field: string, requirement: Requirement): FieldError[] {
  const count = requirement.values?.length ?? 0;
  switch (requirement.operator) {
    case "In":
    case "NotIn":
      return count === 0 ? [required(childPath(field, "values"), valuesNeededText)] : [];
    case "Exists":
    case "DoesNotExist":
      return count > 0 ? [forbiddenField(childPath(field, "values"), valuesForbiddenText)] : [];
    default:
      return [invalidValue(childPath(field, "operator"), requirement.operator, badOperatorText)];
  }
}

export function checkLabelSelector(field: string, selector: LabelSelector | null | undefined): FieldError[] {
  if (selector === undefined || selector === null) return [];
  const errors = checkLabels(childPath(field, "matchLabels"), selector.matchLabels);
  for (const [index, requirement] of (selector.matchExpressions ?? []).entries()) {
    const path = indexPath(childPath(field, "matchExpressions"), index);
    addAll(errors, checkSetOperator(path, requirement));
    addAll(errors, checkLabelName(childPath(path, "key"), requirement.key));
    for (const [at, value] of (requirement.values ?? []).entries()) {
      addAll(errors, invalids(indexPath(childPath(path, "values"), at), value, labelValueErrors(value)));
    }
  }
  return errors;
}

function checkNodeRequirement(field: string, requirement: NodeSelectorRequirement): FieldError[] {
  const isComparison = requirement.operator === "Gt" || requirement.operator === "Lt";
  const errors = isComparison ? [] : checkSetOperator(field, requirement);
  if (isComparison && requirement.values?.length !== 1) {
    const text = "must be specified single value when `operator` is 'Lt' or 'Gt'";
    errors.push(required(childPath(field, "values"), text));
  }
  return [...errors, ...checkLabelName(childPath(field, "key"), requirement.key)];
}

function checkNodeField(field: string, requirement: NodeSelectorRequirement): FieldError[] {
  const errors: FieldError[] = [];
  if (requirement.operator !== "In" && requirement.operator !== "NotIn") {
    errors.push(invalidValue(childPath(field, "operator"), requirement.operator, badOperatorText));
  } else if (requirement.values?.length !== 1) {
    const text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(required(childPath(field, "values"), text));
  }
  if (requirement.key !== "metadata.name") {
    errors.push(invalidValue(childPath(field, "key"), requirement.key, "not a valid field selector key"));
    return errors;
  }
  for (const [index, value] of (requirement.values ?? []).entries()) {
    addAll(errors, checkDnsSubdomain(indexPath(childPath(field, "values"), index), value));
  }
  return errors;
}

function checkNodeTerm(field: string, term: NodeSelectorTerm): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, requirement] of (term.matchExpressions ?? []).entries()) {
    addAll(errors, checkNodeRequirement(indexPath(childPath(field, "matchExpressions"), index), requirement));
  }
  for (const [index, requirement] of (term.matchFields ?? []).entries()) {
    addAll(errors, checkNodeField(indexPath(childPath(field, "matchFields"), index), requirement));
  }
  return errors;
}

function checkNodeSelector(field: string, selector: NodeSelector): FieldError[] {
  const path = childPath(field, "nodeSelectorTerms");
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) return [required(path, "must have at least one node selector term")];
  return terms.flatMap((term, index) => checkNodeTerm(indexPath(path, index), term));
}

function checkWeight(field: string, weight: number): FieldError[] {
  return weight >= 1 && weight <= 100 ? [] : [invalidValue(field, weight, "must be in the range 1-100")];
}

function checkPodTerm(field: string, term: PodAffinityTerm): FieldError[] {
  const errors = checkLabelSelector(childPath(field, "labelSelector"), term.labelSelector);
  addAll(errors, checkLabelSelector(childPath(field, "namespaceSelector"), term.namespaceSelector));
  for (const [index, namespace] of (term.namespaces ?? []).entries()) {
    addAll(errors, checkDnsLabel(indexPath(childPath(field, "namespaces"), index), namespace));
  }
  const path = childPath(field, "topologyKey");
  if (!term.topologyKey) errors.push(required(path, "can not be empty"));
  return [...errors, ...checkLabelName(path, term.topologyKey)];
}

function checkPodAffinity(field: string, affinity: PodAffinity): FieldError[] {
  const errors: FieldError[] = [];
  const needed = childPath(field, "requiredDuringSchedulingIgnoredDuringExecution");
  for (const [index, term] of (affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    addAll(errors, checkPodTerm(indexPath(needed, index), term));
  }
  const wished = childPath(field, "preferredDuringSchedulingIgnoredDuringExecution");
  for (const [index, term] of (affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const path = indexPath(wished, index);
    addAll(errors, checkWeight(childPath(path, "weight"), term.weight));
    addAll(errors, checkPodTerm(childPath(path, "podAffinityTerm"), term.podAffinityTerm));
  }
  return errors;
}

export function checkAffinity(field: string, affinity: Affinity | undefined): FieldError[] {
  if (affinity === undefined) return [];
  const errors: FieldError[] = [];
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  if (nodeAffinity !== undefined) {
    const path = childPath(field, "nodeAffinity");
    const needed = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    if (needed !== undefined) {
      addAll(
        errors,
        checkNodeSelector(childPath(path, "requiredDuringSchedulingIgnoredDuringExecution"), needed),
      );
    }
    const wished = childPath(path, "preferredDuringSchedulingIgnoredDuringExecution");
    for (const [index, term] of (
      nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? []
    ).entries()) {
      const at = indexPath(wished, index);
      addAll(errors, checkWeight(childPath(at, "weight"), term.weight));
      addAll(errors, checkNodeTerm(childPath(at, "preference"), term.preference));
    }
  }
  if (podAffinity !== undefined)
    addAll(errors, checkPodAffinity(childPath(field, "podAffinity"), podAffinity));
  if (podAntiAffinity !== undefined) {
    addAll(errors, checkPodAffinity(childPath(field, "podAntiAffinity"), podAntiAffinity));
  }
  return errors;
}

const taintEffects: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function checkEffect(field: string, effect: string, allowsEmpty: boolean): FieldError[] {
  if (effect === "") return allowsEmpty ? [] : [required(field)];
  return taintEffects.includes(effect) ? [] : [notSupported(field, effect, taintEffects)];
}

function checkToleration(field: string, toleration: Toleration): FieldError[] {
  const { key = "", operator = "", value = "", effect = "" } = toleration;
  const errors: FieldError[] = key === "" ? [] : checkLabelName(childPath(field, "key"), key);
  const operatorPath = childPath(field, "operator");
  if (key === "" && operator !== "Exists") {
    const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(invalidValue(operatorPath, operator, text));
  }
  if (toleration.tolerationSeconds !== undefined && effect !== "NoExecute") {
    const text = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    errors.push(invalidValue(childPath(field, "effect"), effect, text));
  }
  if (operator === "" || operator === "Equal") {
    const texts = labelValueErrors(value);
    if (texts.length > 0) errors.push(invalidValue(operatorPath, value, texts.join(";")));
  } else if (operator === "Exists") {
    if (value !== "") {
      errors.push(invalidValue(operatorPath, value, "value must be empty when `operator` is 'Exists'"));
    }
  } else {
    // Upstream knows the two others, but takes them only behind a gate.
    const gated = operator === "Lt" || operator === "Gt" ? ["Lt", "Gt"] : [];
    errors.push(notSupported(operatorPath, operator, ["Equal", "Exists", ...gated]));
  }
  return [...errors, ...checkEffect(childPath(field, "effect"), effect, true)];
}

export function checkTolerations(
  field: string,
  tolerations: readonly Toleration[] | undefined,
): FieldError[] {
  return (tolerations ?? []).flatMap((toleration, index) =>
    checkToleration(indexPath(field, index), toleration),
  );
}

export function checkTaints(field: string, taints: readonly Taint[] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, taint] of (taints ?? []).entries()) {
    const path = indexPath(field, index);
    addAll(errors, checkLabelName(childPath(path, "key"), taint.key));
    const texts = labelValueErrors(taint.value ?? "");
    if (texts.length > 0) errors.push(invalidValue(childPath(path, "value"), taint.value, texts.join(";")));
    addAll(errors, checkEffect(childPath(path, "effect"), taint.effect, false));
    const id = `${taint.effect} ${taint.key}`;
    if (seen.has(id)) {
      const error = duplicateValue(path, taint);
      errors.push({ ...error, message: `${error.message}: taints must be unique by key and effect pair` });
    }
    seen.add(id);
  }
  return errors;
}

export function checkTopologySpread(
  field: string,
  constraints: readonly TopologySpreadConstraint[] | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, constraint] of (constraints ?? []).entries()) {
    const path = indexPath(field, index);
    if (constraint.maxSkew <= 0) {
      errors.push(invalidValue(childPath(path, "maxSkew"), constraint.maxSkew, "must be greater than zero"));
    }
    const keyPath = childPath(path, "topologyKey");
    if (!constraint.topologyKey) errors.push(required(keyPath, "can not be empty"));
    else addAll(errors, checkLabelName(keyPath, constraint.topologyKey));
    const whenPath = childPath(path, "whenUnsatisfiable");
    const when = constraint.whenUnsatisfiable;
    if (when !== "DoNotSchedule" && when !== "ScheduleAnyway") {
      errors.push(notSupported(whenPath, when, ["DoNotSchedule", "ScheduleAnyway"]));
    }
    const id = `${constraint.topologyKey} ${when}`;
    if (seen.has(id)) {
      errors.push(
        duplicateValue(`${path}.{topologyKey, whenUnsatisfiable}`, `{${constraint.topologyKey}, ${when}}`),
      );
    }
    seen.add(id);
    if (constraint.minDomains !== undefined && constraint.minDomains <= 0) {
      errors.push(
        invalidValue(childPath(path, "minDomains"), constraint.minDomains, "must be greater than zero"),
      );
    }
    addAll(errors, checkLabelSelector(childPath(path, "labelSelector"), constraint.labelSelector));
  }
  return errors;
}

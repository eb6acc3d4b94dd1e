/**
 * Resource names and amounts of containers, pods and nodes.
 * Upstream: kubernetes v1.35, pkg/apis/core/validation/validation.go, ValidateContainerResourceRequirements.
 */
import {
  childPath,
  compareQuantities,
  type FieldError,
  invalidValue,
  keyPath,
  parseQuantity,
  qualifiedNameErrors,
  quantityFormatMessage,
  required,
} from "../../machinery/index.ts";
import type { ResourceRequirements } from "../generated/types.gen.ts";
import { addAll, invalids, notNegativeText } from "./checks.ts";

const containerResources: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
const hugePages = "hugepages-";

/** Resources of vendors, such as devices. Their amounts are whole numbers, and requests equal limits. */
function isExtended(name: string): boolean {
  return name.includes("/") && !name.startsWith("requests.") && !/(^|\.)kubernetes\.io\//.test(name);
}

function checkResourceName(field: string, name: string): FieldError[] {
  const errors = invalids(field, name, qualifiedNameErrors(name));
  if (errors.length > 0 || name.includes("/")) return errors;
  if (containerResources.has(name) || name.startsWith(hugePages)) return [];
  return [invalidValue(field, name, "must be a standard resource for containers")];
}

/** An amount is not negative. It is whole where the resource cannot be divided. */
function checkAmount(field: string, name: string, amount: string): FieldError[] {
  const quantity = parseQuantity(amount);
  if (quantity === undefined) return [invalidValue(field, amount, quantityFormatMessage)];
  const errors: FieldError[] = [];
  if (quantity.nanos < 0n) errors.push(invalidValue(field, amount, notNegativeText));
  const isWhole = quantity.nanos % 1_000_000_000n === 0n;
  if ((name === "pods" || isExtended(name)) && !isWhole)
    errors.push(invalidValue(field, amount, "must be an integer"));
  return errors;
}

export function checkAmounts(
  field: string,
  amounts: Readonly<Record<string, string>> | undefined,
  pathOf: (parent: string, name: string) => string = keyPath,
): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, amount]) =>
    checkAmount(pathOf(field, name), name, amount),
  );
}

function checkSide(field: string, amounts: Readonly<Record<string, string>>): FieldError[] {
  return Object.entries(amounts).flatMap(([name, amount]) => {
    const path = keyPath(field, name);
    return [...checkResourceName(path, name), ...checkAmount(path, name, amount)];
  });
}

export function checkResources(field: string, resources: ResourceRequirements | undefined): FieldError[] {
  const limits = resources?.limits ?? {};
  const requests = resources?.requests ?? {};
  const requestsPath = childPath(field, "requests");
  const errors = checkSide(childPath(field, "limits"), limits);
  addAll(errors, checkSide(requestsPath, requests));
  if (errors.length > 0) return errors;
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    const isFixed = isExtended(name) || name.startsWith(hugePages);
    if (limit === undefined) {
      if (isFixed) {
        errors.push(
          required(childPath(field, "limits"), "Limit must be set for non overcommitable resources"),
        );
      }
      continue;
    }
    const difference = compareQuantities(request, limit);
    if (isFixed && difference !== 0) {
      errors.push(invalidValue(requestsPath, request, `must be equal to ${name} limit of ${limit}`));
    } else if (difference > 0) {
      errors.push(
        invalidValue(requestsPath, request, `must be less than or equal to ${name} limit of ${limit}`),
      );
    }
  }
  return errors;
}

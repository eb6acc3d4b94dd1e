/**
 * EndpointSlices. The server keeps its own (apiserver/resources/kubernetes-service.ts); no controller of ours fills others.
 * Upstream: kubernetes v1.35, pkg/apis/discovery/v1/defaults.go, pkg/apis/discovery/validation/validation.go,
 * pkg/registry/discovery/endpointslice/strategy.go, pkg/printers/internalversion/printers.go (printEndpointSlice).
 */
import {
  childPath,
  type Draft,
  duplicateValue,
  type FieldError,
  indexPath,
  invalidValue,
  labelValueErrors,
  notSupported,
  required,
  type Resource,
  semanticEqual,
  tooMany,
} from "../../machinery/index.ts";
import type {
  DiscoveryV1EndpointPort,
  Endpoint,
  EndpointHints,
  EndpointSlice,
} from "../generated/types.gen.ts";
import { checkEndpointIp, checkIp, ipWarnings, parseIp } from "../parts/addresses.ts";
import {
  addAll,
  checkDnsLabel,
  checkDnsSubdomain,
  checkImmutable,
  checkLabelName,
  type Errors,
  invalids,
} from "../parts/checks.ts";
import { ageColumn, ageOf, column, nameColumn, nameOf, someOf } from "../parts/columns.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { checkProtocol } from "../parts/ports.ts";

export const endpointslices: Resource<EndpointSlice> = {
  group: "discovery.k8s.io",
  version: "v1",
  resource: "endpointslices",
  kind: "EndpointSlice",
  namespaced: true,
};

export const endpointSliceKind: Kind = defineKind({
  resource: endpointslices,
  schema: "discovery.v1.EndpointSlice",
  hasGeneration: true,
  rules: {
    setDefaults: setEndpointSliceDefaults,
    prepareForUpdate(object, before) {
      if (!isSameService(object, before)) object.metadata.generation = (before.metadata.generation ?? 0) + 1;
    },
    validate: checkSlice,
    validateUpdate: (object, before) => [
      ...checkSlice(object),
      ...checkImmutable("addressType", object.addressType, before.addressType),
    ],
    warnings: sliceWarnings,
  },
  table: {
    columns: [
      nameColumn,
      column("AddressType", "What kind of addresses the slice holds."),
      column("Ports", "Ports of all its endpoints."),
      column("Endpoints", "Addresses of its endpoints."),
      ageColumn,
    ],
    cells: (object, nowMs) => [
      nameOf(object),
      object.addressType,
      someOf((object.ports ?? []).map(portText), "<unset>"),
      someOf((object.endpoints ?? []).flatMap(addressesOf), "<unset>"),
      ageOf(object, nowMs),
    ],
  },
});

const addressTypes: readonly string[] = ["FQDN", "IPv4", "IPv6"];
/** Upstream's bounds of one slice. */
const endpointsMax = 1_000;
const addressesMax = 100;
const portsMax = 20_000;
const hintsMax = 8;

function setEndpointSliceDefaults(object: Draft<EndpointSlice>): void {
  // No elements and no list are one thing to Go, which writes null.
  const lists = object as { endpoints?: unknown; ports?: unknown };
  if (object.endpoints?.length === 0) lists.endpoints = null;
  if (object.ports?.length === 0) lists.ports = null;
  for (const port of object.ports ?? []) {
    port.name ??= "";
    port.protocol ??= "TCP";
  }
}

function isSameService(object: EndpointSlice, before: EndpointSlice): boolean {
  const parts = ({ metadata, addressType, endpoints, ports }: EndpointSlice): object => ({
    labels: metadata.labels ?? {},
    addressType,
    endpoints: endpoints ?? [],
    ports: ports ?? [],
  });
  return semanticEqual(parts(object), parts(before));
}

function checkSlice(object: EndpointSlice): Errors {
  const { addressType, endpoints, ports } = object;
  const errors: FieldError[] = [];
  if (!addressType) errors.push(required("addressType"));
  else if (!addressTypes.includes(addressType))
    errors.push(notSupported("addressType", addressType, addressTypes));
  else addAll(errors, checkEndpoints(object, endpoints ?? []));
  addAll(errors, checkPorts(ports ?? []));
  return errors;
}

function checkEndpoints(slice: EndpointSlice, endpoints: readonly Endpoint[]): FieldError[] {
  if (endpoints.length > endpointsMax) return [tooMany("endpoints", endpoints.length, endpointsMax)];
  return endpoints.flatMap((endpoint, index) => {
    const path = indexPath("endpoints", index);
    const { nodeName, hostname, hints } = endpoint;
    return [
      ...checkAddresses(slice, endpoint, childPath(path, "addresses")),
      ...(nodeName === undefined ? [] : checkDnsSubdomain(childPath(path, "nodeName"), nodeName)),
      ...(hostname === undefined ? [] : checkDnsLabel(childPath(path, "hostname"), hostname)),
      ...(hints === undefined ? [] : checkHints(childPath(path, "hints"), hints)),
    ];
  });
}

function checkAddresses(slice: EndpointSlice, endpoint: Endpoint, path: string): FieldError[] {
  const addresses = addressesOf(endpoint);
  if (addresses.length === 0) return [required(path, "must contain at least 1 address")];
  if (addresses.length > addressesMax) return [tooMany(path, addresses.length, addressesMax)];
  const { addressType } = slice;
  return addresses.flatMap((address, index) => {
    const at = indexPath(path, index);
    if (addressType === "FQDN") return checkFullyQualifiedName(at, address);
    const errors = checkIp(at, address);
    if (errors.length > 0) return errors;
    if (parseIp(address)?.family !== addressType)
      errors.push(invalidValue(path, address, `must be an ${addressType} address`));
    return isOfThisServer(slice) ? errors : [...errors, ...checkEndpointIp(at, address)];
  });
}

function checkFullyQualifiedName(path: string, value: string): FieldError[] {
  if (value === "") return [required(path)];
  const name = value.replace(/\.$/, "");
  const errors = checkDnsSubdomain(path, name);
  if (!name.includes("."))
    errors.push(invalidValue(path, name, "should be a domain with at least two segments separated by dots"));
  for (const label of name.split(".")) addAll(errors, checkDnsLabel(path, label));
  return errors;
}

/** The server that only this machine reaches has no other address than one of its loopback range. */
function isOfThisServer({ metadata: { namespace, name } }: EndpointSlice): boolean {
  return namespace === "default" && name === "kubernetes";
}

function checkHints(path: string, { forZones = [], forNodes = [] }: EndpointHints): FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, hints] of [["forZones", forZones] as const, ["forNodes", forNodes] as const]) {
    const list = childPath(path, field);
    if (hints.length > hintsMax) errors.push(tooMany(list, hints.length, hintsMax));
    const names = new Set<string>();
    for (const [index, { name }] of hints.entries()) {
      const at = childPath(indexPath(list, index), "name");
      if (names.has(name)) errors.push(duplicateValue(at, name));
      names.add(name);
      addAll(
        errors,
        field === "forZones" ? invalids(at, name, labelValueErrors(name)) : checkDnsSubdomain(at, name),
      );
    }
  }
  return errors;
}

function checkPorts(ports: readonly DiscoveryV1EndpointPort[]): FieldError[] {
  if (ports.length > portsMax) return [tooMany("ports", ports.length, portsMax)];
  const names = new Set<string>();
  return ports.flatMap(({ name = "", protocol, appProtocol }, index) => {
    const path = indexPath("ports", index);
    const namePath = childPath(path, "name");
    const errors = name === "" ? [] : checkDnsLabel(namePath, name);
    if (names.has(name)) errors.push(duplicateValue(namePath, name));
    names.add(name);
    addAll(errors, checkProtocol(childPath(path, "protocol"), protocol));
    if (appProtocol !== undefined)
      addAll(errors, checkLabelName(childPath(path, "appProtocol"), appProtocol));
    return errors;
  });
}

function sliceWarnings({ addressType, endpoints }: EndpointSlice): string[] {
  if (addressType === "FQDN") return ["spec.addressType: FQDN endpoints are deprecated"];
  return (endpoints ?? []).flatMap((endpoint, index) =>
    addressesOf(endpoint).flatMap((address, at) =>
      ipWarnings(indexPath(childPath(indexPath("endpoints", index), "addresses"), at), address),
    ),
  );
}

/** A list that is required may still be missing. */
function addressesOf({ addresses }: Partial<Endpoint>): readonly string[] {
  return addresses ?? [];
}

function portText({ port, name }: DiscoveryV1EndpointPort): string {
  return port === undefined ? (name ?? "*") : String(port);
}

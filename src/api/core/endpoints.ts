/**
 * Endpoints. They are stored for clients that write them themselves; the server keeps its own (apiserver/resources/kubernetes-service.ts).
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go (SetDefaults_Endpoints), pkg/apis/core/validation/validation.go
 * (ValidateEndpoints), pkg/printers/internalversion/printers.go (printEndpoints).
 */
import {
  childPath,
  type Draft,
  type FieldError,
  indexPath,
  portNumberErrors,
  required,
  type Resource,
} from "../../machinery/index.ts";
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset } from "../generated/types.gen.ts";
import { checkEndpointIp, checkIp } from "../parts/addresses.ts";
import { addAll, checkDnsLabel, checkDnsSubdomain, type Errors, invalids } from "../parts/checks.ts";
import { ageColumn, ageOf, column, nameColumn, nameOf, someOf } from "../parts/columns.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { checkProtocol } from "../parts/ports.ts";

export const endpoints: Resource<Endpoints> = {
  group: "",
  version: "v1",
  resource: "endpoints",
  kind: "Endpoints",
  namespaced: true,
};

export const endpointsKind: Kind = defineKind({
  resource: endpoints,
  schema: "core.v1.Endpoints",
  shortNames: ["ep"],
  allowsCreateOnUpdate: true,
  deprecationWarning: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  rules: {
    setDefaults: setEndpointsDefaults,
    validate: validateEndpoints,
    validateUpdate: validateEndpoints,
  },
  table: {
    columns: [nameColumn, column("Endpoints", "Addresses that are ready, with their ports."), ageColumn],
    cells: (object, nowMs) => [
      nameOf(object),
      someOf((object.subsets ?? []).flatMap(readyTexts), "<none>"),
      ageOf(object, nowMs),
    ],
  },
});

function setEndpointsDefaults(object: Draft<Endpoints>): void {
  for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= "TCP";
}

function validateEndpoints({ metadata, subsets = [] }: Endpoints): Errors {
  // The server that only this machine reaches has no other address than one of its loopback range.
  const isOfThisServer = metadata.namespace === "default" && metadata.name === "kubernetes";
  return subsets.flatMap((subset, index) =>
    checkSubset(indexPath("subsets", index), subset, isOfThisServer ? "any" : "ordinary"),
  );
}

type AddressesAllowed = "any" | "ordinary";

function checkSubset(path: string, subset: EndpointSubset, allowed: AddressesAllowed): FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const errors: FieldError[] = [];
  if (addresses.length + notReadyAddresses.length === 0)
    errors.push(required(path, "must specify `addresses` or `notReadyAddresses`"));
  for (const [field, list] of Object.entries({ addresses, notReadyAddresses }))
    for (const [index, address] of list.entries())
      addAll(errors, checkAddress(indexPath(childPath(path, field), index), address, allowed));
  for (const [index, port] of ports.entries())
    addAll(errors, checkPort(indexPath(childPath(path, "ports"), index), port, ports.length > 1));
  return errors;
}

function checkAddress(path: string, address: EndpointAddress, allowed: AddressesAllowed): FieldError[] {
  const { ip, hostname, nodeName } = address;
  const at = childPath(path, "ip");
  return [
    ...checkIp(at, ip),
    ...(hostname ? checkDnsLabel(childPath(path, "hostname"), hostname) : []),
    ...(nodeName === undefined ? [] : checkDnsSubdomain(childPath(path, "nodeName"), nodeName)),
    ...(allowed === "any" ? [] : checkEndpointIp(at, ip)),
  ];
}

function checkPort(path: string, port: EndpointPort, needsName: boolean): FieldError[] {
  const { name } = port;
  const namePath = childPath(path, "name");
  return [
    ...(name ? checkDnsLabel(namePath, name) : needsName ? [required(namePath)] : []),
    ...invalids(childPath(path, "port"), port.port, portNumberErrors(port.port)),
    ...checkProtocol(childPath(path, "protocol"), port.protocol),
  ];
}

function readyTexts({ addresses = [], ports = [] }: EndpointSubset): string[] {
  if (ports.length === 0) return addresses.map(({ ip }) => ip);
  return ports.flatMap(({ port }) =>
    addresses.map(({ ip }) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`)),
  );
}

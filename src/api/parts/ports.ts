/**
 * Ports of containers, probes and services: numbers, names and protocols.
 * Upstream: kubernetes v1.35, pkg/apis/core/validation/validation.go.
 */
import {
  type FieldError,
  type IntOrString,
  notSupported,
  portNameErrors,
  portNumberErrors,
  required,
} from "../../machinery/index.ts";
import { invalids } from "./checks.ts";

export function checkPortNumberOrName(field: string, port: IntOrString): FieldError[] {
  return invalids(field, port, typeof port === "number" ? portNumberErrors(port) : portNameErrors(port));
}

const protocols: readonly string[] = ["SCTP", "TCP", "UDP"];

export function checkProtocol(field: string, protocol: string | undefined): FieldError[] {
  if (!protocol) return [required(field)];
  return protocols.includes(protocol) ? [] : [notSupported(field, protocol, protocols)];
}

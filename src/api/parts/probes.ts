/**
 * Probes and lifecycle hooks of containers: defaults and what is valid.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go (SetDefaults_Probe),
 * pkg/apis/core/validation/validation.go (validateProbe, validateHandler).
 */
import {
  childPath,
  type Draft,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  portNumberErrors,
  required,
} from "../../machinery/index.ts";
import type {
  Container,
  ExecAction,
  GRPCAction,
  HTTPGetAction,
  Lifecycle,
  Probe,
  SleepAction,
  TCPSocketAction,
} from "../generated/types.gen.ts";
import { addAll, checkNotNegative, invalids } from "./checks.ts";
import { checkPortNumberOrName } from "./ports.ts";

export function setProbeDefaults(probe: Draft<Probe> | undefined): void {
  if (probe === undefined) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  setHttpGetDefaults(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= "";
}

export function setLifecycleDefaults(lifecycle: Draft<Lifecycle> | undefined): void {
  setHttpGetDefaults(lifecycle?.postStart?.httpGet);
  setHttpGetDefaults(lifecycle?.preStop?.httpGet);
}

function setHttpGetDefaults(action: Draft<HTTPGetAction> | undefined): void {
  if (action === undefined) return;
  action.path ||= "/";
  action.scheme ||= "HTTP";
}

interface Handler {
  readonly exec?: ExecAction;
  readonly httpGet?: HTTPGetAction;
  readonly tcpSocket?: TCPSocketAction;
  readonly grpc?: GRPCAction;
  readonly sleep?: SleepAction;
}

const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const headerText =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

function checkHttpGet(field: string, action: HTTPGetAction): FieldError[] {
  const errors: FieldError[] = action.path ? [] : [required(childPath(field, "path"))];
  addAll(errors, checkPortNumberOrName(childPath(field, "port"), action.port));
  if (action.scheme !== "HTTP" && action.scheme !== "HTTPS") {
    errors.push(notSupported(childPath(field, "scheme"), action.scheme ?? "", ["HTTP", "HTTPS"]));
  }
  for (const header of action.httpHeaders ?? []) {
    if (!headerName.test(header.name))
      errors.push(invalidValue(childPath(field, "httpHeaders"), header.name, headerText));
  }
  return errors;
}

function checkAction(field: string, name: keyof Handler, handler: Handler): FieldError[] {
  const path = childPath(field, name);
  switch (name) {
    case "exec":
      return (handler.exec?.command ?? []).length === 0 ? [required(childPath(path, "command"))] : [];
    case "httpGet":
      return handler.httpGet === undefined ? [] : checkHttpGet(path, handler.httpGet);
    case "tcpSocket":
      return handler.tcpSocket === undefined
        ? []
        : checkPortNumberOrName(childPath(path, "port"), handler.tcpSocket.port);
    case "grpc": {
      const port = handler.grpc?.port ?? 0;
      return invalids(childPath(path, "port"), port, portNumberErrors(port));
    }
    case "sleep":
      return [];
  }
}

const actions = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;

/** Exactly one action. The first one is checked, and each further one is an error. */
function checkHandler(field: string, handler: Handler): FieldError[] {
  const given = actions.filter((name) => handler[name] !== undefined);
  if (given.length === 0) return [required(field, "must specify a handler type")];
  return given.flatMap((name, index) =>
    index === 0
      ? checkAction(field, name, handler)
      : [forbiddenField(childPath(field, name), "may not specify more than 1 handler type")],
  );
}

const counters = [
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
] as const;

function checkProbe(field: string, probe: Probe): FieldError[] {
  const errors = checkHandler(field, probe);
  for (const name of counters) addAll(errors, checkNotNegative(childPath(field, name), probe[name]));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(
      invalidValue(childPath(field, "terminationGracePeriodSeconds"), grace, "must be greater than 0"),
    );
  }
  return errors;
}

/** For containers that may have probes: ordinary ones and sidecars. */
export function checkProbes(
  field: string,
  container: Pick<Container, "livenessProbe" | "readinessProbe" | "startupProbe">,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[name];
    if (probe === undefined) continue;
    const path = childPath(field, name);
    addAll(errors, checkProbe(path, probe));
    if (name === "readinessProbe") {
      const grace = probe.terminationGracePeriodSeconds;
      if (grace !== undefined) {
        const text = "must not be set for readinessProbes";
        errors.push(invalidValue(childPath(path, "terminationGracePeriodSeconds"), grace, text));
      }
    } else if ((probe.successThreshold ?? 1) !== 1) {
      errors.push(invalidValue(childPath(path, "successThreshold"), probe.successThreshold, "must be 1"));
    }
  }
  return errors;
}

export function checkLifecycle(
  field: string,
  lifecycle: Lifecycle | undefined,
  graceSeconds: number,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["postStart", "preStop"] as const) {
    const handler = lifecycle?.[name];
    if (handler === undefined) continue;
    const path = childPath(field, name);
    addAll(errors, checkHandler(path, handler));
    const seconds = handler.sleep?.seconds;
    if (seconds !== undefined && (seconds < 0 || seconds > graceSeconds)) {
      const text = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
      errors.push(invalidValue(childPath(path, "sleep"), seconds, text));
    }
  }
  return errors;
}

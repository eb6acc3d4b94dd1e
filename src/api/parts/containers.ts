/**
 * Containers of pods and templates, ordinary, init and ephemeral ones: defaults and what is valid.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go (SetDefaults_Container),
 * pkg/apis/core/validation/validation.go (validateContainers, validateInitContainers, validateEphemeralContainers).
 */
import {
  childPath,
  type Draft,
  duplicateValue,
  type FieldError,
  forbiddenField,
  indexPath,
  invalidValue,
  notSupported,
  portNameErrors,
  portNumberErrors,
  required,
} from "../../machinery/index.ts";
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  SecurityContext,
} from "../generated/types.gen.ts";
import { addAll, checkDnsLabel, invalids } from "./checks.ts";
import { checkEnv, checkEnvFrom, setEnvDefaults } from "./env.ts";
import { defaultPullPolicy } from "./images.ts";
import { checkProtocol } from "./ports.ts";
import { checkLifecycle, checkProbes, setLifecycleDefaults, setProbeDefaults } from "./probes.ts";
import { checkResources } from "./resource-requirements.ts";
import { checkSeccomp, checkUserId } from "./security-context.ts";
import { checkMounts } from "./volumes.ts";

export function setContainerDefaults(container: Draft<Container> | Draft<EphemeralContainer>): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image);
  container.terminationMessagePath ||= "/dev/termination-log";
  container.terminationMessagePolicy ||= "File";
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ||= "TCP";
  setEnvDefaults(container.env);
  setProbeDefaults(container.livenessProbe);
  setProbeDefaults(container.readinessProbe);
  setProbeDefaults(container.startupProbe);
  setLifecycleDefaults(container.lifecycle);
}

/** What the checks of a container need to know of its pod. */
export interface ContainerContext {
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
  /** A pod has its host ports filled in. A template may leave them out. */
  readonly isPod: boolean;
  readonly graceSeconds: number;
}

const pullPolicies: readonly string[] = ["Always", "IfNotPresent", "Never"];
const messagePolicies: readonly string[] = ["File", "FallbackToLogsOnError"];
const restartPolicies: readonly string[] = ["Always", "Never", "OnFailure"];

function checkPort(field: string, port: ContainerPort, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  if (port.name) {
    const namePath = childPath(field, "name");
    const texts = portNameErrors(port.name);
    addAll(errors, invalids(namePath, port.name, texts));
    if (texts.length === 0 && names.has(port.name)) errors.push(duplicateValue(namePath, port.name));
    names.add(port.name);
  }
  const containerPath = childPath(field, "containerPort");
  if (!port.containerPort) errors.push(required(containerPath));
  else addAll(errors, invalids(containerPath, port.containerPort, portNumberErrors(port.containerPort)));
  if (port.hostPort)
    addAll(errors, invalids(childPath(field, "hostPort"), port.hostPort, portNumberErrors(port.hostPort)));
  addAll(errors, checkProtocol(childPath(field, "protocol"), port.protocol));
  return errors;
}

function checkPorts(
  field: string,
  ports: readonly ContainerPort[] | undefined,
  context: ContainerContext,
): FieldError[] {
  const names = new Set<string>();
  return (ports ?? []).flatMap((port, index) => {
    const path = indexPath(field, index);
    const errors = checkPort(path, port, names);
    const hostPort = port.hostPort ?? 0;
    if (context.hostNetwork && (context.isPod || hostPort !== 0) && hostPort !== port.containerPort) {
      const text = "must match `containerPort` when `hostNetwork` is true";
      errors.push(invalidValue(childPath(path, "hostPort"), hostPort, text));
    }
    return errors;
  });
}

function checkSecurity(field: string, context: SecurityContext | undefined): FieldError[] {
  if (context === undefined) return [];
  const errors: FieldError[] = [];
  if (context.runAsUser !== undefined)
    addAll(errors, checkUserId(childPath(field, "runAsUser"), context.runAsUser));
  if (context.runAsGroup !== undefined)
    addAll(errors, checkUserId(childPath(field, "runAsGroup"), context.runAsGroup));
  addAll(errors, checkSeccomp(childPath(field, "seccompProfile"), context.seccompProfile));
  const { procMount } = context;
  if (procMount !== undefined && procMount !== "Default" && procMount !== "Unmasked") {
    errors.push(notSupported(childPath(field, "procMount"), procMount, ["Default", "Unmasked"]));
  }
  if (context.allowPrivilegeEscalation === false) {
    const cannot = "cannot set `allowPrivilegeEscalation` to false and";
    if (context.privileged) errors.push(invalidValue(field, context, `${cannot} \`privileged\` to true`));
    if (context.capabilities?.add?.includes("CAP_SYS_ADMIN")) {
      errors.push(invalidValue(field, context, `${cannot} \`capabilities.Add\` CAP_SYS_ADMIN`));
    }
  }
  return errors;
}

function checkChoice(field: string, value: string | undefined, allowed: readonly string[]): FieldError[] {
  if (!value) return [required(field)];
  return allowed.includes(value) ? [] : [notSupported(field, value, allowed)];
}

/** What ordinary, init and ephemeral containers have in common. */
function checkCommon(
  field: string,
  container: Container | EphemeralContainer,
  context: ContainerContext,
): FieldError[] {
  const errors: FieldError[] = [];
  const namePath = childPath(field, "name");
  if (!container.name) errors.push(required(namePath));
  else addAll(errors, checkDnsLabel(namePath, container.name));
  const { image = "" } = container;
  if (image === "") errors.push(required(childPath(field, "image")));
  else if (image !== image.trim()) {
    errors.push(
      invalidValue(childPath(field, "image"), image, "must not have leading or trailing whitespace"),
    );
  }
  const messagePath = childPath(field, "terminationMessagePolicy");
  addAll(errors, checkChoice(messagePath, container.terminationMessagePolicy, messagePolicies));
  addAll(errors, checkPorts(childPath(field, "ports"), container.ports, context));
  addAll(errors, checkEnv(childPath(field, "env"), container.env));
  addAll(errors, checkEnvFrom(childPath(field, "envFrom"), container.envFrom));
  addAll(errors, checkMounts(field, container, context.volumes));
  addAll(errors, checkChoice(childPath(field, "imagePullPolicy"), container.imagePullPolicy, pullPolicies));
  addAll(errors, checkResources(childPath(field, "resources"), container.resources));
  addAll(errors, checkSecurity(childPath(field, "securityContext"), container.securityContext));
  const { restartPolicy } = container;
  if (restartPolicy !== undefined && !restartPolicies.includes(restartPolicy)) {
    errors.push(notSupported(childPath(field, "restartPolicy"), restartPolicy, restartPolicies));
  }
  return errors;
}

function checkHostPortConflicts(field: string, containers: readonly Container[]): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [at, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      const id = `${port.protocol ?? ""}/${port.hostIP ?? ""}/${port.hostPort}`;
      if (seen.has(id)) {
        const path = indexPath(childPath(indexPath(field, index), "ports"), at);
        errors.push(duplicateValue(childPath(path, "hostPort"), id));
      }
      seen.add(id);
    }
  }
  return errors;
}

export function checkContainers(
  field: string,
  containers: readonly Container[] | undefined,
  context: ContainerContext,
): FieldError[] {
  if (!containers?.length) return [required(field)];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const path = indexPath(field, index);
    addAll(errors, checkCommon(path, container, context));
    if (names.has(container.name)) errors.push(duplicateValue(childPath(path, "name"), container.name));
    names.add(container.name);
    addAll(errors, checkLifecycle(childPath(path, "lifecycle"), container.lifecycle, context.graceSeconds));
    addAll(errors, checkProbes(path, container));
  }
  return [...errors, ...checkHostPortConflicts(field, containers)];
}

const sidecarOnly = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;

export function checkInitContainers(
  field: string,
  containers: readonly Container[] | undefined,
  context: ContainerContext & { readonly names: ReadonlySet<string> },
): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set(context.names);
  for (const [index, container] of (containers ?? []).entries()) {
    const path = indexPath(field, index);
    addAll(errors, checkCommon(path, container, context));
    if (names.has(container.name)) errors.push(duplicateValue(childPath(path, "name"), container.name));
    if (container.name) names.add(container.name);
    if (container.restartPolicy === "Always") {
      addAll(errors, checkLifecycle(childPath(path, "lifecycle"), container.lifecycle, context.graceSeconds));
      addAll(errors, checkProbes(path, container));
      continue;
    }
    for (const name of sidecarOnly) {
      if (container[name] === undefined) continue;
      errors.push(
        forbiddenField(
          childPath(path, name),
          "may not be set for init containers without restartPolicy=Always",
        ),
      );
    }
  }
  return [...errors, ...checkHostPortConflicts(field, containers ?? [])];
}

const neverEphemeral = ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] as const;

export function checkEphemeralContainers(
  field: string,
  containers: readonly EphemeralContainer[] | undefined,
  context: ContainerContext & { readonly names: ReadonlySet<string> },
): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set(context.names);
  for (const [index, container] of (containers ?? []).entries()) {
    const path = indexPath(field, index);
    addAll(errors, checkCommon(path, container, context));
    if (names.has(container.name)) errors.push(duplicateValue(childPath(path, "name"), container.name));
    names.add(container.name);
    for (const name of neverEphemeral) {
      if (container[name] === undefined) continue;
      errors.push(forbiddenField(childPath(path, name), "cannot be set for an Ephemeral Container"));
    }
  }
  return errors;
}

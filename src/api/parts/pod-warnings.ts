/**
 * Warnings about pods and templates that are valid but not what their author expects, in upstream's order.
 * Upstream: kubernetes v1.35, pkg/api/pod/warnings.go. Differs: paths of volumes that overlap are not looked at.
 */
import { childPath, dnsLabelErrors, indexPath, keyPath, quantityMilli } from "../../machinery/index.ts";
import type {
  Container,
  ContainerPort,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from "../generated/types.gen.ts";
import { ipWarnings } from "./addresses.ts";

/** Deprecated node labels, and the labels that replace them, each since a version. */
const renamedLabels: ReadonlyMap<string, readonly [better: string, since: string]> = new Map([
  ["beta.kubernetes.io/arch", ["kubernetes.io/arch", "v1.14"]],
  ["beta.kubernetes.io/os", ["kubernetes.io/os", "v1.14"]],
  ["failure-domain.beta.kubernetes.io/region", ["topology.kubernetes.io/region", "v1.17"]],
  ["failure-domain.beta.kubernetes.io/zone", ["topology.kubernetes.io/zone", "v1.17"]],
  ["beta.kubernetes.io/instance-type", ["node.kubernetes.io/instance-type", "v1.17"]],
]);

function labelWarning(path: string, key: string, before = ""): string[] {
  const [better, since] = renamedLabels.get(key) ?? [];
  return better === undefined ? [] : [`${path}: ${before}deprecated since ${since}; use "${better}" instead`];
}

/** A template's, or a pod's with the path "". */
export function podWarnings(path: string, { metadata, spec }: PodTemplateSpec): readonly string[] {
  const at = childPath(path, "spec");
  const containers = containersOf(at, spec);
  return [
    ...placementWarnings(at, spec),
    ...annotationWarnings(path, metadata?.annotations),
    ...(spec.volumes ?? []).flatMap((volume, index) => volumeWarnings(at, index, volume)),
    ...referenceWarnings(at, spec),
    ...byteWarnings(childPath(at, "overhead"), spec.overhead),
    ...containers.flatMap((one) => containerWarnings(one, metadata?.annotations)),
    ...portWarnings(containers),
    ...graceWarnings(at, spec),
    ...affinityWarnings(at, spec),
    ...addressWarnings(at, spec),
  ];
}

/** Of a kind whose pods are named after it. */
export function podNameWarnings(name: string | undefined): readonly string[] {
  return nameWarnings(name, "this is used in Pod names and hostnames, which");
}

/** Of a name that becomes a host name. */
export function nameWarnings(name: string | undefined, use: string): readonly string[] {
  const texts = dnsLabelErrors(name ?? "");
  if (texts.length === 0) return [];
  return [
    `metadata.name: ${use} can result in surprising behavior; a DNS label is recommended: [${texts.join(" ")}]`,
  ];
}

interface ContainerAt {
  readonly path: string;
  readonly container: Container;
}

function containersOf(path: string, spec: PodSpec): readonly ContainerAt[] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((field) =>
    (spec[field] ?? []).map((container, index) => ({
      path: indexPath(childPath(path, field), index),
      container: container as Container,
    })),
  );
}

const nullSelector = "a null labelSelector results in matching no pod";

function placementWarnings(path: string, spec: PodSpec): string[] {
  const warnings: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {}))
    warnings.push(...labelWarning(keyPath(childPath(path, "nodeSelector"), key), key));
  const affinity = spec.affinity?.nodeAffinity;
  const affinityPath = childPath(path, "affinity", "nodeAffinity");
  const terms = [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).map(
      (term, index) => ({
        term,
        at: `${affinityPath}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`,
      }),
    ),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ preference }, index) => ({
      term: preference,
      at: `${affinityPath}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`,
    })),
  ];
  for (const { term, at } of terms)
    for (const [index, { key }] of (term.matchExpressions ?? []).entries())
      warnings.push(...labelWarning(`${at}.matchExpressions[${index}].key`, key, `${key} is `));
  for (const [index, { topologyKey, labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const at = indexPath(childPath(path, "topologySpreadConstraints"), index);
    warnings.push(...labelWarning(childPath(at, "topologyKey"), topologyKey));
    if (labelSelector === undefined) warnings.push(`${childPath(at, "labelSelector")}: ${nullSelector}`);
  }
  return warnings;
}

const criticalPodAnnotation = "scheduler.alpha.kubernetes.io/critical-pod";

function annotationWarnings(path: string, annotations: Annotations): string[] {
  if (annotations === undefined || !Object.hasOwn(annotations, criticalPodAnnotation)) return [];
  const at = keyPath(childPath(path, "metadata", "annotations"), criticalPodAnnotation);
  return [`${at}: non-functional in v1.16+; use the "priorityClassName" field instead`];
}

type Annotations = Readonly<Record<string, string>> | undefined;

/** Kinds of volumes that are gone or going. */
const oldVolumes: Partial<Record<keyof Volume, string>> = {
  photonPersistentDisk: "deprecated in v1.11, non-functional in v1.16+",
  gitRepo: "deprecated in v1.11, and disabled by default in v1.33+",
  scaleIO: "deprecated in v1.16, non-functional in v1.22+",
  flocker: "deprecated in v1.22, non-functional in v1.25+",
  storageos: "deprecated in v1.22, non-functional in v1.25+",
  quobyte: "deprecated in v1.22, non-functional in v1.25+",
  glusterfs: "deprecated in v1.25, non-functional in v1.26+",
  cephfs: "deprecated in v1.28, non-functional in v1.31+",
  rbd: "deprecated in v1.28, non-functional in v1.31+",
};

function volumeWarnings(path: string, index: number, volume: Volume): string[] {
  const at = indexPath(childPath(path, "volumes"), index);
  const old = Object.entries(oldVolumes).filter(([kind]) => volume[kind as keyof Volume] !== undefined);
  const warnings = old.map(([kind, text]) => `${childPath(at, kind)}: ${text}`);
  const sources = volume.projected?.sources;
  const isEmpty = sources?.length === 0 || sources?.every((source) => Object.keys(source).length === 0);
  if (volume.projected !== undefined && isEmpty !== false)
    warnings.push(`volume "${volume.name}" (Projected) has no sources provided`);
  return warnings;
}

function referenceWarnings(path: string, spec: PodSpec): string[] {
  const warnings: string[] = [];
  const ips = new Set<string>();
  for (const [index, { ip }] of (spec.hostAliases ?? []).entries()) {
    const at = childPath(indexPath(childPath(path, "hostAliases"), index), "ip");
    if (ips.has(ip)) warnings.push(`${at}: duplicate ip "${ip}"`);
    ips.add(ip);
  }
  const names = new Set<string>();
  const secrets = (spec.imagePullSecrets ?? []).map(({ name = "" }, index) => ({
    name,
    at: childPath(indexPath(childPath(path, "imagePullSecrets"), index), "name"),
  }));
  for (const { name, at } of secrets) {
    if (names.has(name)) warnings.push(`${at}: duplicate name "${name}"`);
    names.add(name);
  }
  for (const { name, at } of secrets) if (name === "") warnings.push(`${at}: invalid empty name ""`);
  return warnings;
}

/** Amounts that are whole bytes. */
export function byteWarnings(path: string, amounts: Readonly<Record<string, string>> | undefined): string[] {
  return ["memory", "ephemeral-storage", "storage"].flatMap((name) => {
    const value = amounts?.[name];
    if (value === undefined || quantityMilli(value) % 1000 === 0) return [];
    return [`${keyPath(path, name)}: fractional byte value "${value}" is invalid, must be an integer`];
  });
}

const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

function containerWarnings({ path, container }: ContainerAt, annotations: Annotations): string[] {
  const warnings: string[] = [];
  const profile = `${appArmorPrefix}${container.name}`;
  if (
    annotations !== undefined &&
    Object.hasOwn(annotations, profile) &&
    container.securityContext?.appArmorProfile === undefined
  ) {
    const root = path.slice(0, Math.max(0, path.lastIndexOf("spec.") - 1));
    const at = keyPath(childPath(root, "metadata", "annotations"), profile);
    warnings.push(`${at}: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
  const { limits, requests } = container.resources ?? {};
  const [limitsPath, requestsPath] = [
    childPath(path, "resources", "limits"),
    childPath(path, "resources", "requests"),
  ];
  for (const name of ["memory", "ephemeral-storage"]) {
    const only = (amounts: typeof limits): Record<string, string> =>
      amounts?.[name] === undefined ? {} : { [name]: amounts[name] };
    warnings.push(...byteWarnings(limitsPath, only(limits)), ...byteWarnings(requestsPath, only(requests)));
  }
  return [...warnings, ...envWarnings(path, container)];
}

/** A later definition may refer to an earlier one of its name; then nothing is lost. */
function envWarnings(path: string, { env = [] }: Container): string[] {
  const seen = new Set<string>();
  const warnings: string[] = [];
  for (const [index, { name, value = "", valueFrom }] of env.entries()) {
    const isLost = valueFrom !== undefined || !value.includes(`$(${name})`);
    if (seen.has(name) && isLost) {
      const at = indexPath(childPath(path, "env"), index);
      warnings.push(`${at}: hides previous definition of "${name}", which may be dropped when using apply`);
    }
    seen.add(name);
  }
  return warnings;
}

interface PortAt {
  readonly at: string;
  readonly hostIP: string;
  readonly hostPort: number;
}

function portWarnings(containers: readonly ContainerAt[]): string[] {
  const warnings: string[] = [];
  const known = new Map<string, PortAt[]>();
  for (const { path, container } of containers) {
    for (const [index, port] of (container.ports ?? []).entries()) {
      const at = indexPath(childPath(path, "ports"), index);
      if (port.hostIP) warnings.push(...ipWarnings(childPath(at, "hostIP"), port.hostIP));
      const mine = { at, hostIP: port.hostIP ?? "", hostPort: port.hostPort ?? 0 };
      const key = portKey(port);
      const others = known.get(key) ?? [];
      for (const other of others) {
        const what = clash(mine, other);
        if (what !== undefined) warnings.push(`${at}: ${what} port definition with ${other.at}`);
      }
      known.set(key, [...others, mine]);
    }
  }
  return warnings;
}

function portKey({ containerPort, protocol = "TCP" }: ContainerPort): string {
  return `${containerPort}/${protocol}`;
}

function clash(a: PortAt, b: PortAt): string | undefined {
  if (a.hostIP === b.hostIP && a.hostPort === b.hostPort) return "duplicate";
  if (a.hostPort === 0 || b.hostPort === 0) return "overlapping";
  const isAmbiguous = a.hostPort === b.hostPort && (a.hostIP === "") !== (b.hostIP === "");
  return isAmbiguous ? "dangerously ambiguous" : undefined;
}

function graceWarnings(path: string, { terminationGracePeriodSeconds = 0 }: PodSpec): string[] {
  if (terminationGracePeriodSeconds >= 0) return [];
  const text = "must be >= 0; negative values are invalid and will be treated as 1";
  return [`${childPath(path, "terminationGracePeriodSeconds")}: ${text}`];
}

function affinityWarnings(path: string, { affinity }: PodSpec): string[] {
  return (["podAffinity", "podAntiAffinity"] as const).flatMap((field) => {
    const at = childPath(path, "affinity", field);
    const required = affinity?.[field]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const preferred = affinity?.[field]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const warn = (term: PodAffinityTerm, where: string): string[] =>
      term.labelSelector === undefined ? [`${childPath(where, "labelSelector")}: ${nullSelector}`] : [];
    return [
      ...required.flatMap((term, index) =>
        warn(term, `${at}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`),
      ),
      ...preferred.flatMap(({ podAffinityTerm }, index) =>
        warn(
          podAffinityTerm,
          `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].podAffinityTerm`,
        ),
      ),
    ];
  });
}

function addressWarnings(path: string, { dnsConfig, hostAliases = [] }: PodSpec): string[] {
  const servers = childPath(path, "dnsConfig", "nameservers");
  const aliases = childPath(path, "hostAliases");
  return [
    ...(dnsConfig?.nameservers ?? []).flatMap((ip, index) => ipWarnings(indexPath(servers, index), ip)),
    ...hostAliases.flatMap(({ ip }, index) => ipWarnings(childPath(indexPath(aliases, index), "ip"), ip)),
  ];
}

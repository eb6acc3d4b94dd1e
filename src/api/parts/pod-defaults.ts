/**
 * Defaults of pods and pod templates. Not here: what admission adds to pods (kinds-pod.ts), validation.
 * All functions fill an object in place, never overwrite what is set, and change nothing when run again.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go and zz_generated.defaults.go.
 */
import type { Draft } from "../../machinery/index.ts";
import type {
  Container,
  DownwardAPIVolumeFile,
  EphemeralContainer,
  HTTPGetAction,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ProjectedVolumeSource,
  Volume,
} from "../generated/types.gen.ts";

const terminationGracePeriodSeconds = 30;
/** Octal 0644, the mode of files in configMap, secret, projected and downwardAPI volumes. */
const fileMode = 420;
const tokenExpirationSeconds = 3600;

/** Upstream's Always for `latest` or no tag; a digest or a text that is no image reference gives IfNotPresent. */
export function defaultPullPolicy(image: string | undefined): "Always" | "IfNotPresent" {
  if (image === undefined || image === "") return "IfNotPresent";
  const at = image.indexOf("@");
  const named = at < 0 ? image : image.slice(0, at);
  const lastSlash = named.lastIndexOf("/");
  const colon = named.indexOf(":", lastSlash + 1);
  const tag = colon < 0 ? "" : named.slice(colon + 1);
  const repository = colon < 0 ? named : named.slice(0, colon);
  const firstSlash = repository.indexOf("/");
  const first = firstSlash < 0 ? "" : repository.slice(0, firstSlash);
  const isHost = /[.:]/.test(first) || first === "localhost" || /[A-Z]/.test(first);
  const path = isHost ? repository.slice(firstSlash + 1) : repository;
  if (!/^[a-z0-9]+([._/-]+[a-z0-9]+)*$/.test(path)) return "IfNotPresent";
  if (tag === "") return at < 0 ? "Always" : "IfNotPresent";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

function setHttpGetDefaults(action: Draft<HTTPGetAction> | undefined): void {
  if (action === undefined) return;
  action.path ||= "/";
  action.scheme ||= "HTTP";
}

function setProbeDefaults(probe: Draft<Probe> | undefined): void {
  if (probe === undefined) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  setHttpGetDefaults(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= "";
}

function setContainerDefaults(container: Draft<Container> | Draft<EphemeralContainer>): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image);
  container.terminationMessagePath ||= "/dev/termination-log";
  container.terminationMessagePolicy ||= "File";
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ||= "TCP";
  for (const env of container.env ?? []) {
    if (env.valueFrom?.fieldRef !== undefined) env.valueFrom.fieldRef.apiVersion ||= "v1";
    if (env.valueFrom?.resourceFieldRef !== undefined) env.valueFrom.resourceFieldRef.divisor ||= "0";
    if (env.valueFrom?.fileKeyRef !== undefined) env.valueFrom.fileKeyRef.optional ??= false;
  }
  setProbeDefaults(container.livenessProbe);
  setProbeDefaults(container.readinessProbe);
  setProbeDefaults(container.startupProbe);
  setHttpGetDefaults(container.lifecycle?.postStart?.httpGet);
  setHttpGetDefaults(container.lifecycle?.preStop?.httpGet);
}

function setDownwardItems(items: Draft<DownwardAPIVolumeFile>[] | undefined): void {
  for (const item of items ?? []) {
    if (item.fieldRef !== undefined) item.fieldRef.apiVersion ||= "v1";
    if (item.resourceFieldRef !== undefined) item.resourceFieldRef.divisor ||= "0";
  }
}

function setProjectedDefaults(projected: Draft<ProjectedVolumeSource>): void {
  projected.defaultMode ??= fileMode;
  for (const source of projected.sources ?? []) {
    setDownwardItems(source.downwardAPI?.items);
    if (source.serviceAccountToken !== undefined) {
      source.serviceAccountToken.expirationSeconds ??= tokenExpirationSeconds;
    }
  }
}

function setRemoteVolumeDefaults(volume: Draft<Volume>): void {
  if (volume.iscsi !== undefined) volume.iscsi.iscsiInterface ||= "default";
  if (volume.rbd !== undefined) {
    volume.rbd.pool ||= "rbd";
    volume.rbd.user ||= "admin";
    volume.rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (volume.azureDisk !== undefined) {
    volume.azureDisk.cachingMode ??= "ReadWrite";
    volume.azureDisk.kind ??= "Shared";
    volume.azureDisk.fsType ??= "ext4";
    volume.azureDisk.readOnly ??= false;
  }
  if (volume.scaleIO !== undefined) {
    volume.scaleIO.storageMode ||= "ThinProvisioned";
    volume.scaleIO.fsType ||= "xfs";
  }
}

function setVolumeDefaults(volume: Draft<Volume>): void {
  if (Object.keys(volume).every((key) => key === "name")) volume.emptyDir = {};
  if (volume.hostPath !== undefined) volume.hostPath.type ??= "";
  if (volume.secret !== undefined) volume.secret.defaultMode ??= fileMode;
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= fileMode;
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= fileMode;
    setDownwardItems(volume.downwardAPI.items);
  }
  if (volume.projected !== undefined) setProjectedDefaults(volume.projected);
  if (volume.ephemeral?.volumeClaimTemplate !== undefined) {
    const template = volume.ephemeral.volumeClaimTemplate;
    template.metadata ??= {};
    template.spec.resources ??= {};
    template.spec.volumeMode ??= "Filesystem";
  }
  if (volume.image !== undefined) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference);
  setRemoteVolumeDefaults(volume);
}

/** What pods and templates have in common. @public */
export function setPodSpecDefaults(spec: Draft<PodSpec>): void {
  spec.restartPolicy ||= "Always";
  spec.dnsPolicy ||= "ClusterFirst";
  spec.schedulerName ||= "default-scheduler";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= terminationGracePeriodSeconds;
  const serviceAccount = spec.serviceAccountName || spec.serviceAccount;
  if (serviceAccount) {
    spec.serviceAccountName = serviceAccount;
    spec.serviceAccount = serviceAccount;
  }
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  for (const container of spec.initContainers ?? []) setContainerDefaults(container);
  for (const container of spec.containers ?? []) setContainerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) setContainerDefaults(container);
}

/** Template of a DaemonSet and of every other kind that has one: never host ports, requests or service links. */
export function setPodTemplateDefaults(template: Draft<PodTemplateSpec>): void {
  template.metadata ??= {};
  template.spec ??= { containers: [] };
  setPodSpecDefaults(template.spec);
}

function setRequestsFromLimits(container: Draft<Container>): void {
  const limits = container.resources?.limits;
  if (container.resources === undefined || limits === undefined || Object.keys(limits).length === 0) return;
  const requests = (container.resources.requests ??= {});
  for (const [name, quantity] of Object.entries(limits)) requests[name] ??= quantity;
}

/** The spec's defaults and those of pods alone. */
export function setPodDefaults(pod: Draft<Pod>): void {
  pod.spec ??= { containers: [] };
  const { spec } = pod;
  setPodSpecDefaults(spec);
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    setRequestsFromLimits(container);
    if (!spec.hostNetwork) continue;
    for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  }
}

/**
 * Volumes of pods and their mounts: defaults and what is valid.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go (ValidateVolumes,
 * ValidateVolumeMounts).
 */
import {
  childPath,
  type Draft,
  duplicateValue,
  type FieldError,
  forbiddenField,
  indexPath,
  invalidValue,
  notFoundValue,
  notSupported,
  parseQuantity,
  required,
} from "../../machinery/index.ts";
import type {
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
  VolumeMount,
} from "../generated/types.gen.ts";
import { addAll, checkDnsLabel } from "./checks.ts";
import { checkFieldRef, checkResourceRef, setReferenceDefaults } from "./env.ts";
import { defaultPullPolicy } from "./images.ts";
import { setVolumeClaimSpecDefaults } from "./volume-claim.ts";

/** Octal 0644, the mode of files in configMap, secret, projected and downwardAPI volumes. */
const fileMode = 420;
/** Seconds that a projected token is valid when the volume does not say it. An hour as upstream. */
const tokenExpirationSeconds = 3600;

export function setVolumeDefaults(volume: Draft<Volume>): void {
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
    setVolumeClaimSpecDefaults(template.spec);
  }
  if (volume.image !== undefined) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference);
  setRemoteVolumeDefaults(volume);
}

function setDownwardItems(items: Draft<DownwardAPIVolumeFile>[] | undefined): void {
  for (const item of items ?? []) setReferenceDefaults(item);
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

/** Octal 0777: a mode has permission bits only. */
const modeMax = 511;
const modeText = "must be a number between 0 and 0777 (octal), both inclusive";

/** Shortest and longest time that a projected token is valid, in seconds. */
const tokenSecondsMin = 600;
const tokenSecondsMax = 2 ** 32;

/** A relative path that never climbs out of its folder. */
function checkDescendingPath(field: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (path.startsWith("/")) errors.push(invalidValue(field, path, "must be a relative path"));
  return [...errors, ...checkNoBacksteps(field, path)];
}

function checkNoBacksteps(field: string, path: string): FieldError[] {
  return path.split("/").includes("..") ? [invalidValue(field, path, "must not contain '..'")] : [];
}

/** As checkDescendingPath. A name that begins with two dots is refused too: the node agent uses such names. */
function checkReservedPath(field: string, path: string): FieldError[] {
  const errors = checkDescendingPath(field, path);
  if (path.startsWith("..") && !path.startsWith("../")) {
    errors.push(invalidValue(field, path, "must not start with '..'"));
  }
  return errors;
}

function checkMode(field: string, mode: number | undefined): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > modeMax) ? [invalidValue(field, mode, modeText)] : [];
}

function checkItems(field: string, items: readonly KeyToPath[] | undefined): FieldError[] {
  return (items ?? []).flatMap((item, index) => {
    const path = indexPath(field, index);
    const errors: FieldError[] = item.key ? [] : [required(childPath(path, "key"))];
    if (!item.path) errors.push(required(childPath(path, "path")));
    else addAll(errors, checkReservedPath(childPath(path, "path"), item.path));
    return [...errors, ...checkMode(childPath(path, "mode"), item.mode)];
  });
}

function checkDownwardItems(
  field: string,
  items: readonly DownwardAPIVolumeFile[] | undefined,
): FieldError[] {
  return (items ?? []).flatMap((item, index) => {
    const path = indexPath(field, index);
    const errors: FieldError[] = item.path ? [] : [required(childPath(path, "path"))];
    if (item.path) addAll(errors, checkReservedPath(childPath(path, "path"), item.path));
    const { fieldRef, resourceFieldRef } = item;
    if (fieldRef !== undefined) {
      addAll(errors, checkFieldRef(childPath(path, "fieldRef"), fieldRef, "volume"));
      if (resourceFieldRef !== undefined) {
        errors.push(
          invalidValue(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"),
        );
      }
    } else if (resourceFieldRef !== undefined) {
      addAll(errors, checkResourceRef(childPath(path, "resourceFieldRef"), resourceFieldRef, "volume"));
    } else errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
    return [...errors, ...checkMode(childPath(path, "mode"), item.mode)];
  });
}

const projectedSources = [
  "secret",
  "configMap",
  "downwardAPI",
  "serviceAccountToken",
  "clusterTrustBundle",
  "podCertificate",
] as const;

function checkProjected(field: string, projected: ProjectedVolumeSource): FieldError[] {
  const errors = checkMode(childPath(field, "defaultMode"), projected.defaultMode);
  for (const [index, source] of (projected.sources ?? []).entries()) {
    const path = indexPath(childPath(field, "sources"), index);
    for (const name of projectedSources.filter((one) => source[one] !== undefined).slice(1)) {
      errors.push(forbiddenField(childPath(path, name), "may not specify more than 1 volume type"));
    }
    for (const name of ["secret", "configMap"] as const) {
      const from = source[name];
      if (from === undefined) continue;
      if (!from.name) errors.push(required(childPath(path, name, "name")));
      addAll(errors, checkItems(childPath(path, name, "items"), from.items));
    }
    addAll(errors, checkDownwardItems(childPath(path, "downwardAPI"), source.downwardAPI?.items));
    const token = source.serviceAccountToken;
    if (token === undefined) continue;
    const seconds = token.expirationSeconds ?? tokenSecondsMin;
    const secondsPath = childPath(path, "serviceAccountToken", "expirationSeconds");
    if (seconds < tokenSecondsMin) {
      errors.push(invalidValue(secondsPath, seconds, "may not specify a duration less than 10 minutes"));
    }
    if (seconds > tokenSecondsMax) {
      errors.push(invalidValue(secondsPath, seconds, "may not specify a duration larger than 2^32 seconds"));
    }
    if (!token.path) errors.push(required(childPath(path, "serviceAccountToken", "path")));
  }
  return errors;
}

const hostPathTypes: readonly string[] = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

/** Required text fields of the sources that have no check of their own. */
const neededTexts: Readonly<Record<string, readonly string[]>> = {
  awsElasticBlockStore: ["volumeID"],
  azureDisk: ["diskName", "diskURI"],
  azureFile: ["secretName", "shareName"],
  cinder: ["volumeID"],
  csi: ["driver"],
  flexVolume: ["driver"],
  gcePersistentDisk: ["pdName"],
  gitRepo: ["repository"],
  glusterfs: ["endpoints", "path"],
  image: ["reference"],
  iscsi: ["targetPortal", "iqn"],
  nfs: ["server", "path"],
  persistentVolumeClaim: ["claimName"],
  photonPersistentDisk: ["pdID"],
  portworxVolume: ["volumeID"],
  quobyte: ["registry", "volume"],
  rbd: ["image"],
  scaleIO: ["gateway", "system", "volumeName"],
  vsphereVolume: ["volumePath"],
};

function checkNeededTexts(field: string, volume: Volume): FieldError[] {
  const errors: FieldError[] = [];
  for (const [source, texts] of Object.entries(neededTexts)) {
    const value = volume[source as keyof Volume] as Readonly<Record<string, unknown>> | undefined;
    if (value === undefined) continue;
    for (const text of texts) if (!value[text]) errors.push(required(childPath(field, source, text)));
  }
  const { nfs } = volume;
  if (nfs?.path && !nfs.path.startsWith("/")) {
    errors.push(invalidValue(childPath(field, "nfs", "path"), nfs.path, "must be an absolute path"));
  }
  return errors;
}

function checkFiles(field: string, volume: Volume): FieldError[] {
  const errors: FieldError[] = [];
  const { secret, configMap, downwardAPI, projected } = volume;
  if (secret !== undefined) {
    if (!secret.secretName) errors.push(required(childPath(field, "secret", "secretName")));
    addAll(errors, checkMode(childPath(field, "secret", "defaultMode"), secret.defaultMode));
    addAll(errors, checkItems(childPath(field, "secret", "items"), secret.items));
  }
  if (configMap !== undefined) {
    if (!configMap.name) errors.push(required(childPath(field, "configMap", "name")));
    addAll(errors, checkMode(childPath(field, "configMap", "defaultMode"), configMap.defaultMode));
    addAll(errors, checkItems(childPath(field, "configMap", "items"), configMap.items));
  }
  if (downwardAPI !== undefined) {
    addAll(errors, checkMode(childPath(field, "downwardAPI", "defaultMode"), downwardAPI.defaultMode));
    addAll(errors, checkDownwardItems(childPath(field, "downwardAPI"), downwardAPI.items));
  }
  if (projected !== undefined) addAll(errors, checkProjected(childPath(field, "projected"), projected));
  return errors;
}

function checkSource(field: string, volume: Volume): FieldError[] {
  const sources = Object.keys(volume).filter(
    (key) => key !== "name" && volume[key as keyof Volume] !== undefined,
  );
  if (sources.length === 0) return [required(field, "must specify a volume type")];
  const errors = sources
    .slice(1)
    .map((source) => forbiddenField(childPath(field, source), "may not specify more than 1 volume type"));
  const { hostPath, emptyDir, ephemeral } = volume;
  if (hostPath !== undefined) {
    const path = childPath(field, "hostPath", "path");
    if (!hostPath.path) errors.push(required(path));
    else addAll(errors, checkNoBacksteps(path, hostPath.path));
    if (!hostPathTypes.includes(hostPath.type ?? "")) {
      errors.push(notSupported(childPath(field, "hostPath", "type"), hostPath.type, hostPathTypes));
    }
  }
  if (emptyDir?.sizeLimit !== undefined && (parseQuantity(emptyDir.sizeLimit)?.nanos ?? -1n) < 0n) {
    const text = "SizeLimit field must be a valid resource quantity";
    errors.push(forbiddenField(childPath(field, "emptyDir", "sizeLimit"), text));
  }
  if (ephemeral !== undefined) {
    const claim = ephemeral.volumeClaimTemplate?.spec;
    const path = childPath(field, "ephemeral", "volumeClaimTemplate");
    if (claim === undefined) errors.push(required(path));
    else {
      if ((claim.accessModes ?? []).length === 0) {
        errors.push(required(childPath(path, "spec", "accessModes"), "at least 1 access mode is required"));
      }
      if (claim.resources?.requests?.["storage"] === undefined) {
        errors.push(required(`${childPath(path, "spec", "resources")}[storage]`));
      }
    }
  }
  addAll(errors, checkFiles(field, volume));
  return [...errors, ...checkNeededTexts(field, volume)];
}

export function checkVolumes(field: string, volumes: readonly Volume[] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, volume] of (volumes ?? []).entries()) {
    const path = indexPath(field, index);
    const sourceErrors = checkSource(path, volume);
    if (!volume.name) sourceErrors.push(required(childPath(path, "name")));
    else {
      const nameErrors = checkDnsLabel(childPath(path, "name"), volume.name);
      addAll(sourceErrors, nameErrors);
      if (nameErrors.length === 0 && seen.has(volume.name)) {
        sourceErrors.push(duplicateValue(childPath(path, "name"), volume.name));
      }
      seen.add(volume.name);
    }
    addAll(errors, sourceErrors);
  }
  return errors;
}

const propagations: readonly string[] = ["Bidirectional", "HostToContainer", "None"];
const recursions: readonly string[] = ["Disabled", "Enabled", "IfPossible"];

function checkMount(field: string, mount: VolumeMount, isPrivileged: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (mount.subPath) addAll(errors, checkDescendingPath(childPath(field, "subPath"), mount.subPath));
  if (mount.subPathExpr) {
    const path = childPath(field, "subPathExpr");
    addAll(errors, checkDescendingPath(path, mount.subPathExpr));
  }
  const propagation = mount.mountPropagation;
  if (propagation !== undefined) {
    const path = childPath(field, "mountPropagation");
    if (!propagations.includes(propagation)) errors.push(notSupported(path, propagation, propagations));
    if (propagation === "Bidirectional" && !isPrivileged) {
      errors.push(
        forbiddenField(path, "Bidirectional mount propagation is available only to privileged containers"),
      );
    }
  }
  const recursion = mount.recursiveReadOnly;
  if (recursion !== undefined && recursion !== "Disabled") {
    const path = childPath(field, "recursiveReadOnly");
    if (!recursions.includes(recursion)) errors.push(notSupported(path, recursion, recursions));
    else if (!mount.readOnly)
      errors.push(forbiddenField(path, "may only be specified when readOnly is true"));
  }
  return errors;
}

type Mounting = Pick<Container, "volumeMounts" | "volumeDevices" | "securityContext">;

export function checkMounts(field: string, container: Mounting, volumes: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  const devices = new Set((container.volumeDevices ?? []).map((device) => device.devicePath));
  const isPrivileged = container.securityContext?.privileged === true;
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const path = indexPath(childPath(field, "volumeMounts"), index);
    const namePath = childPath(path, "name");
    if (!mount.name) errors.push(required(namePath));
    else if (!volumes.has(mount.name)) errors.push(notFoundValue(namePath, mount.name));
    const mountPath = childPath(path, "mountPath");
    if (!mount.mountPath) errors.push(required(mountPath));
    if (paths.has(mount.mountPath)) errors.push(invalidValue(mountPath, mount.mountPath, "must be unique"));
    if (mount.mountPath && devices.has(mount.mountPath)) {
      errors.push(
        invalidValue(mountPath, mount.mountPath, "must not already exist as a path in volumeDevices"),
      );
    }
    paths.add(mount.mountPath);
    if (mount.subPath && mount.subPathExpr) {
      const text = "subPathExpr and subPath are mutually exclusive";
      errors.push(invalidValue(childPath(path, "subPathExpr"), mount.subPathExpr, text));
    }
    // Upstream leaves the index out here.
    addAll(errors, checkMount(childPath(field, "volumeMounts"), mount, isPrivileged));
  }
  for (const [index, device] of (container.volumeDevices ?? []).entries()) {
    const path = indexPath(childPath(field, "volumeDevices"), index);
    if (!device.name) errors.push(required(childPath(path, "name")));
    else if (!volumes.has(device.name)) errors.push(notFoundValue(childPath(path, "name"), device.name));
    if (!device.devicePath) errors.push(required(childPath(path, "devicePath")));
    else addAll(errors, checkNoBacksteps(childPath(path, "devicePath"), device.devicePath));
  }
  return errors;
}

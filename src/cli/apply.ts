/**
 * `apply`: makes objects as their manifests say, and keeps the manifest in kubectl's last-applied annotation, so that
 * kubectl and `lares up` can be used in turn. Not here: reading manifests (manifests.ts), server-side apply.
 */
import { type Kind, kinds, schemas } from "../api/index.ts";
import type { Client } from "../client/index.ts";
import { apiVersionOf, encodeJson, isNotFound, type KubeObject, statusOf } from "../machinery/index.ts";
import type { Manifest } from "./manifests.ts";
import { threeWayPatch } from "./three-way.ts";
import { UsageError } from "./usage-error.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

export type Outcome = "created" | "configured" | "unchanged";

export interface Applied {
  /** `daemonset.apps/name`. */
  readonly name: string;
  readonly outcome: Outcome;
}

/** @throws UsageError that names the document when the server has no such kind. */
export function kindOf(manifest: Manifest): Kind {
  const { apiVersion, kind } = manifest.object;
  const found = kinds.find(({ resource }) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
  if (found !== undefined) return found;
  throw new UsageError(
    `${manifest.source}: no matches for kind "${kind}" in version "${apiVersion}"`,
    "`kubectl api-resources` lists what is served",
  );
}

/** Applies one manifest. @throws UsageError that names the document, for what the server refuses. */
export async function apply(client: Client, manifest: Manifest): Promise<Applied> {
  try {
    return await applyOne(client, manifest);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new UsageError(`${manifest.source}: ${error.message}`, "correct the manifest and try again", {
      cause: error,
    });
  }
}

/** Codes from 400 to 499 mean that the manifest is wrong; all other failures are not the user's. */
function isRefusal(error: unknown): error is Error {
  const { code = 0 } = statusOf(error);
  return error instanceof Error && code >= 400 && code < 500;
}

async function applyOne(client: Client, manifest: Manifest): Promise<Applied> {
  const kind = kindOf(manifest);
  const { resource } = kind;
  const object = withNamespace(manifest.object, resource.namespaced);
  const name = object.metadata.name!;
  const shown = `${kind.singular}${resource.group === "" ? "" : `.${resource.group}`}/${name}`;
  const text = `${encodeJson(annotated(object, undefined))}\n`;
  const wanted = annotated(object, text);
  const address = {
    name,
    ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
  };
  const live = await client.get(resource, address).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const options = { fieldManager: "lares", fieldValidation: "Strict" } as const;
  if (live === undefined) {
    await client.create(resource, wanted, options);
    return { name: shown, outcome: "created" };
  }
  const before = live.metadata.annotations?.[lastApplied];
  if (before === text) return { name: shown, outcome: "unchanged" };
  const last = before === undefined ? undefined : (JSON.parse(before) as object);
  const body = threeWayPatch(schemas, kind.schema, { last, wanted });
  const patched = await client.patch(resource, address, { type: "strategic", body }, options);
  const isSame = patched.metadata.resourceVersion === live.metadata.resourceVersion;
  return { name: shown, outcome: isSame ? "unchanged" : "configured" };
}

function withNamespace(object: KubeObject, isNamespaced: boolean): KubeObject {
  const { namespace, ...rest } = object.metadata;
  return isNamespaced
    ? { ...object, metadata: { ...rest, namespace: namespace ?? "default" } }
    : { ...object, metadata: rest };
}

/** The object with the annotation set to `text`, or without it: the annotation must not contain itself. */
function annotated(object: KubeObject, text: string | undefined): KubeObject {
  const { [lastApplied]: _, ...annotations } = object.metadata.annotations ?? {};
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: text === undefined ? annotations : { ...annotations, [lastApplied]: text },
    },
  };
}

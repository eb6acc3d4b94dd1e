/**
 * `namespaces/NAME/finalize`: the only way to change spec.finalizers of a namespace; the last one gone removes it.
 * Not here: emptying a namespace (a controller), refusing new content (admission.ts).
 */
import type { Namespace } from "../../api/index.ts";
import type { Draft, KubeObject } from "../../machinery/index.ts";
import { decodeBody } from "../registry/bodies.ts";
import { checkResourceVersion, checkUid, ordered } from "../registry/metadata.ts";
import {
  checkAddress,
  conflictAttempts,
  type Writes,
  type Target,
  type WriteRequest,
  writerOf,
  type Written,
} from "../registry/writes.ts";
import type { Served } from "../registry/served.ts";

export async function finalizeNamespace(
  writes: Writes,
  served: Served,
  request: WriteRequest & { readonly target: Target },
): Promise<Written> {
  const { target, call, options } = request;
  const { object, warnings } = decodeBody(served.kind, writes.schemas, {
    call,
    fieldValidation: options.fieldValidation,
  });
  checkAddress(served, object, target);
  const finalizers = (object as unknown as Namespace).spec?.finalizers;
  const written = await writes.modify(served, target, {
    writer: writerOf(request),
    attempts: object.metadata.resourceVersion ? 1 : conflictAttempts,
    next: (before) => {
      checkUid(served.kind.resource, object.metadata.uid, before.metadata);
      checkResourceVersion(served.kind.resource, object.metadata.resourceVersion, before.metadata);
      const spec = finalizers === undefined || finalizers.length === 0 ? {} : { finalizers };
      return { object: { ...before, metadata: ordered(before.metadata), spec } as Draft<KubeObject> };
    },
  });
  return { ...written, warnings: [...warnings, ...written.warnings] };
}

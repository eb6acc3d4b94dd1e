/**
 * `namespaces/NAME/finalize`: the only way to change spec.finalizers of a namespace; the last one gone removes it.
 * Not here: emptying a namespace (a controller), refusing new content (admission-plugins/).
 */
import type { Namespace } from "../../api/index.ts";
import type { Draft, KubeObject } from "../../machinery/index.ts";
import type { View } from "../registry/definition.ts";
import { ordered } from "../registry/metadata.ts";

export const finalize: View = {
  as: "view",
  next(draft, before) {
    const finalizers = (draft as Draft<Namespace>).spec?.finalizers ?? [];
    const spec = finalizers.length === 0 ? {} : { finalizers };
    const next = { ...before, metadata: ordered(before.metadata), spec } as Draft<KubeObject>;
    return { next, errors: [] };
  },
};

/**
 * The view `status` of any kind that has one: only the status, labels and annotations may change.
 * Not here: what the kind makes of its status (api/).
 */
import { withMembers } from "../../base/index.ts";
import type { Kind } from "../../api/index.ts";
import type { Draft, KubeObject } from "../../machinery/index.ts";
import type { View } from "./definition.ts";
import { ordered } from "./metadata.ts";

export function statusView({ prepareForStatusUpdate, validateStatusUpdate }: Kind["rules"]): View {
  return {
    as: "view",
    next(draft, before) {
      const { labels, annotations } = draft.metadata;
      const metadata = ordered(withMembers(before.metadata, { labels, annotations }));
      const next = { ...before, metadata } as Draft<KubeObject>;
      copyMember(next, draft, "status");
      prepareForStatusUpdate?.(next, before);
      return { next, errors: validateStatusUpdate?.(next, before) ?? [] };
    },
  };
}

/** Gives `to` the member of `from`, or takes it away where `from` has none. */
export function copyMember(to: Draft<KubeObject>, from: KubeObject, name: string): void {
  const value = (from as KubeObject & Record<string, unknown>)[name];
  const target = to as Draft<KubeObject> & Record<string, unknown>;
  if (value === undefined) delete target[name];
  else target[name] = value;
}

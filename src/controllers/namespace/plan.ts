/**
 * What a namespace that is going says about itself, from what was found in it. Pure.
 * Upstream: kubernetes v1.35, pkg/controller/namespace/deletion/status_condition_utils.go. Texts and reasons are theirs.
 */
import type { Namespace, NamespaceCondition } from "../../api/index.ts";

export interface Findings {
  /** Pods left. While there are any, nothing else was looked at. */
  readonly pods: number;
  /** `pods.` or `daemonsets.apps` -> objects left. */
  readonly remaining: ReadonlyMap<string, number>;
  /** Finalizer -> objects that it holds. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** What went wrong while deleting. */
  readonly failures: readonly string[];
  /** `metrics.k8s.io/v1beta1`: versions of which the server could not tell what they hold. */
  readonly undiscovered: readonly string[];
}

export type Step =
  /** Empty: say so, and let the namespace go. */
  | (Said & { readonly do: "finalize"; readonly finalizers: readonly string[] })
  /** Not empty: say so, look again later. */
  | (Said & { readonly do: "wait" });

interface Said {
  /** All conditions that the namespace is to have. */
  readonly conditions: readonly NamespaceCondition[];
  /** True when it does not have them yet. */
  readonly isChanged: boolean;
}

/** The finalizer in spec.finalizers that this controller serves. */
const kubernetesFinalizer = "kubernetes";

export function isToEmpty(namespace: Namespace): boolean {
  return (
    namespace.metadata.deletionTimestamp !== undefined &&
    (namespace.spec.finalizers?.includes(kubernetesFinalizer) ?? false)
  );
}

export function plan(namespace: Namespace, findings: Findings, now: string): Step {
  const before = namespace.status?.conditions ?? [];
  const wanted = wantedConditions(findings);
  const isChanged = wanted.some((condition) => !before.some((other) => isSame(other, condition)));
  const conditions = wanted.map((condition) => {
    const known = before.find((other) => other.type === condition.type);
    const isOld = known?.status === condition.status;
    return { ...condition, lastTransitionTime: (isOld && known?.lastTransitionTime) || now };
  });
  const foreign = before.filter((other) => !wanted.some((condition) => condition.type === other.type));
  const said = { conditions: [...foreign, ...conditions], isChanged };
  if (!isEmpty(findings)) return { do: "wait", ...said };
  const finalizers = (namespace.spec.finalizers ?? []).filter((other) => other !== kubernetesFinalizer);
  return { do: "finalize", finalizers, ...said };
}

function isEmpty({ pods, remaining, failures, undiscovered }: Findings): boolean {
  return pods === 0 && remaining.size === 0 && failures.length === 0 && undiscovered.length === 0;
}

function isSame(a: NamespaceCondition, b: NamespaceCondition): boolean {
  return a.type === b.type && a.status === b.status && a.reason === b.reason && a.message === b.message;
}

/** Pods that are waited for are not said to remain, as at upstream: only when they are gone is the rest counted. */
function wantedConditions({ remaining, finalizers, failures, undiscovered }: Findings): NamespaceCondition[] {
  const fine = (type: string, reason: string, message: string): NamespaceCondition => ({
    type,
    status: "False",
    reason,
    message,
  });
  const bad = (type: string, reason: string, message: string): NamespaceCondition => ({
    type,
    status: "True",
    reason,
    message,
  });
  return [
    undiscovered.length === 0
      ? fine(
          "NamespaceDeletionDiscoveryFailure",
          "ResourcesDiscovered",
          "All resources successfully discovered",
        )
      : bad("NamespaceDeletionDiscoveryFailure", "DiscoveryFailed", undiscoveredText(undiscovered)),
    fine(
      "NamespaceDeletionGroupVersionParsingFailure",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    failures.length === 0
      ? fine(
          "NamespaceDeletionContentFailure",
          "ContentDeleted",
          "All content successfully deleted, may be waiting on finalization",
        )
      : bad(
          "NamespaceDeletionContentFailure",
          "ContentDeletionFailed",
          `Failed to delete all resource types, ${failures.length} remaining: ${failures.toSorted().join(", ")}`,
        ),
    remaining.size === 0
      ? fine("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed")
      : bad(
          "NamespaceContentRemaining",
          "SomeResourcesRemain",
          `Some resources are remaining: ${countsOf(remaining, "has")}`,
        ),
    finalizers.size === 0
      ? fine(
          "NamespaceFinalizersRemaining",
          "ContentHasNoFinalizers",
          "All content-preserving finalizers finished",
        )
      : bad(
          "NamespaceFinalizersRemaining",
          "SomeFinalizersRemain",
          `Some content in the namespace has finalizers remaining: ${countsOf(finalizers, "in")}`,
        ),
  ];
}

function undiscoveredText(versions: readonly string[]): string {
  const stale = versions.map((version) => `${version}: stale GroupVersion discovery: ${version}`);
  return `Discovery failed for some groups, ${versions.length} failing: unable to retrieve the complete list of server APIs: ${stale.join(", ")}`;
}

function countsOf(counts: ReadonlyMap<string, number>, word: "has" | "in"): string {
  return [...counts]
    .map(([name, count]) => `${name} ${word} ${count} resource instances`)
    .toSorted()
    .join(", ");
}

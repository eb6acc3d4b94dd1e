/** Which changes of a node can matter to a template. The placement predicate itself: src/api. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PodSpec } from "../../api/index.ts";
import { makeNode } from "../../testing/cluster-objects.ts";
import { nodeChange, placementRule } from "./placement.ts";

test("a node change that concerns no rule never changes its answer", () => {
  const key = fc.constantFrom("a", "b", "c", "toString");
  const labels = fc.dictionary(key, fc.constantFrom("1", "2"));
  const taints = fc.array(
    fc.record({
      key,
      value: fc.constantFrom("", "1"),
      effect: fc.constantFrom("NoSchedule", "NoExecute", "PreferNoSchedule"),
    }),
    { maxLength: 2 },
  );
  const node = fc
    .record({ labels, taints })
    .map((change) => makeNode("n", { labels: change.labels, spec: { taints: change.taints } }));
  const term = fc.record({
    matchExpressions: fc.array(
      fc.record({
        key,
        operator: fc.constantFrom("Exists", "DoesNotExist"),
        values: fc.constant([] as string[]),
      }),
      { maxLength: 2 },
    ),
  });
  const spec: fc.Arbitrary<PodSpec> = fc.record({
    containers: fc.constant([]),
    nodeSelector: labels,
    tolerations: fc.array(
      fc.record({ key, operator: fc.constant("Exists"), effect: fc.constantFrom("NoSchedule", "NoExecute") }),
      { maxLength: 2 },
    ),
    affinity: fc
      .array(term, { maxLength: 2 })
      .map((nodeSelectorTerms) =>
        nodeSelectorTerms.length === 0
          ? {}
          : { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
      ),
  });
  fc.assert(
    fc.property(node, node, spec, (before, after, template) => {
      const rule = placementRule(template);
      const change = nodeChange(before, after);
      if (change !== undefined && rule.isConcernedBy(change)) return;
      expect(rule.place(after)).toEqual(rule.place(before));
    }),
    { numRuns: 2_000 },
  );
});

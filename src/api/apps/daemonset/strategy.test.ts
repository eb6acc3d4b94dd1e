/** What the server does to a DaemonSet when it is written. */
import { expect, test } from "vitest";
import { copyJson, type Draft, type KubeObject } from "../../../machinery/index.ts";
import { created, daemonSetInput, kindOf, updated, withPath } from "../../../testing/kind-fixtures.ts";
import type { DaemonSet } from "../../generated/types.gen.ts";
import type { KindRules } from "../../parts/kinds.ts";

const schema = "apps.v1.DaemonSet";
const key = "deprecated.daemonset.template.generation";
const generationOf = (object: KubeObject): string | undefined => object.metadata.annotations?.[key];

test("begin with an empty status and template generation 1, or the one they bring", () => {
  const object = created<DaemonSet>(schema, {
    ...daemonSetInput,
    status: { numberReady: 7, collisionCount: 3 },
  });
  expect(object.status).toEqual({
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
  });
  expect(generationOf(object)).toBe("1");
  expect(
    generationOf(created(schema, withPath(daemonSetInput, "metadata.annotations", { [key]: "5" }))),
  ).toBe("5");
  expect(
    generationOf(created(schema, withPath(daemonSetInput, "metadata.annotations", { [key]: "-5" }))),
  ).toBe("1");
});

test("an annotation that is no number is refused with 400", () => {
  const input = withPath(daemonSetInput, "metadata.annotations", { [key]: "x" });
  expect(() => created(schema, input)).toThrow(
    'DaemonSet in version "v1" cannot be handled as a DaemonSet: strconv.ParseInt: parsing "x": invalid syntax',
  );
});

test("the template generation grows with the template only, whatever the client says", () => {
  const before = created<DaemonSet>(schema, withPath(daemonSetInput, "metadata.annotations", { [key]: "4" }));
  const claimed = withPath(daemonSetInput, "metadata.annotations", { [key]: "99" });
  expect(generationOf(updated(schema, claimed, before))).toBe("4");
  expect(
    generationOf(updated(schema, withPath(claimed, "spec.updateStrategy", { type: "OnDelete" }), before)),
  ).toBe("4");
  expect(
    generationOf(updated(schema, withPath(claimed, "spec.template.spec.containers[0].image", "i:2"), before)),
  ).toBe("5");
  expect(generationOf(updated(schema, withPath(claimed, "spec.template.spec.tolerations", []), before))).toBe(
    "4",
  );
});

test("a write of the status keeps it", () => {
  const before = created<DaemonSet>(schema, daemonSetInput);
  const object = {
    ...copyJson(before),
    metadata: { ...before.metadata, annotations: { a: "b" } },
  } as unknown as Draft<DaemonSet>;
  (kindOf(schema).rules as KindRules<DaemonSet>).prepareForStatusUpdate?.(object, before);
  expect(object.metadata.annotations).toEqual({ a: "b", [key]: "1" });
});

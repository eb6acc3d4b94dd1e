/**
 * The controller takes two templates for one exactly when the API server does: a template that counts as changed is rolled
 * out, and no other.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type PodSpec, type PodTemplateSpec, schemas } from "../../api/index.ts";
import { decodeObject, semanticEqual } from "../../machinery/index.ts";
import { arbitraryObject } from "../../testing/arbitrary-object.ts";
import { type DaemonSetFixture, podLabels, withDaemonSets } from "../../testing/daemonset-fixture.ts";
import { templatePatch } from "./history.ts";
import { comparableData } from "./template-meaning.ts";

const type = { table: schemas, name: "core.v1.PodTemplateSpec" };
const decoded = (value: unknown): PodTemplateSpec => decodeObject<PodTemplateSpec>(type, value).object;
const textOf = (template: PodTemplateSpec): string => comparableData(templatePatch(template));

/** What somebody may have put in the place of a member. `undefined` takes it away. */
const replacements = [undefined, null, {}, [], "", 0, false, true, 1, "100m", "0.1"] as const;

/** The tree with one member replaced: the one that `picks` leads to. */
function edited(value: unknown, picks: readonly number[], by: unknown): unknown {
  if (typeof value !== "object" || value === null) return by;
  const [pick = 0, ...rest] = picks;
  const keys = Object.keys(value);
  const key = keys[pick % Math.max(1, keys.length)];
  if (key === undefined) return by;
  const member = (value as Record<string, unknown>)[key];
  const next = rest.length === 0 ? by : edited(member, rest, by);
  if (Array.isArray(value)) return value.map((item: unknown, at) => (String(at) === key ? next : item));
  return { ...value, [key]: next };
}

test("templates are one for the controller exactly when they are one for the API server", () => {
  const edits = fc.tuple(
    fc.array(fc.nat(12), { minLength: 1, maxLength: 7 }),
    fc.constantFrom(...replacements),
  );
  let different = 0;
  fc.assert(
    fc.property(arbitraryObject("core.v1.PodTemplateSpec"), edits, (value, [picks, by]) => {
      const a = decoded(value);
      const b = decoded(edited(a, picks, by));
      const isSame = semanticEqual(a, b);
      if (!isSame) different++;
      expect(textOf(a) === textOf(b)).toBe(isSame);
    }),
    { numRuns: 2_000 },
  );
  expect(different).toBeGreaterThan(100);
});

/** For each place of the template what may stand there; all of it is valid. */
const places: readonly (readonly Partial<PodSpec>[])[] = [
  [{}, { securityContext: {} }, { securityContext: { runAsUser: 0 } }],
  [{}, { hostNetwork: false }, { nodeSelector: {} }, { tolerations: [] }],
  [{}, { terminationGracePeriodSeconds: 30 }, { hostUsers: false }, { enableServiceLinks: false }],
  [{}, { dnsConfig: {} }, { dnsConfig: { nameservers: [] } }],
  [{}, ...[undefined, {}].map((namespaceSelector) => peersOf(namespaceSelector))],
  [
    {},
    { volumes: [{ name: "v", emptyDir: {} }] },
    { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Gi" } }] },
    { volumes: [{ name: "v", emptyDir: { sizeLimit: "1024Mi" } }] },
    { volumes: [{ name: "v", hostPath: { path: "/a" } }] },
    { volumes: [{ name: "v", configMap: { name: "a", optional: false } }] },
    { volumes: [{ name: "v", configMap: { name: "a" } }] },
  ],
];
const containers: readonly object[] = [
  {},
  { securityContext: {} },
  { securityContext: { privileged: false } },
  { resources: {} },
  { resources: { limits: { cpu: "0.1" } } },
  { resources: { limits: { cpu: "100m" } } },
  { env: [{ name: "A" }] },
  { env: [{ name: "A", value: "" }] },
  { lifecycle: {} },
];

function peersOf(namespaceSelector: object | undefined): Partial<PodSpec> {
  const podAffinityTerm = {
    topologyKey: "zone",
    labelSelector: {},
    ...(namespaceSelector === undefined ? {} : { namespaceSelector }),
  };
  return {
    affinity: {
      podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm }] },
    },
  };
}

/** A choice for each place, the containers first. */
function templateOf(chosen: readonly number[]): PodTemplateSpec {
  const at = <T>(list: readonly T[], place: number): T => list[(chosen[place] ?? 0) % list.length]!;
  const container = { name: "main", image: "foo/bar", ...at(containers, 0) };
  const rest = places.map((place, index) => at(place, index + 1));
  return {
    metadata: { labels: podLabels },
    spec: Object.assign({ containers: [container] }, ...rest) as PodSpec,
  };
}

/** One place after the other is changed. */
const arbitraryEdits = fc.array(fc.record({ place: fc.nat(places.length), choice: fc.nat(8) }), {
  minLength: 4,
  maxLength: 16,
});

async function stateOf(fixture: DaemonSetFixture): Promise<{ generation: string; current: string }> {
  const { annotations } = (await fixture.get()).metadata;
  const current = (await fixture.revisions()).at(-1)!;
  return {
    generation: annotations!["deprecated.daemonset.template.generation"]!,
    current: `${current.metadata.name} ${current.revision}`,
  };
}

test("the API raises the template generation if and only if a revision is made or comes back", async () => {
  let raised = 0;
  await fc.assert(
    fc.asyncProperty(arbitraryEdits, (edits) =>
      withDaemonSets(async (fixture) => {
        await fixture.addDaemonSet();
        await fixture.sync();
        const chosen = [0, ...places.map(() => 0)];
        for (const { place, choice } of edits) {
          chosen[place] = choice;
          const before = await stateOf(fixture);
          await fixture.edit((spec) => ({ ...spec, template: templateOf(chosen) }));
          await fixture.sync();
          const after = await stateOf(fixture);
          expect(after.current !== before.current).toBe(after.generation !== before.generation);
          if (after.generation !== before.generation) raised++;
        }
      }),
    ),
    { numRuns: 25 },
  );
  expect(raised).toBeGreaterThan(50);
});

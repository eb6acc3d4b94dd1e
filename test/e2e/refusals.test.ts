/**
 * Refused objects and the text that every version of kubectl shows: session 9.
 */
import { describe, expect, test } from "vitest";
import { eventually } from "./cluster.ts";
import { everywhere } from "./session.ts";

/** A manifest that a test makes wrong. */
// oxlint-disable-next-line typescript/no-explicit-any -- issue 2: the test writes what the types forbid.
type Loose = Record<string, any>;

everywhere((begin) => {
  describe("9: what is refused", () => {
    const s = begin();
    const set = (change: (ds: Loose) => void, name = "bad"): string => {
      const object = {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { name },
        spec: {
          selector: { matchLabels: { app: "x" } },
          template: {
            metadata: { labels: { app: "x" } },
            spec: { containers: [{ name: "c", image: "i:1" }] },
          },
        },
      };
      change(object);
      return JSON.stringify(object);
    };
    const refusals: readonly (readonly [string, (ds: Loose) => void, string])[] = [
      [
        "restartPolicy",
        (ds) => (ds["spec"].template.spec.restartPolicy = "OnFailure"),
        'The DaemonSet "bad" is invalid: spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always"',
      ],
      ["replicas", (ds) => (ds["spec"].replicas = 3), 'strict decoding error: unknown field "spec.replicas"'],
      [
        "selector",
        (ds) => (ds["spec"].selector.matchLabels = { app: "y" }),
        "`selector` does not match template `labels`",
      ],
      [
        "both limits 0",
        (ds) =>
          (ds["spec"].updateStrategy = {
            type: "RollingUpdate",
            rollingUpdate: { maxUnavailable: 0, maxSurge: 0 },
          }),
        "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
      ],
      ["unquoted true", (ds) => (ds["spec"].template.spec.nodeSelector = { ssd: true }), "nodeSelector"],
    ];
    test.each(refusals)("%s", async (_, change, message) => {
      const answer = await s.fails("create -f -", set(change));
      expect(answer).toContain(message);
      expect(await s.fails("get ds bad")).toContain('daemonsets.apps "bad" not found');
    });
    test("a changed selector, a taken name, another namespace", async () => {
      await s.k(
        "create -f -",
        set(() => {}, "good"),
      );
      const changed = set((ds) => {
        ds["spec"].selector.matchLabels = { app: "z" };
        ds["spec"].template.metadata.labels = { app: "z" };
      }, "good");
      expect(await s.fails("replace -f -", changed)).toMatch(
        /The DaemonSet "good" is invalid: spec\.selector: Invalid value: .*: field is immutable/,
      );
      expect(
        await s.fails(
          "create -f -",
          set(() => {}, "good"),
        ),
      ).toContain('daemonsets.apps "good" already exists');
      await s.k("create namespace other -o name --dry-run=client");
      await s.k("apply -f -", '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}}');
      expect(
        await s.k(
          "create -n other -f -",
          set(() => {}, "good"),
        ),
      ).toBe("daemonset.apps/good created\n");
    });
    test("files that are no manifests, and fifty documents", async () => {
      expect(await s.fails("create -f -", "a: b: c")).toContain("error");
      expect(await s.fails("create -f -", "\n")).toContain("no objects passed to create");
      const many = Array.from(
        { length: 50 },
        (_, index) =>
          `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: many-${index}\ndata:\n  index: "${index}"\n`,
      ).join("---\n");
      expect((await s.k("create -f -", many)).trim().split("\n").length).toBe(50);
      await eventually(async () =>
        (await s.k("get cm -o name"))
          .trim()
          .split("\n")
          .filter((name) => name.includes("many-")).length === 50
          ? true
          : undefined,
      );
    });
  });
});

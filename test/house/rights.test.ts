/** examples/controller-rbac.yaml grants the controller the rights that its calls need, and no others. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { pods } from "../../src/api/index.ts";
import { type DaemonSetFixture, rollingUpdate, withDaemonSets } from "../../src/testing/daemonset-fixture.ts";

interface Role {
  readonly kind: string;
  readonly rules?: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

function granted(): ReadonlySet<string> {
  const text = readFileSync(
    join(import.meta.dirname, "..", "..", "examples", "controller-rbac.yaml"),
    "utf8",
  );
  const roles = parseAllDocuments(text).map((document) => document.toJSON() as Role);
  const rules = roles.filter(({ kind }) => kind === "ClusterRole").flatMap((role) => role.rules ?? []);
  return new Set(
    rules.flatMap(({ resources, verbs }) => resources.flatMap((of) => verbs.map((verb) => `${verb} ${of}`))),
  );
}

/** `POST /api/v1/namespaces/default/pods` is `create pods`. */
function rightFor(call: string): string {
  const [method, path] = call.split(" ") as [string, string];
  const parts = path.replace(/^\/(api\/v1|apis\/[^/]+\/[^/]+)\/(namespaces\/[^/]+\/)?/, "").split("/");
  const [resource, name, subresource] = parts;
  const verbs: Record<string, string> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };
  const verb = verbs[method] ?? (name === undefined ? "list" : "get");
  return `${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}`;
}

/** The rights of every kind of call that syncs make, in the situations that cause them. */
async function used(): Promise<ReadonlySet<string>> {
  const rights = new Set<string>();
  await withDaemonSets(async (fixture: DaemonSetFixture) => {
    const sync = async (): Promise<void> => {
      const from = fixture.cluster.calls.length;
      await fixture.sync().catch(() => "");
      await fixture.settle();
      for (const call of fixture.cluster.calls.slice(from)) rights.add(rightFor(call));
    };
    await fixture.addNodes(3);
    await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(3), revisionHistoryLimit: 0 } });
    await sync();
    await fixture.markReady();
    // An orphan to adopt, a stale status write, a lost answer, old revisions to remove, a number to raise.
    await fixture.addPod("node-0", { isOrphan: true });
    fixture.losesAnswer = (verb, resource) => resource === "pods" && verb === "create";
    for (const image of ["foo/bar:2", "foo/bar:1", "foo/bar:3"]) {
      await fixture.setImage(image);
      for (let i = 0; i < 4; i++) {
        await sync();
        await fixture.markReady();
      }
      fixture.losesAnswer = () => false;
    }
    const [pod] = await fixture.pods();
    await fixture.cluster.client.delete(pods, { namespace: "default", name: pod!.metadata.name! });
    await fixture.settle();
    await sync();
  });
  return rights;
}

test("every call of a sync is granted", async () => {
  const have = granted();
  const need = await used();
  expect([...need].filter((right) => !have.has(right))).toEqual([]);
  for (const right of [
    "create pods",
    "delete pods",
    "patch pods",
    "update daemonsets/status",
    "create events",
  ])
    expect(need).toContain(right);
});

test("only what informers, syncs and owner references need is granted", () => {
  const informers = ["daemonsets", "pods", "nodes", "controllerrevisions"].flatMap((of) => [
    `list ${of}`,
    `watch ${of}`,
  ]);
  const revisions = ["get", "create", "update", "patch", "delete"].map(
    (verb) => `${verb} controllerrevisions`,
  );
  const others = ["create pods", "patch pods", "delete pods", "get pods", "create events", "patch events"];
  const sets = ["get daemonsets", "update daemonsets/status", "update daemonsets/finalizers"];
  expect([...granted()].toSorted()).toEqual([...informers, ...revisions, ...others, ...sets].toSorted());
});

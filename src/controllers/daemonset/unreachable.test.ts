/**
 * Nodes that are not heard of: upstream's way, and what the annotation changes (docs/spec/daemonset-controller.md#23.16).
 */
import { expect, test } from "vitest";
import {
  daemonsets,
  events,
  maxUnreachableAnnotation,
  maxUnreachableOf,
  nodes,
  pods,
  type Toleration,
} from "../../api/index.ts";
import { type DaemonSetFixture, rollingUpdate, withDaemonSets } from "../../testing/daemonset-fixture.ts";

async function annotate(fixture: DaemonSetFixture, value: string | null): Promise<void> {
  const body = { metadata: { annotations: { [maxUnreachableAnnotation]: value } } };
  await fixture.cluster.client.patch(
    daemonsets,
    { namespace: "default", name: "foo" },
    { type: "merge", body },
  );
  await fixture.settle();
}

type Readiness = "True" | "False" | "Unknown";

/** The node's Ready condition, and what the node life cycle makes of it: the taint, and pods that are not ready. */
async function mark(fixture: DaemonSetFixture, name: string, status: Readiness): Promise<void> {
  await say(fixture, name, status);
  const key = `node.kubernetes.io/${status === "Unknown" ? "unreachable" : "not-ready"}`;
  const taints = status === "True" ? [] : [{ key, effect: "NoSchedule" }];
  await fixture.editNode(name, (node) => ({ ...node, spec: { ...node.spec, taints } }));
  if (status !== "True")
    for (const pod of await fixture.pods())
      if (pod.spec.nodeName === name) await fixture.setStatus(pod, { ready: false });
  await fixture.settle();
}

async function say(fixture: DaemonSetFixture, name: string, status: Readiness): Promise<void> {
  const body = { status: { conditions: [{ type: "Ready", status }] } };
  await fixture.cluster.client.patch(nodes, { name, subresource: "status" }, { type: "merge", body });
  await fixture.settle();
}

/** Tolerated by most agents: their silent nodes stay desired. Those of others do not, but their pods count all the same. */
const everything: readonly Toleration[] = [{ operator: "Exists" }];

/** Ten nodes with ready pods of the first template, which take their time to end. */
async function withTen(
  maxUnavailable: number,
  body: (fixture: DaemonSetFixture) => Promise<void>,
  tolerations = everything,
): Promise<void> {
  await withDaemonSets(
    async (fixture) => {
      await fixture.addDaemonSet({
        spec: { updateStrategy: rollingUpdate(maxUnavailable) },
        podSpec: { terminationGracePeriodSeconds: 30, tolerations },
      });
      await fixture.addNodes(10);
      await fixture.sync();
      await fixture.markReady();
      expect(await fixture.sync()).toBe("0/0");
      await body(fixture);
    },
    { placement: "controller" },
  );
}

/** What a living node does with a pod that is ending, and then with its successor. */
async function replacePods(fixture: DaemonSetFixture, deadNodes: readonly string[]): Promise<void> {
  const isDead = (node: string | undefined): boolean => deadNodes.includes(node ?? "");
  for (const pod of await fixture.pods())
    if (pod.metadata.deletionTimestamp !== undefined && !isDead(pod.spec.nodeName))
      await fixture.cluster.client.delete(
        pods,
        { namespace: "default", name: pod.metadata.name! },
        { gracePeriodSeconds: 0 },
      );
  await fixture.settle();
  await fixture.sync();
  await fixture.markReady((pod) => !isDead(pod.spec.nodeName));
}

const both = [
  { tolerated: "everything", tolerations: everything, silentDesired: 2 },
  { tolerated: "nothing", tolerations: [], silentDesired: 0 },
] as const;

test.each(both)("upstream's way: each silent node uses up maxUnavailable ($tolerated tolerated)", (one) =>
  withTen(
    2,
    async (fixture) => {
      for (const name of ["node-0", "node-1"]) await mark(fixture, name, "Unknown");
      await fixture.setImage("foo/bar:2");
      // Pods that serve nobody go at once; they stay on their dead nodes, terminating.
      expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/2", "0/0"]);
    },
    one.tolerations,
  ),
);

test.each(both)(
  "so many silent nodes are passed over, and the others go by the budget ($tolerated tolerated)",
  (one) =>
    withTen(
      2,
      async (fixture) => {
        const dead = ["node-0", "node-1"];
        for (const name of dead) await mark(fixture, name, "Unknown");
        await annotate(fixture, "20%");
        await fixture.setImage("foo/bar:2");
        const steps = [await fixture.sync()];
        for (let i = 0; i < 4; i++) {
          await replacePods(fixture, dead);
          steps.push(await fixture.sync());
        }
        expect(steps).toEqual(["0/4", "0/2", "0/2", "0/2", "0/0"]);
        expect((await fixture.get()).status).toMatchObject({
          desiredNumberScheduled: 8 + one.silentDesired,
          updatedNumberScheduled: 8,
          numberAvailable: 8,
        });
        // A node that comes back ends its old pod and gets a new one.
        await mark(fixture, "node-0", "True");
        await replacePods(fixture, ["node-1"]);
        await fixture.sync();
        expect((await fixture.get()).status?.updatedNumberScheduled).toBe(9);
      },
      one.tolerations,
    ),
);

test("an outage of more nodes than that stops the roll-out: it takes no pod that it would not take without the outage", () =>
  withTen(2, async (fixture) => {
    await annotate(fixture, "2");
    for (const name of ["node-0", "node-1", "node-2"]) await mark(fixture, name, "Unknown");
    await fixture.setImage("foo/bar:2");
    // Three serve nobody; of the budget of 2 the third takes one.
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/4", "0/0"]);
    await mark(fixture, "node-3", "Unknown");
    expect(await fixture.sync()).toBe("0/0");
    for (const name of ["node-4", "node-5", "node-6"]) await mark(fixture, name, "Unknown");
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/3", "0/0"]);
    const left = (await fixture.pods()).filter((pod) => pod.metadata.deletionTimestamp === undefined);
    expect(left.map((pod) => pod.spec.nodeName).sort()).toEqual(["node-7", "node-8", "node-9"]);
  }));

test("a node that fell silent with the new template on it uses up the budget: the next one might do the same", () =>
  withTen(1, async (fixture) => {
    await annotate(fixture, "100%");
    await fixture.setImage("foo/bar:2");
    expect(await fixture.sync()).toBe("0/1");
    await replacePods(fixture, []);
    const { spec } = (await fixture.pods()).find((pod) => pod.spec.containers[0]!.image === "foo/bar:2")!;
    await mark(fixture, spec.nodeName!, "Unknown");
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/0", "0/0"]);
    // The way out: a template that has not begun there.
    await fixture.setImage("foo/bar:3");
    expect(await fixture.sync()).toBe("0/2");
  }));

test("a node that says itself that it is not ready can be worked on, and uses up the budget", () =>
  withTen(1, async (fixture) => {
    await annotate(fixture, "100%");
    await mark(fixture, "node-0", "False");
    await fixture.setImage("foo/bar:2");
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/1", "0/0"]);
  }));

test("a value that cannot be read is told, once, and counts as none", () =>
  withTen(1, async (fixture) => {
    await mark(fixture, "node-0", "Unknown");
    await annotate(fixture, "many");
    await fixture.setImage("foo/bar:2");
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/1", "0/0"]);
    const { items } = await fixture.cluster.client.list(events);
    const warnings = items.filter(({ type }) => type === "Warning");
    expect(warnings.map(({ reason, message, count }) => [reason, message, count])).toEqual([
      [
        "InvalidAnnotation",
        'metadata.annotations[lares.dev/max-unreachable]: "many" is neither a number from 0 on nor a percentage up to 100%; every unreachable node uses up maxUnavailable',
        1,
      ],
    ]);
    // Set right, it counts at once; taken away, it is over.
    await annotate(fixture, "1");
    expect(await fixture.sync()).toBe("0/1");
    await annotate(fixture, null);
    await replacePods(fixture, ["node-0"]);
    expect(await fixture.sync()).toBe("0/0");
  }));

test("a change of the annotation wakes the DaemonSet, a node that falls silent only one that has it", () =>
  withTen(1, async (fixture) => {
    fixture.enqueued();
    await say(fixture, "node-0", "Unknown");
    expect(fixture.enqueued()).toEqual([]);
    await annotate(fixture, "1");
    expect(fixture.enqueued()).toEqual(["default/foo"]);
    await fixture.sync();
    // Its pod serves nobody yet: the silence of its node matters.
    const pod = (await fixture.pods()).find(({ spec }) => spec.nodeName === "node-1")!;
    await fixture.setStatus(pod, { ready: false });
    await fixture.setImage("foo/bar:2");
    await fixture.sync();
    fixture.enqueued();
    await say(fixture, "node-1", "Unknown");
    expect(fixture.enqueued()).toEqual(["default/foo"]);
  }));

test("nothing is decided by a budget that was replaced while the history was written", () =>
  withTen(1, async (fixture) => {
    await mark(fixture, "node-0", "Unknown");
    await annotate(fixture, "1");
    await fixture.setImage("foo/bar:2");
    fixture.hold("daemonsets");
    await annotate(fixture, null);
    let released: Promise<void> | undefined;
    fixture.fault = (verb, resource) => {
      if (verb === "create" && resource === "controllerrevisions") released ??= fixture.release();
      return undefined;
    };
    expect(await fixture.sync()).toBe("0/0");
    await released;
    expect(await fixture.sync()).toBe("0/1");
  }));

test.each([
  ["0", 0],
  ["12", 12],
  ["0%", "0%"],
  ["7%", "7%"],
  ["100%", "100%"],
  ["101%", undefined],
  ["-1", undefined],
  ["1.5", undefined],
  ["+3%", undefined],
  ["", undefined],
  ["all", undefined],
])("the value %j is read as %j", (text, value) => {
  const metadata = { name: "foo", annotations: { [maxUnreachableAnnotation]: text } };
  expect(maxUnreachableOf({ metadata, spec: { selector: {}, template: { spec: { containers: [] } } } })).toBe(
    value,
  );
});

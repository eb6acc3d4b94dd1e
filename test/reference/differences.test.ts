/**
 * Where ours differs from upstream on purpose (docs/spec/daemonset-controller.md#23, SPEC.md of the controller): each
 * case is played by both, and both behave as is said of them. The scripts of differential.test.ts go round these.
 */
import { expect, test } from "vitest";
import { controllerrevisions, type DaemonSet, daemonsets, nodes, pods } from "../../src/api/index.ts";
import { controllerOf } from "../../src/machinery/index.ts";
import type { ControllerSeams } from "../../src/testing/simulated-controller.ts";
import { ReferenceController } from "./controller.ts";
import { nodeName, type Script, Stage } from "./script.ts";

const calm: Script = {
  seed: 1,
  nodes: 3,
  isAtRest: true,
  strategies: { everywhere: { type: "RollingUpdate" }, selected: { type: "OnDelete" } },
  steps: [],
};
const asReference: ControllerSeams = { make: (dependencies) => new ReferenceController(dependencies) };
const everywhere = { namespace: "default", name: "everywhere" };

/** What `play` finds under our controller and under the reference. */
async function both<T>(
  play: (stage: Stage) => Promise<T>,
  script: Script = calm,
): Promise<{ ours: T; upstream: T }> {
  const under = async (seams: ControllerSeams): Promise<T> => {
    const stage = await Stage.open(script, seams);
    try {
      return await play(stage);
    } finally {
      await stage.close();
    }
  };
  return { ours: await under({}), upstream: await under(asReference) };
}

const surge: Script = {
  ...calm,
  strategies: {
    ...calm.strategies,
    everywhere: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
  },
};

function withImage(daemonSet: DaemonSet, image: string): DaemonSet {
  const { template } = daemonSet.spec;
  const containers = [{ ...template.spec!.containers[0]!, image }];
  return {
    ...daemonSet,
    spec: { ...daemonSet.spec, template: { ...template, spec: { ...template.spec!, containers } } },
  };
}

/** Images of the pods that DaemonSet everywhere has, sorted. */
async function images({ cluster }: Stage): Promise<readonly string[]> {
  const { items } = await cluster.client.list(pods, { labelSelector: "app=everywhere" });
  return items.map((pod) => pod.spec.containers[0]!.image!).sort();
}

async function misscheduled({ cluster }: Stage): Promise<number | undefined> {
  return (await cluster.client.get(daemonsets, everywhere)).status?.numberMisscheduled;
}

test("a pod of a node that is not there stops upstream's surge until it is collected, not ours (#23.4)", async () => {
  const found = await both(async (stage) => {
    const orphan = { name: "lost", namespace: "default", labels: { app: "everywhere" } };
    const spec = { nodeName: "nowhere", containers: [{ name: "main", image: "example:lost" }] };
    await stage.cluster.client.create(pods, { metadata: orphan, spec });
    await stage.act({ do: "image", set: "everywhere", version: 1, isBroken: false });
    await stage.cluster.advance(30_000);
    return (await images(stage)).filter((image) => image === "example:1").length;
  }, surge);
  expect(found).toEqual({ ours: 3, upstream: 0 });
});

test("beside a failed pod in back-off upstream's surge makes new pods at each sync, ours waits (#23.5)", async () => {
  const found = await both(async (stage) => {
    let made = 0;
    const events = (batch: readonly { readonly type: string }[]): void =>
      void (made += batch.filter(({ type }) => type === "ADDED").length);
    const { client } = stage.cluster;
    await client.watch(
      pods,
      { labelSelector: "app=everywhere", signal: new AbortController().signal },
      { events, end() {} },
    );
    await stage.cluster.advance(1);
    made = 0;
    const trouble = { metadata: { annotations: { "lares.dev/simulate": "fails" } } };
    await client.patch(daemonsets, everywhere, { type: "merge", body: { spec: { template: trouble } } });
    await stage.cluster.advance(60_000);
    return made;
  }, surge);
  expect(found.upstream).toBeGreaterThan(2 * found.ours);
});

test("a duplicate of the current revision makes upstream take old pods for new ones, not ours (#23.6)", async () => {
  const script: Script = { ...calm, strategies: { ...calm.strategies, everywhere: { type: "OnDelete" } } };
  const found = await both(async (stage) => {
    const { client } = stage.cluster;
    await stage.act({ do: "image", set: "everywhere", version: 1, isBroken: false });
    await stage.rest();
    const daemonSet = await client.get(daemonsets, everywhere);
    const current = (await stage.revisionsOf(daemonSet)).at(-1)!;
    const { labels, ownerReferences } = current.metadata;
    await client.create(controllerrevisions, {
      metadata: {
        name: "everywhere-again",
        namespace: "default",
        labels: { ...labels, "controller-revision-hash": "again" },
        ownerReferences: ownerReferences!,
      },
      data: current.data,
      revision: 7,
    });
    await stage.nudge();
    await stage.rest();
    return (await client.get(daemonsets, everywhere)).status?.updatedNumberScheduled ?? 0;
  }, script);
  expect(found).toEqual({ ours: 0, upstream: 3 });
});

test("adopted pods of another template are new to upstream when the generations are equal, not to us (#23.8)", async () => {
  const found = await both(async (stage) => {
    const { client } = stage.cluster;
    const { spec } = await client.get(daemonsets, everywhere);
    await client.delete(daemonsets, everywhere, { propagationPolicy: "Orphan" });
    await stage.rest();
    await client.create(daemonsets, withImage({ metadata: everywhere, spec }, "example:other"));
    await stage.rest();
    const { items } = await client.list(pods, { labelSelector: "app=everywhere" });
    expect(items.every((pod) => controllerOf(pod) !== undefined)).toBe(true);
    return images(stage);
  });
  expect(found.ours).toEqual(["example:other", "example:other", "example:other"]);
  expect(found.upstream).toEqual(["example:0", "example:0", "example:0"]);
});

test("a taint that lets the pod stay: upstream's status learns of the misscheduled pod later, ours at once", async () => {
  const found = await both(async (stage) => {
    const node = await stage.cluster.client.get(nodes, { name: nodeName(1) });
    const spec = { ...node.spec, taints: [{ key: "busy", effect: "NoSchedule" }] };
    await stage.cluster.client.update(nodes, { ...node, spec });
    await stage.rest();
    const before = await misscheduled(stage);
    await stage.nudge();
    await stage.rest();
    return [before, await misscheduled(stage)];
  });
  expect(found).toEqual({ ours: [1, 1], upstream: [0, 1] });
});

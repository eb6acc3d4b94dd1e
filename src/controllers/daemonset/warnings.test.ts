/**
 * Warnings that upstream does not give.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import { expect, test } from "vitest";
import {
  mismatchedLabels,
  podLabels,
  rollingUpdate,
  withDaemonSets,
} from "../../testing/daemonset-fixture.ts";

const template = (labels: Readonly<Record<string, string>>) => ({
  metadata: { labels },
  spec: { containers: [{ name: "main", image: "i" }] },
});

test("a new DaemonSet whose selector overlaps with another's is told so, once (#23.27)", () =>
  withDaemonSets(async (fixture) => {
    const overlaps = async (name: string): Promise<string[]> =>
      (await fixture.cluster.eventsOf(name)).filter((event) => event.includes("OverlappingSelectors"));
    await fixture.addDaemonSet({}, "first");
    await fixture.sync("first");
    const stranger = { selector: { matchLabels: mismatchedLabels }, template: template(mismatchedLabels) };
    await fixture.addDaemonSet({ spec: stranger }, "stranger");
    await fixture.sync("stranger");
    // Its pods carry one label more; those of `first` it does not match.
    const narrow = { ...podLabels, extra: "x" };
    await fixture.addDaemonSet(
      { spec: { selector: { matchLabels: narrow }, template: template(narrow) } },
      "second",
    );
    await fixture.sync("second");
    await fixture.sync("second");
    expect(await overlaps("second")).toEqual([
      "Warning OverlappingSelectors daemonset-controller: The selector overlaps with that of first: each adopts pods without owner that match both.",
    ]);
    expect([await overlaps("first"), await overlaps("stranger")]).toEqual([[], []]);
  }));

test("a controller that starts does not warn of what it has acted on before (#23.27)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addDaemonSet({}, "other");
    const created = await fixture.addDaemonSet();
    const status = { ...created.status!, observedGeneration: 1 };
    fixture.see = (_via, object) =>
      object.metadata.uid === created.metadata.uid ? { ...object, status } : object;
    await fixture.edit((spec) => ({ ...spec, minReadySeconds: 1 }));
    await fixture.sync();
    expect(await fixture.cluster.eventsOf("foo")).toEqual([]);
  }));

test("host ports with surge are warned of once per generation (#23.19)", () =>
  withDaemonSets(async (fixture) => {
    const containers = [{ name: "main", image: "foo/bar", ports: [{ containerPort: 80, hostPort: 80 }] }];
    await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(0, 1) }, podSpec: { containers } });
    await fixture.sync();
    await fixture.sync();
    const warnings = (await fixture.cluster.eventsOf("foo")).filter((event) =>
      event.includes("SurgeWithHostPorts"),
    );
    expect(warnings).toHaveLength(1);
    await fixture.edit((spec) => ({ ...spec, updateStrategy: rollingUpdate(1) }));
    await fixture.sync();
    expect(
      (await fixture.cluster.eventsOf("foo")).filter((event) => event.includes("SurgeWithHostPorts")),
    ).toHaveLength(1);
  }));

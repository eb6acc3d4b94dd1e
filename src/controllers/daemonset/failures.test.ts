/**
 * What the server refuses: slow start, expectations, status after errors, stale caches, claims that fail.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import { describe, expect, test } from "vitest";
import { daemonsets, pods } from "../../api/index.ts";
import { conflict, forbidden, invalid, notFound, StatusError } from "../../machinery/index.ts";
import { type DaemonSetFixture, withDaemonSets } from "../../testing/daemonset-fixture.ts";

const refusal = (): StatusError => forbidden(pods, "", "quota");

test("TestSimpleDaemonSetPodCreateErrors, TestDaemonSetPodCreateExpectationsError", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(100);
    await fixture.addDaemonSet();
    let creates = 0;
    fixture.fault = (verb, resource) =>
      verb === "create" && resource === "pods" && ++creates > 10 ? refusal() : undefined;
    await expect(fixture.sync()).rejects.toThrow("quota");
    expect(creates).toBe(15);
    await fixture.settle();
    expect((await fixture.get()).status).toMatchObject({
      desiredNumberScheduled: 100,
      currentNumberScheduled: 10,
      updatedNumberScheduled: 10,
      observedGeneration: 1,
    });
    expect(await fixture.cluster.eventsOf("foo")).toContain(
      `Warning FailedCreate daemonset-controller: Error creating: ${refusal().message}`,
    );
    fixture.fault = () => undefined;
    expect(await fixture.sync()).toBe("90/0");
  }));

test("a namespace that is terminating: silence, and no expectation is left up (#23.3)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet();
    const { status } = refusal();
    const terminating = new StatusError({
      ...status,
      details: { causes: [{ reason: "NamespaceTerminating", message: "" }] },
    });
    fixture.fault = (verb, resource) => (verb === "create" && resource === "pods" ? terminating : undefined);
    expect(await fixture.sync()).toBe("0/0");
    expect(await fixture.cluster.eventsOf("foo")).toEqual([]);
    fixture.fault = () => undefined;
    expect(await fixture.sync()).toBe("2/0");
  }));

test("a delete that fails is reported, its expectation is lowered, and the next sync tries again", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addDaemonSet();
    const hash = await fixture.currentHash();
    for (let i = 0; i < 2; i++) await fixture.addPod("node-0", { hash });
    await fixture.addNodes(1);
    fixture.fault = (verb, resource) => (verb === "delete" && resource === "pods" ? refusal() : undefined);
    await expect(fixture.sync()).rejects.toThrow("quota");
    expect(
      (await fixture.cluster.eventsOf("foo")).some((event) => event.startsWith("Warning FailedDelete")),
    ).toBe(true);
    fixture.fault = () => undefined;
    expect(await fixture.sync()).toBe("0/1");
  }));

describe("TestStoreDaemonSetStatus", () => {
  const cases = [
    { name: "success", updateFailures: 0, getFails: false, updates: 1, gets: 0, error: undefined },
    { name: "fails once", updateFailures: 1, getFails: false, updates: 2, gets: 1, error: undefined },
    {
      name: "fails twice",
      updateFailures: 2,
      getFails: false,
      updates: 2,
      gets: 1,
      error: "the object has been modified",
    },
    { name: "update and get fail", updateFailures: 1, getFails: true, updates: 1, gets: 1, error: "quota" },
  ];
  for (const { name, updateFailures, getFails, updates, gets, error } of cases) {
    test(name, () =>
      withDaemonSets(async (fixture) => {
        await fixture.addDaemonSet();
        const seen = { update: 0, get: 0 };
        fixture.fault = (verb, resource) => {
          if (resource !== "daemonsets" || (verb !== "update" && verb !== "get")) return undefined;
          seen[verb]++;
          if (verb === "get") return getFails ? refusal() : undefined;
          return seen.update <= updateFailures ? conflict(daemonsets, "foo") : undefined;
        };
        const synced = fixture.sync();
        if (error === undefined) await synced;
        else await expect(synced).rejects.toThrow(error);
        expect(seen).toEqual({ update: updates, get: gets });
      }),
    );
  }
});

test("TestSimpleDaemonSetUpdatesStatusError: the pod error wins over the status error, and both writes are tried", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    const tried: string[] = [];
    fixture.fault = (verb, resource) => {
      if (verb === "create" && resource === "pods") {
        tried.push("pod");
        return refusal();
      }
      if (verb !== "update" || resource !== "daemonsets") return undefined;
      tried.push("status");
      return conflict(daemonsets, "foo");
    };
    await expect(fixture.sync()).rejects.toThrow("quota");
    expect(tried).toEqual(["pod", "status", "status"]);
  }));

test("a pod that cannot be released any more does not disturb the sync", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addDaemonSet();
    await fixture.currentHash();
    await fixture.addPod("node-0", { labels: { other: "labels" } });
    fixture.fault = (verb, resource) =>
      verb === "patch" && resource === "pods" ? invalid({ group: "", kind: "Pod" }, "p", []) : undefined;
    expect(await fixture.sync()).toBe("0/0");
  }));

test("a pod that is gone already is no failed delete", () =>
  withDaemonSets(async (fixture) => {
    await twoPodsOnOneNode(fixture);
    fixture.fault = (verb) => (verb === "delete" ? notFound(pods, "p") : undefined);
    await fixture.sync();
    expect((await fixture.cluster.eventsOf("foo")).filter((event) => event.includes("Delete"))).toEqual([]);
  }));

async function twoPodsOnOneNode(fixture: DaemonSetFixture): Promise<void> {
  await fixture.addDaemonSet();
  const hash = await fixture.currentHash();
  for (let i = 0; i < 2; i++) await fixture.addPod("node-0", { hash });
  await fixture.addNodes(1);
}

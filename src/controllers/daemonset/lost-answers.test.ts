/**
 * Writes that the server carried out, or not, and whose answers never came.
 * Invariants by number: docs/spec/invariants.md.
 */
import { describe, expect, test } from "vitest";
import { pods, targetNodeName } from "../../api/index.ts";
import { type KubeObject, tooManyRequests } from "../../machinery/index.ts";
import { rollingUpdate, withDaemonSets } from "../../testing/daemonset-fixture.ts";

describe("lost answers", () => {
  test("a pod that was made although the answer was lost is found, not made again, while the cache is late (I1)", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(3);
      await fixture.addDaemonSet();
      fixture.hold("pods");
      fixture.losesAnswer = (verb, resource) => verb === "create" && resource === "pods";
      await expect(fixture.sync()).rejects.toThrow("socket hang up");
      fixture.losesAnswer = () => false;
      expect(await fixture.pods()).toHaveLength(1);
      await fixture.sync();
      expect((await fixture.pods()).map((pod) => targetNodeName(pod)).sort()).toEqual([
        "node-0",
        "node-1",
        "node-2",
      ]);
      await fixture.release();
      expect(await fixture.sync()).toBe("0/0");
      expect(fixture.controller.tracked("default/foo")?.writes.nameFor("node-0")).toBeUndefined();
    }));

  test("a pod that was made and is on its way out already is not taken for the new one", () =>
    withDaemonSets(
      async (fixture) => {
        await fixture.addNodes(1);
        const spec = { updateStrategy: rollingUpdate(0, 1) };
        await fixture.addDaemonSet({ spec, podSpec: { terminationGracePeriodSeconds: 30 } });
        fixture.losesAnswer = (verb, resource) => verb === "create" && resource === "pods";
        await expect(fixture.sync()).rejects.toThrow("socket hang up");
        fixture.losesAnswer = () => false;
        const [made] = await fixture.pods();
        await fixture.cluster.client.delete(pods, { namespace: "default", name: made!.metadata.name! });
        await fixture.settle();
        await fixture.sync();
        const living = (await fixture.pods()).filter((pod) => pod.metadata.deletionTimestamp === undefined);
        expect(living).toHaveLength(1);
      },
      { placement: "controller" },
    ));

  test("a create that never reached the server is done under the same name", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      const names: unknown[] = [];
      fixture.fault = (verb, resource, body) => {
        if (verb !== "create" || resource !== "pods") return undefined;
        return names.push((body as KubeObject).metadata.name) === 1
          ? new Error("connection refused")
          : undefined;
      };
      await expect(fixture.sync()).rejects.toThrow("connection refused");
      expect(await fixture.sync()).toBe("1/0");
      expect(names[0]).toMatch(/^foo-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
      expect(names).toEqual([names[0], names[0]]);
    }));
});

test("one pod per node when the answer to a create is lost and the next tries are refused or cannot look (I1)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    fixture.hold("pods");
    fixture.losesAnswer = (verb, resource) => verb === "create" && resource === "pods";
    await expect(fixture.sync()).rejects.toThrow("socket hang up");
    fixture.losesAnswer = () => false;
    for (const refused of ["create", "get"]) {
      fixture.fault = (verb, resource) =>
        verb === refused && resource === "pods" ? tooManyRequests("later") : undefined;
      await expect(fixture.sync()).rejects.toThrow("later");
    }
    fixture.fault = () => undefined;
    await fixture.sync();
    expect(await fixture.pods()).toHaveLength(1);
  }));

test("a pod that was deleted without an answer is awaited, and none goes in another place meanwhile (I2)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet();
    await fixture.sync();
    await fixture.markReady();
    await fixture.setImage("second");
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/1", "1/0"]);
    await fixture.markReady();
    fixture.hold("pods");
    fixture.losesAnswer = (verb) => verb === "delete";
    await expect(fixture.sync()).rejects.toThrow("socket hang up");
    fixture.losesAnswer = () => false;
    // By the next template the first node's pod is outdated too, and the cache shows both as serving.
    await fixture.setImage("third");
    expect(await fixture.sync()).toBe("0/0");
    await fixture.release();
    expect(await fixture.sync()).toBe("1/0");
  }));

test("a delete that never reached the server is tried again at once", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet();
    await fixture.sync();
    await fixture.markReady();
    await fixture.setImage("second");
    fixture.fault = (verb) => (verb === "delete" ? new Error("connection reset") : undefined);
    await expect(fixture.sync()).rejects.toThrow("connection reset");
    fixture.fault = () => undefined;
    expect(await fixture.sync()).toBe("0/1");
  }));

for (const lost of ["create", "patch"] as const)
  test(`two templates in a row get two numbers, also when the answer to the first revision's ${lost} was lost (I9)`, () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet();
      await fixture.sync();
      await fixture.setImage("second");
      await fixture.sync();
      fixture.hold("controllerrevisions");
      // Back to a template that has a revision, or on to one that has none yet.
      await fixture.setImage(lost === "patch" ? "foo/bar" : "third");
      fixture.losesAnswer = (verb, resource) => verb === lost && resource === "controllerrevisions";
      await expect(fixture.sync()).rejects.toThrow("socket hang up");
      fixture.losesAnswer = () => false;
      await fixture.setImage("fourth");
      await fixture.sync();
      const numbers = (await fixture.revisions()).map(({ revision }) => revision);
      expect(numbers).toEqual(lost === "patch" ? [2, 3, 4] : [1, 2, 3, 4]);
    }));

/** What the event of a failed pod tells beyond upstream's words (docs/spec/daemonset-controller.md#23.25). */
import { describe, expect, test } from "vitest";
import { type Pod, pods } from "../../api/index.ts";
import { withDaemonSets } from "../../testing/daemonset-fixture.ts";
import { failureText } from "./failed-pod.ts";

const failed = (status: NonNullable<Pod["status"]>): Pod => ({
  metadata: { name: "p" },
  spec: { containers: [] },
  status: { phase: "Failed", ...status },
});
const ended = (name: string, exitCode: number, more: object = {}) => ({
  name,
  image: "i",
  imageID: "",
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode, ...more } },
});

describe("failureText", () => {
  const cases: readonly (readonly [string, Pod | undefined, string])[] = [
    ["a pod that is not known", undefined, ""],
    ["a status that tells nothing", failed({}), ""],
    [
      "an eviction",
      failed({ reason: "Evicted", message: "The node was low on resource: memory." }),
      'reason Evicted, message "The node was low on resource: memory."',
    ],
    [
      "exit codes, but not of containers that ended well",
      failed({
        initContainerStatuses: [ended("setup", 0)],
        containerStatuses: [
          ended("main", 137, { reason: "OOMKilled" }),
          ended("side", 2, { message: "no\n disk" }),
        ],
      }),
      'container main exited with code 137 (OOMKilled), container side exited with code 2: "no disk"',
    ],
    [
      "the end before the last restart",
      failed({
        containerStatuses: [
          { ...ended("main", 0), state: {}, lastState: { terminated: { exitCode: 1, reason: "Error" } } },
        ],
      }),
      "container main exited with code 1 (Error)",
    ],
  ];
  for (const [name, pod, text] of cases) test(name, () => expect(failureText(pod)).toBe(text));

  test("is bounded, however much the status tells", () => {
    const much = "x".repeat(100_000);
    const all = Array.from({ length: 50 }, (_, i) => ended(`c${i}`, 1, { message: much }));
    expect(failureText(failed({ message: much, containerStatuses: all })).length).toBeLessThan(2_000);
  });
});

test("the event begins exactly as upstream's, then tells why the pod failed (#23.25)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addDaemonSet();
    const pod = await fixture.addPod("node-0", { hash: await fixture.currentHash(), phase: "Failed" });
    const body = { status: { reason: "OutOfcpu", message: "Pod was rejected" } };
    const address = { namespace: "default", name: pod.metadata.name!, subresource: "status" };
    await fixture.cluster.client.patch(pods, address, { type: "merge", body });
    await fixture.addNodes(1);
    expect(await fixture.sync()).toBe("0/1");
    const upstream =
      "Warning FailedDaemonPod daemonset-controller: Found failed daemon pod default/pod-0 on node node-0, will try to kill it";
    expect(await fixture.cluster.eventsOf("foo")).toContain(
      `${upstream}: reason OutOfcpu, message "Pod was rejected"`,
    );
  }));

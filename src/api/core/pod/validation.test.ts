/** What of a pod may be changed, and how its status may move. */
import { describe, expect, test } from "vitest";
import {
  decoded,
  kindOf,
  podInput,
  textsOf,
  updateErrorsOf,
  withPath,
} from "../../../testing/kind-fixtures.ts";
import type { Pod } from "../../generated/types.gen.ts";

const schema = "core.v1.Pod";
const other =
  "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

describe("an update", () => {
  const before = withPath(podInput, "spec.initContainers", [{ name: "i", image: "x:1" }]);
  const tolerant = withPath(before, "spec.tolerations", [
    { key: "a", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 },
  ]);
  const limited = withPath(before, "spec.activeDeadlineSeconds", 10);
  const gated = withPath(before, "spec.schedulingGates", [{ name: "a" }, { name: "b" }]);
  test.each<[string, object, string, unknown, string[]]>([
    ["image", before, "spec.containers[0].image", "i:2", []],
    ["image of an init container", before, "spec.initContainers[0].image", "y:1", []],
    [
      "no image",
      before,
      "spec.containers[0].image",
      "",
      ["spec.containers[0].image: Required value", "spec.containers[0].image: Required value"],
    ],
    [
      "one container more",
      before,
      "spec.containers[1]",
      { name: "d", image: "i" },
      ["spec.containers: Forbidden: pod updates may not add or remove containers"],
    ],
    [
      "one init container less",
      before,
      "spec.initContainers",
      [],
      ["spec.initContainers: Forbidden: pod updates may not add or remove containers"],
    ],
    ["node", before, "spec.nodeName", "n", [other]],
    ["command", before, "spec.containers[0].command", ["x"], [other]],
    ["deadline set", before, "spec.activeDeadlineSeconds", 5, []],
    ["deadline lowered", limited, "spec.activeDeadlineSeconds", 5, []],
    [
      "deadline raised",
      limited,
      "spec.activeDeadlineSeconds",
      11,
      ["spec.activeDeadlineSeconds: Invalid value: 11: must be less than or equal to previous value"],
    ],
    [
      "deadline removed",
      limited,
      "spec.activeDeadlineSeconds",
      undefined,
      [
        "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value",
      ],
    ],
    ["toleration added", tolerant, "spec.tolerations[1]", { key: "b", operator: "Exists" }, []],
    ["toleration's seconds", tolerant, "spec.tolerations[0].tolerationSeconds", 9, []],
    [
      "toleration changed",
      tolerant,
      "spec.tolerations[0].key",
      "z",
      ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"],
    ],
    ["gate removed", gated, "spec.schedulingGates", [{ name: "b" }], []],
    [
      "gate added",
      gated,
      "spec.schedulingGates[2]",
      { name: "c" },
      ["spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'c'"],
    ],
    ["selector of a gated pod", gated, "spec.nodeSelector", { a: "b" }, []],
    ["selector of a free pod", before, "spec.nodeSelector", { a: "b" }, [other]],
    [
      "grace from negative to 1",
      withPath(before, "spec.terminationGracePeriodSeconds", -1),
      "spec.terminationGracePeriodSeconds",
      1,
      [],
    ],
    ["grace otherwise", before, "spec.terminationGracePeriodSeconds", 1, [other]],
  ])("%s", (_name, input, path, value, errors) => {
    expect(updateErrorsOf(schema, withPath(input, path, value), input)).toEqual(errors);
  });
});

describe("a status", () => {
  const statusErrors = (restartPolicy: string, status: object, before: object): string[] => {
    const objectOf = (value: object): Pod =>
      decoded(schema, { ...withPath(podInput, "spec.restartPolicy", restartPolicy), status: value });
    return textsOf(kindOf(schema).rules.validateStatusUpdate?.(objectOf(status), objectOf(before)));
  };
  const container = (state: object): object => ({
    containerStatuses: [{ name: "c", image: "i", imageID: "", ready: false, restartCount: 0, state }],
  });
  const ended = (exitCode: number): object => container({ terminated: { exitCode } });
  const running = container({ running: {} });
  const text =
    "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state";
  test.each<[string, object, object, string[]]>([
    ["Always", running, ended(0), []],
    ["Never", running, ended(1), [text]],
    ["OnFailure", running, ended(1), []],
    ["OnFailure", running, ended(0), [text]],
    [
      "Never",
      { podIPs: [{ ip: "x" }] },
      {},
      [
        'status.podIPs[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
    ["Never", { podIPs: [{ ip: "10.0.0.1" }, { ip: "::ffff:1.2.3.4" }] }, {}, []],
  ])("%s: %j after %j", (policy, status, before, errors) => {
    expect(statusErrors(policy, status, before)).toEqual(errors);
  });
});

/** `--controllers`, as kube-controller-manager reads it. */
import { expect, test } from "vitest";
import { controllerDescriptors, selectControllers } from "./controller-descriptors.ts";

const controllerNames = controllerDescriptors.map(({ name }) => name);

const without = (...names: readonly string[]): readonly string[] =>
  controllerNames.filter((name) => !names.includes(name));

test.each([
  ["*", controllerNames],
  ["*,-daemonset-controller", without("daemonset-controller")],
  ["-daemonset,*", without("daemonset-controller")],
  ["*, -podgc , -nodelifecycle", without("pod-garbage-collector-controller", "node-lifecycle-controller")],
  ["daemonset-controller", ["daemonset-controller"]],
  ["daemonset-controller,namespace", ["daemonset-controller", "namespace-controller"]],
  ["-daemonset-controller", []],
  ["", []],
])("%s", (list, names) => {
  expect([...selectControllers(list)].map(({ name }) => name)).toEqual(names);
});

test("unknown names and contradictions are refused", () => {
  expect(() => selectControllers("*,-deamonset")).toThrow('"deamonset" is no controller');
  expect(() => selectControllers("daemonset,-daemonset-controller")).toThrow("both wants and does not want");
});

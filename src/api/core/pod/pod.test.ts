/** Pods: their defaults, field selectors and warnings. */
import { expect, test } from "vitest";
import { decoded, kindOf, podInput, withPath } from "../../../testing/kind-fixtures.ts";
import type { DaemonSet, Pod } from "../../generated/types.gen.ts";

const schema = "core.v1.Pod";

test("get host ports, requests and service links; templates do not", () => {
  const spec = {
    hostNetwork: true,
    containers: [
      { name: "a", image: "a:1", ports: [{ containerPort: 80 }], resources: { limits: { cpu: "1" } } },
    ],
  };
  const made = decoded<Pod>(schema, { metadata: { name: "p" }, spec }).spec;
  expect(made.enableServiceLinks).toBe(true);
  expect(made.containers[0]?.ports).toEqual([{ containerPort: 80, hostPort: 80, protocol: "TCP" }]);
  expect(made.containers[0]?.resources).toEqual({ limits: { cpu: "1" }, requests: { cpu: "1" } });
  const daemonSet = { metadata: { name: "d" }, spec: { selector: {}, template: { spec } } };
  const template = decoded<DaemonSet>("apps.v1.DaemonSet", daemonSet).spec.template.spec;
  expect(template.enableServiceLinks).toBeUndefined();
  expect(template.containers[0]?.ports).toEqual([{ containerPort: 80, protocol: "TCP" }]);
  expect(template.containers[0]?.resources).toEqual({ limits: { cpu: "1" } });
});

test("field selectors", () => {
  const fields = kindOf(schema).rules.selectableFields ?? {};
  const pod = decoded<Pod>(schema, withPath(podInput, "spec.nodeName", "n"));
  const values = Object.fromEntries(Object.entries(fields).map(([field, read]) => [field, read(pod)]));
  expect(values).toEqual({
    "spec.nodeName": "n",
    "spec.host": "n",
    "spec.restartPolicy": "Always",
    "spec.schedulerName": "default-scheduler",
    "spec.serviceAccountName": "",
    "spec.hostNetwork": "false",
    "status.phase": "",
    "status.podIP": "",
    "status.podIPs": "",
    "status.nominatedNodeName": "",
  });
});

test("warnings", () => {
  const odd = withPath(withPath(podInput, "metadata.name", "a.b"), "spec.nodeSelector", {
    "beta.kubernetes.io/arch": "x",
  });
  const twice = withPath(odd, "spec.containers[0].env", [{ name: "A" }, { name: "A" }]);
  expect(
    kindOf(schema).rules.warnings?.(
      decoded(schema, withPath(twice, "spec.terminationGracePeriodSeconds", -1)),
    ),
  ).toEqual([
    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    'spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead',
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
  ]);
  expect(kindOf(schema).rules.warnings?.(decoded(schema, podInput))).toEqual([]);
});

test("a negative grace period becomes a second; that of a template stays", () => {
  const spec = { containers: [{ name: "a", image: "a:1" }], terminationGracePeriodSeconds: -5 };
  const made = decoded<Pod>(schema, { metadata: { name: "p" }, spec }).spec;
  expect(made.terminationGracePeriodSeconds).toBe(1);
  const daemonSet = { metadata: { name: "d" }, spec: { selector: {}, template: { spec } } };
  const template = decoded<DaemonSet>("apps.v1.DaemonSet", daemonSet).spec.template.spec;
  expect(template.terminationGracePeriodSeconds).toBe(-5);
});

test("an image pull secret without a name is warned of", () => {
  const pod = decoded<Pod>(schema, withPath(podInput, "spec.imagePullSecrets", [{ name: "a" }, {}]));
  expect(kindOf(schema).rules.warnings?.(pod)).toEqual([
    'spec.imagePullSecrets[1].name: invalid empty name ""',
  ]);
});

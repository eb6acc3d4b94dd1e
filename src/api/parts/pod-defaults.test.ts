/** Defaults of templates and pods, with the exact bytes that revisions of DaemonSets need. */
import { describe, expect, test } from "vitest";
import { canonicalJson, decodeObject, type Draft } from "../../machinery/index.ts";
import { schemas } from "../schemas.ts";
import type { DaemonSet, Pod } from "../generated/types.gen.ts";
import { defaultPullPolicy, setPodDefaults } from "./pod-defaults.ts";
import { setDaemonSetDefaults } from "../defaults/workloads.ts";

function daemonSet(template: object): Draft<DaemonSet> {
  const input = { metadata: { name: "d" }, spec: { selector: {}, template } };
  const decoded = decodeObject<Draft<DaemonSet>>({ table: schemas, name: "apps.v1.DaemonSet" }, input);
  expect(decoded.errors).toEqual([]);
  expect(decoded.unknown).toEqual([]);
  setDaemonSetDefaults(decoded.object);
  return decoded.object;
}

function pod(spec: object): Draft<Pod> {
  const decoded = decodeObject<Draft<Pod>>(
    { table: schemas, name: "core.v1.Pod" },
    { metadata: { name: "p" }, spec },
  );
  expect(decoded.errors).toEqual([]);
  setPodDefaults(decoded.object);
  return decoded.object;
}

const bytesOf = (value: unknown): string => canonicalJson(value);

describe("template bytes", () => {
  test("of the example of docs/spec/daemonset-controller.md#13.3", () => {
    const { template } = daemonSet({
      metadata: { labels: { "daemonset-name": "daemon-set" } },
      spec: {
        containers: [
          { name: "app", image: "httpd:2.4", ports: [{ containerPort: 9376 }], securityContext: {} },
        ],
      },
    }).spec;
    expect(bytesOf(template)).toBe(
      '{"metadata":{"labels":{"daemonset-name":"daemon-set"}},"spec":{"containers":[{"image":"httpd:2.4",' +
        '"imagePullPolicy":"IfNotPresent","name":"app","ports":[{"containerPort":9376,"protocol":"TCP"}],' +
        '"resources":{},"securityContext":{},"terminationMessagePath":"/dev/termination-log",' +
        '"terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always",' +
        '"schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}',
    );
  });

  test("with everything that Go always writes", () => {
    const { template } = daemonSet({
      metadata: { creationTimestamp: null, labels: { app: "a" } },
      spec: {
        hostNetwork: true,
        serviceAccountName: "sa",
        initContainers: [{ name: "i", image: "busybox" }],
        containers: [
          {
            name: "a",
            image: "a@sha256:0",
            ports: [{ containerPort: 80 }],
            env: [
              { name: "N", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
              { name: "E", value: "" },
              { name: "L", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
            ],
            resources: { limits: { cpu: "0.1", memory: "1024Mi" } },
            securityContext: { runAsUser: 0, privileged: false, runAsNonRoot: false },
            livenessProbe: { grpc: { port: 1 }, initialDelaySeconds: 0 },
            readinessProbe: { httpGet: { port: "web", httpHeaders: [{ name: "H", value: "" }] } },
            command: [],
          },
        ],
        tolerations: [{ operator: "Exists", key: "" }],
        volumes: [
          { name: "e" },
          { name: "h", hostPath: { path: "/var/log" } },
          { name: "s", secret: { secretName: "x", optional: false } },
          { name: "p", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
          {
            name: "v",
            ephemeral: { volumeClaimTemplate: { spec: { dataSource: { kind: "K", name: "n" } } } },
          },
        ],
        affinity: {
          nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1 }] },
        },
      },
    }).spec;
    expect(bytesOf(template)).toBe(
      '{"metadata":{"labels":{"app":"a"}},"spec":{' +
        '"affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"preference":{},"weight":1}]}},' +
        '"containers":[{"env":[{"name":"N","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"spec.nodeName"}}},' +
        '{"name":"E"},{"name":"L","valueFrom":{"resourceFieldRef":{"divisor":"0","resource":"limits.cpu"}}}],' +
        '"image":"a@sha256:0","imagePullPolicy":"IfNotPresent",' +
        '"livenessProbe":{"failureThreshold":3,"grpc":{"port":1,"service":""},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1},' +
        '"name":"a","ports":[{"containerPort":80,"protocol":"TCP"}],' +
        '"readinessProbe":{"failureThreshold":3,"httpGet":{"httpHeaders":[{"name":"H","value":""}],"path":"/","port":"web","scheme":"HTTP"},' +
        '"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1},' +
        '"resources":{"limits":{"cpu":"100m","memory":"1Gi"}},' +
        '"securityContext":{"privileged":false,"runAsNonRoot":false,"runAsUser":0},' +
        '"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],' +
        '"dnsPolicy":"ClusterFirst","hostNetwork":true,' +
        '"initContainers":[{"image":"busybox","imagePullPolicy":"Always","name":"i","resources":{},' +
        '"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],' +
        '"restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},' +
        '"serviceAccount":"sa","serviceAccountName":"sa","terminationGracePeriodSeconds":30,' +
        '"tolerations":[{"operator":"Exists"}],' +
        '"volumes":[{"emptyDir":{},"name":"e"},{"hostPath":{"path":"/var/log","type":""},"name":"h"},' +
        '{"name":"s","secret":{"defaultMode":420,"optional":false,"secretName":"x"}},' +
        '{"name":"p","projected":{"defaultMode":420,"sources":[{"serviceAccountToken":{"expirationSeconds":3600,"path":"t"}}]}},' +
        '{"ephemeral":{"volumeClaimTemplate":{"metadata":{},"spec":{"dataSource":{"apiGroup":null,"kind":"K","name":"n"},' +
        '"resources":{},"volumeMode":"Filesystem"}}},"name":"v"}]}}',
    );
  });
});

test("a template that was not decoded gets what decoding would have added", () => {
  const object: Draft<DaemonSet> = {
    metadata: {},
    spec: { selector: {}, template: { spec: { containers: [{ name: "a", image: "a:1" }] } } },
  };
  setDaemonSetDefaults(object);
  expect(object.spec.template.metadata).toEqual({});
  expect(object.spec.template.spec.containers[0]?.resources).toEqual({});
});

describe("DaemonSet", () => {
  test.each([
    [undefined, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }],
    [{ type: "OnDelete" }, { type: "OnDelete" }],
    [
      { rollingUpdate: { maxUnavailable: 0, maxSurge: "10%" } },
      { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "10%" } },
    ],
  ])("strategy %j", (given, expected) => {
    const input = {
      metadata: {},
      spec: { selector: {}, template: {}, ...(given === undefined ? {} : { updateStrategy: given }) },
    };
    const { object } = decodeObject<Draft<DaemonSet>>({ table: schemas, name: "apps.v1.DaemonSet" }, input);
    setDaemonSetDefaults(object);
    expect(object.spec.updateStrategy).toEqual(expected);
    expect(object.spec.revisionHistoryLimit).toBe(10);
  });

  test("an explicit limit of 0 is kept", () => {
    const input = { metadata: {}, spec: { revisionHistoryLimit: 0, template: {} } };
    const { object } = decodeObject<Draft<DaemonSet>>({ table: schemas, name: "apps.v1.DaemonSet" }, input);
    setDaemonSetDefaults(object);
    expect(object.spec.revisionHistoryLimit).toBe(0);
  });
});

describe("pods", () => {
  test("get host ports, requests and service links; templates do not", () => {
    const spec = {
      hostNetwork: true,
      containers: [
        { name: "a", image: "a:1", ports: [{ containerPort: 80 }], resources: { limits: { cpu: "1" } } },
      ],
    };
    const made = pod(spec).spec;
    expect(made.enableServiceLinks).toBe(true);
    expect(made.containers[0]?.ports).toEqual([{ containerPort: 80, hostPort: 80, protocol: "TCP" }]);
    expect(made.containers[0]?.resources).toEqual({ limits: { cpu: "1" }, requests: { cpu: "1" } });
    const template = daemonSet({ spec }).spec.template.spec;
    expect(template.enableServiceLinks).toBeUndefined();
    expect(template.containers[0]?.ports).toEqual([{ containerPort: 80, protocol: "TCP" }]);
    expect(template.containers[0]?.resources).toEqual({ limits: { cpu: "1" } });
  });
});

test.each([
  ["nginx", "Always"],
  ["nginx:latest", "Always"],
  ["nginx:1.2", "IfNotPresent"],
  ["registry.example:5000/nginx", "Always"],
  ["registry.example:5000/a/b:v1", "IfNotPresent"],
  ["nginx@sha256:abc", "IfNotPresent"],
  ["nginx:latest@sha256:abc", "Always"],
  ["Not An Image", "IfNotPresent"],
  ["", "IfNotPresent"],
])("pull policy of %j is %s", (image, expected) => {
  expect(defaultPullPolicy(image)).toBe(expected);
});

/** Templates: their exact bytes, which the revisions of DaemonSets need, and the selector that must match. */
import { describe, expect, test } from "vitest";
import { canonicalJson, type Draft } from "../../machinery/index.ts";
import { daemonSetInput, decoded, errorsOf, withPath } from "../../testing/kind-fixtures.ts";
import type { DaemonSet, PodTemplateSpec } from "../generated/types.gen.ts";
import { setPodTemplateDefaults } from "./pod-template.ts";

const daemonSet = (template: object): DaemonSet =>
  decoded("apps.v1.DaemonSet", { metadata: { name: "d" }, spec: { selector: {}, template } });
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
  const template: Draft<PodTemplateSpec> = { spec: { containers: [{ name: "a", image: "a:1" }] } };
  setPodTemplateDefaults(template);
  expect(template.metadata).toEqual({});
  expect(template.spec.containers[0]?.resources).toEqual({});
});

test("kinds that nothing acts on still need a template that fits", () => {
  const input = withPath(daemonSetInput, "spec.selector.matchLabels", { x: "y" });
  for (const kind of ["apps.v1.Deployment", "apps.v1.ReplicaSet", "apps.v1.StatefulSet"]) {
    expect(errorsOf(kind, input)).toEqual([
      `spec.template.metadata.labels: Invalid value: {"a":"b"}: \`selector\` does not match template \`labels\``,
    ]);
    expect(errorsOf(kind, withPath(input, "spec.selector", undefined))).toEqual([
      "spec.selector: Required value",
    ]);
  }
});

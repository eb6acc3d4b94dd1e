/** Every rule of pod specs with the text that a client reads. Paths are those of a pod. */
import { describe, expect, test } from "vitest";
import { errorsOf, podInput, withPath } from "../../testing/kind-fixtures.ts";

const errorsWith = (path: string, value: unknown): string[] =>
  errorsOf("core.v1.Pod", withPath(podInput, path, value));

const label63 =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const c = "spec.containers[0]";

test("the fixture is valid", () => {
  expect(errorsOf("core.v1.Pod", podInput)).toEqual([]);
});

type Case = readonly [path: string, value: unknown, errors: readonly string[]];

describe("containers", () => {
  test.each<Case>([
    ["spec.containers", [], ["spec.containers: Required value"]],
    [`${c}.name`, "", [`${c}.name: Required value`]],
    [`${c}.name`, "A", [`${c}.name: Invalid value: "A": ${label63}`]],
    [`${c}.name`, "a.b", [`${c}.name: Invalid value: "a.b": must not contain dots`]],
    [`${c}.image`, "", [`${c}.image: Required value`]],
    [`${c}.image`, " i", [`${c}.image: Invalid value: " i": must not have leading or trailing whitespace`]],
    [
      `${c}.imagePullPolicy`,
      "Often",
      [
        `${c}.imagePullPolicy: Unsupported value: "Often": supported values: "Always", "IfNotPresent", "Never"`,
      ],
    ],
    [
      `${c}.terminationMessagePolicy`,
      "X",
      [
        `${c}.terminationMessagePolicy: Unsupported value: "X": supported values: "File", "FallbackToLogsOnError"`,
      ],
    ],
    [
      `${c}.restartPolicy`,
      "X",
      [`${c}.restartPolicy: Unsupported value: "X": supported values: "Always", "Never", "OnFailure"`],
    ],
    ["spec.containers[1]", { name: "c", image: "i" }, ['spec.containers[1].name: Duplicate value: "c"']],
    [
      "spec.initContainers",
      [{ name: "c", image: "i" }],
      ['spec.initContainers[0].name: Duplicate value: "c"'],
    ],
    [
      "spec.initContainers",
      [{ name: "i", image: "i", livenessProbe: { exec: { command: ["x"] } } }],
      [
        "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
      ],
    ],
    [
      "spec.initContainers",
      [{ name: "i", image: "i", restartPolicy: "Always", livenessProbe: { exec: { command: ["x"] } } }],
      [],
    ],
    [
      "spec.ephemeralContainers",
      [{ name: "e", image: "i" }],
      ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    ],
  ])("%s = %j", (path, value, errors) => {
    expect(errorsWith(path, value)).toEqual(errors);
  });
});

describe("ports", () => {
  const p = `${c}.ports`;
  test.each<Case>([
    [p, [{ containerPort: 0 }], [`${p}[0].containerPort: Required value`]],
    [
      p,
      [{ containerPort: 70000 }],
      [`${p}[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`],
    ],
    [
      p,
      [{ containerPort: 1, hostPort: -1 }],
      [`${p}[0].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive`],
    ],
    [
      p,
      [{ containerPort: 1, protocol: "HTTP" }],
      [`${p}[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"`],
    ],
    [
      p,
      [{ containerPort: 1, name: "12" }],
      [`${p}[0].name: Invalid value: "12": must contain at least one letter (a-z)`],
    ],
    [
      p,
      [
        { containerPort: 1, name: "a" },
        { containerPort: 2, name: "a" },
      ],
      [`${p}[1].name: Duplicate value: "a"`],
    ],
    [
      p,
      [
        { containerPort: 1, hostPort: 5 },
        { containerPort: 2, hostPort: 5 },
      ],
      [`${p}[1].hostPort: Duplicate value: "TCP//5"`],
    ],
    [
      "spec",
      {
        hostNetwork: true,
        containers: [{ name: "c", image: "i", ports: [{ containerPort: 1, hostPort: 2 }] }],
      },
      [`${p}[0].hostPort: Invalid value: 2: must match \`containerPort\` when \`hostNetwork\` is true`],
    ],
    [
      "spec",
      { hostNetwork: true, containers: [{ name: "c", image: "i", ports: [{ containerPort: 1 }] }] },
      [],
    ],
  ])("%s = %j", (path, value, errors) => {
    expect(errorsWith(path, value)).toEqual(errors);
  });
});

describe("environment", () => {
  const e = `${c}.env`;
  const nothing =
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
  test.each<Case>([
    [e, [{ name: "A.b c", value: "x" }], []],
    [e, [{ name: "" }], [`${e}[0].name: Required value`]],
    [
      e,
      [{ name: "a=b" }],
      [
        `${e}[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
      ],
    ],
    [e, [{ name: "a", valueFrom: {} }], [`${e}[0].valueFrom: Invalid value: "": ${nothing}`]],
    [
      e,
      [{ name: "a", value: "v", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
      [`${e}[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`],
    ],
    [
      e,
      [
        {
          name: "a",
          valueFrom: { fieldRef: { fieldPath: "spec.nodeName" }, secretKeyRef: { name: "s", key: "k" } },
        },
      ],
      [`${e}[0].valueFrom: Invalid value: "": may not have more than one field specified at a time`],
    ],
    [
      e,
      [{ name: "a", valueFrom: { fieldRef: { fieldPath: "" } } }],
      [`${e}[0].valueFrom.fieldRef.fieldPath: Required value`],
    ],
    [
      e,
      [{ name: "a", valueFrom: { fieldRef: { fieldPath: "spec.x" } } }],
      [
        `${e}[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x`,
      ],
    ],
    [
      e,
      [{ name: "a", valueFrom: { fieldRef: { fieldPath: "status.phase" } } }],
      [
        `${e}[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`,
      ],
    ],
    [e, [{ name: "a", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }], []],
    [
      e,
      [{ name: "a", valueFrom: { resourceFieldRef: { resource: "limits.gold" } } }],
      [
        `${e}[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gold": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"`,
      ],
    ],
    [
      e,
      [{ name: "a", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "2" } } }],
      [
        `${e}[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
      ],
    ],
    [
      e,
      [{ name: "a", valueFrom: { configMapKeyRef: { name: "", key: "" } } }],
      [
        `${e}[0].valueFrom.configMapKeyRef.name: Required value`,
        `${e}[0].valueFrom.configMapKeyRef.key: Required value`,
      ],
    ],
    [
      `${c}.envFrom`,
      [{}],
      [`${c}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``],
    ],
    [
      `${c}.envFrom`,
      [{ configMapRef: { name: "a" }, secretRef: { name: "" } }],
      [
        `${c}.envFrom[0].secretRef.name: Required value`,
        `${c}.envFrom: Invalid value: "": may not have more than one field specified at a time`,
      ],
    ],
  ])("%s = %j", (path, value, errors) => {
    expect(errorsWith(path, value)).toEqual(errors);
  });
});

describe("resources", () => {
  const r = `${c}.resources`;
  test.each<Case>([
    [
      r,
      { requests: { cpu: "2" }, limits: { cpu: "1" } },
      [`${r}.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`],
    ],
    [
      r,
      { requests: { cpu: "-1" } },
      [`${r}.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0`],
    ],
    [
      r,
      { requests: { gold: "1" } },
      [`${r}.requests[gold]: Invalid value: "gold": must be a standard resource for containers`],
    ],
    [
      r,
      { requests: { "example.com/gpu": "500m" } },
      [`${r}.requests[example.com/gpu]: Invalid value: "500m": must be an integer`],
    ],
    [
      r,
      { requests: { "example.com/gpu": "1" } },
      [`${r}.limits: Required value: Limit must be set for non overcommitable resources`],
    ],
    [r, { limits: { "example.com/gpu": "1", cpu: "1" }, requests: { cpu: "500m" } }, []],
    [
      `${c}.resources.requests`,
      { "hugepages-2Mi": "2Mi" },
      [`${r}.limits: Required value: Limit must be set for non overcommitable resources`],
    ],
    [
      r,
      { limits: { "example.com/gpu": "2" }, requests: { "example.com/gpu": "1" } },
      [`${r}.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2`],
    ],
    [
      "spec.overhead",
      { cpu: "-1" },
      ['spec.overhead[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
  ])("%s = %j", (path, value, errors) => {
    expect(errorsWith(path, value)).toEqual(errors);
  });
});

describe("probes and hooks", () => {
  const l = `${c}.livenessProbe`;
  const command = { exec: { command: ["x"] } };
  test.each<Case>([
    [l, {}, [`${l}: Required value: must specify a handler type`]],
    [
      l,
      { ...command, tcpSocket: { port: 1 } },
      [`${l}.tcpSocket: Forbidden: may not specify more than 1 handler type`],
    ],
    [l, { exec: {} }, [`${l}.exec.command: Required value`]],
    [
      l,
      { httpGet: { port: 0 } },
      [`${l}.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`],
    ],
    [
      l,
      { httpGet: { port: "web", scheme: "FTP" } },
      [`${l}.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"`],
    ],
    [
      l,
      { tcpSocket: { port: "WEB" } },
      [
        `${l}.tcpSocket.port: Invalid value: "WEB": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`,
        `${l}.tcpSocket.port: Invalid value: "WEB": must contain at least one letter (a-z)`,
      ],
    ],
    [l, { grpc: { port: 0 } }, [`${l}.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive`]],
    [
      l,
      { ...command, periodSeconds: -1 },
      [`${l}.periodSeconds: Invalid value: -1: must be greater than or equal to 0`],
    ],
    [l, { ...command, successThreshold: 2 }, [`${l}.successThreshold: Invalid value: 2: must be 1`]],
    [
      l,
      { ...command, terminationGracePeriodSeconds: 0 },
      [`${l}.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0`],
    ],
    [`${c}.readinessProbe`, { ...command, successThreshold: 2 }, []],
    [
      `${c}.readinessProbe`,
      { ...command, terminationGracePeriodSeconds: 1 },
      [
        `${c}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes`,
      ],
    ],
    [
      `${c}.lifecycle`,
      { preStop: {} },
      [`${c}.lifecycle.preStop: Required value: must specify a handler type`],
    ],
    [
      `${c}.lifecycle`,
      { preStop: { sleep: { seconds: 31 } } },
      [
        `${c}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`,
      ],
    ],
  ])("%s = %j", (path, value, errors) => {
    expect(errorsWith(path, value)).toEqual(errors);
  });
});

describe("the pod as a whole", () => {
  test.each<Case>([
    [
      "spec.restartPolicy",
      "Sometimes",
      [
        'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
      ],
    ],
    [
      "spec.dnsPolicy",
      "X",
      [
        'spec.dnsPolicy: Unsupported value: "X": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
      ],
    ],
    [
      "spec.dnsPolicy",
      "None",
      ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
    ],
    [
      "spec.dnsConfig",
      { nameservers: ["x"] },
      [
        'spec.dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
    [
      "spec.dnsConfig",
      { nameservers: ["::1", "1.2.3.4", "2001:db8::1", "8.8.8.8"] },
      [
        'spec.dnsConfig.nameservers: Invalid value: ["::1","1.2.3.4","2001:db8::1","8.8.8.8"]: must not have more than 3 nameservers',
      ],
    ],
    [
      "spec.activeDeadlineSeconds",
      0,
      ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
    ],
    ["spec.terminationGracePeriodSeconds", -5, []],
    [
      "spec.nodeSelector",
      { "a b": "c" },
      [
        "spec.nodeSelector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      ],
    ],
    ["spec.serviceAccountName", "A", [`spec.serviceAccountName: Invalid value: "A": ${subdomain}`]],
    ["spec.hostname", "A", [`spec.hostname: Invalid value: "A": ${label63}`]],
    ["spec.priorityClassName", "A", [`spec.priorityClassName: Invalid value: "A": ${subdomain}`]],
    [
      "spec.preemptionPolicy",
      "X",
      ['spec.preemptionPolicy: Unsupported value: "X": supported values: "PreemptLowerPriority", "Never"'],
    ],
    ["spec.imagePullSecrets", [{ name: "" }], []],
    [
      "spec.hostAliases",
      [{ ip: "x", hostnames: ["a"] }],
      [
        'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
    [
      "spec.os",
      { name: "plan9" },
      ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"'],
    ],
    [
      "spec.schedulingGates",
      [{ name: "a" }, { name: "a" }],
      ['spec.schedulingGates[1]: Duplicate value: "a"'],
    ],
    [
      "spec.securityContext",
      { runAsUser: -1, fsGroup: 2_147_483_648 },
      [
        "spec.securityContext.fsGroup: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive",
        "spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
      ],
    ],
    [
      "spec.securityContext",
      { seccompProfile: { type: "Localhost" } },
      [
        "spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
      ],
    ],
    [
      "spec.securityContext",
      { fsGroupChangePolicy: "X" },
      [
        'spec.securityContext.fsGroupChangePolicy: Unsupported value: "X": supported values: "Always", "OnRootMismatch"',
      ],
    ],
    [
      "spec.securityContext",
      {
        sysctls: [
          { name: "a", value: "1" },
          { name: "a", value: "1" },
        ],
      },
      ['spec.securityContext.sysctls[1].name: Duplicate value: "a"'],
    ],
    [
      `${c}.securityContext`,
      { privileged: true, allowPrivilegeEscalation: false },
      [
        `${c}.securityContext: Invalid value: {"allowPrivilegeEscalation":false,"privileged":true}: cannot set \`allowPrivilegeEscalation\` to false and \`privileged\` to true`,
      ],
    ],
    [
      `${c}.securityContext`,
      { procMount: "X", runAsGroup: -1 },
      [
        `${c}.securityContext.runAsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive`,
        `${c}.securityContext.procMount: Unsupported value: "X": supported values: "Default", "Unmasked"`,
      ],
    ],
  ])("%s = %j", (path, value, errors) => {
    expect(errorsWith(path, value)).toEqual(errors);
  });

  test("shared and host's processes exclude each other; gates exclude a node", () => {
    const both = withPath(withPath(podInput, "spec.hostPID", true), "spec.shareProcessNamespace", true);
    expect(errorsOf("core.v1.Pod", both)).toEqual([
      "spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
    ]);
    const gated = withPath(withPath(podInput, "spec.schedulingGates", [{ name: "a" }]), "spec.nodeName", "n");
    expect(errorsOf("core.v1.Pod", gated)).toEqual([
      "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
    ]);
  });
});

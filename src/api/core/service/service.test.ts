/** Services: what is valid, and the row. */
import { expect, test } from "vitest";
import { cellsOf, columnsOf, errorsOf, metadata, withPath } from "../../../testing/kind-fixtures.ts";

const schema = "core.v1.Service";
const service = { metadata, spec: { ports: [{ port: 80 }] } };

test("valid", () => expect(errorsOf(schema, service)).toEqual([]));

test.each<readonly [path: string, value: unknown, errors: readonly string[]]>([
  [
    "metadata.name",
    "1a",
    [
      "metadata.name: Invalid value: \"1a\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    ],
  ],
  ["spec.ports", [], ["spec.ports: Required value"]],
  ["spec", { clusterIP: "None", clusterIPs: ["None"] }, []],
  [
    "spec.ports",
    [{ port: 0 }],
    [
      "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
      "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
    ],
  ],
  ["spec.ports", [{ port: 1 }, { port: 2, name: "a" }], ["spec.ports[0].name: Required value"]],
  [
    "spec.ports",
    [
      { port: 1, name: "a" },
      { port: 1, name: "b" },
    ],
    [
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}',
    ],
  ],
  [
    "spec.type",
    "Odd",
    [
      'spec.type: Unsupported value: "Odd": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  ],
  [
    "spec.sessionAffinity",
    "Odd",
    ['spec.sessionAffinity: Unsupported value: "Odd": supported values: "ClientIP", "None"'],
  ],
  ["spec", { type: "ExternalName" }, ["spec.externalName: Required value"]],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(service, path, value))).toEqual(errors);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([
    ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"],
    ["Selector"],
  ]);
});

test.each<[object, object]>([
  [
    {
      type: "ClusterIP",
      clusterIP: "10.0.0.1",
      ports: [
        { port: 80, protocol: "TCP" },
        { port: 53, nodePort: 30053, protocol: "UDP" },
      ],
    },
    {
      "Cluster-IP": "10.0.0.1",
      "External-IP": "<none>",
      "Port(s)": "80/TCP,53:30053/UDP",
      Selector: "<none>",
    },
  ],
  [{ type: "LoadBalancer" }, { "External-IP": "<pending>", "Port(s)": "<none>" }],
  [
    { type: "ExternalName", externalName: "a.b" },
    { "External-IP": "a.b", "Cluster-IP": "<none>" },
  ],
  [
    { type: "NodePort", externalIPs: ["1.2.3.4", "5.6.7.8"], selector: { a: "b" } },
    { "External-IP": "1.2.3.4,5.6.7.8", Selector: "a=b" },
  ],
])("%j", (spec, expected) => {
  expect(cellsOf(schema, { spec })).toMatchObject(expected);
});

test("of a load balancer that is there", () => {
  const status = { loadBalancer: { ingress: [{ ip: "1.2.3.4" }, { hostname: "h" }] } };
  expect(cellsOf(schema, { spec: { type: "LoadBalancer" }, status })).toMatchObject({
    "External-IP": "1.2.3.4,h",
  });
});

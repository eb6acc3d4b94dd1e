/** Bodies that are too large, too deep, no JSON, of another kind, and those with the keys of prototypes. */
import type { Sent } from "../https.ts";
import {
  bad,
  canaryPath,
  configmapsPath,
  daemonSet,
  daemonsetsPath,
  invalid,
  json,
  jsonPatch,
  levels,
  megabyte,
  merge,
  notFound,
  ok,
  patch,
  podsPath,
  row,
  strategic,
  tooLarge,
  type Row,
  unprocessable,
} from "./rows.ts";

export const bodies: readonly Row[] = [
  row("one byte over 3 MiB", `POST ${configmapsPath}`, { body: " ".repeat(3 * megabyte + 1) }, tooLarge),
  row("a patch over 3 MiB", `PATCH ${canaryPath}`, patch(merge, " ".repeat(4 * megabyte)), tooLarge),
  row(
    "an object over 1.5 MiB",
    `POST ${configmapsPath}`,
    { body: { metadata: { name: "fat" }, data: { a: "x".repeat(2 * megabyte) } } },
    // Upstream bounds a ConfigMap's data before the store bounds the object.
    invalid(/^ConfigMap "fat" is invalid: .*Too long: may not be more than 1048576 bytes$/),
  ),
  row(
    "another object over 1.5 MiB",
    `POST ${daemonsetsPath}`,
    {
      body: daemonSet("fat", {
        spec: {
          selector: { matchLabels: { a: "b" } },
          template: {
            metadata: { labels: { a: "b" } },
            spec: { containers: [{ name: "main", image: "a", args: ["x".repeat(2 * megabyte)] }] },
          },
        },
      }),
    },
    { code: 413, reason: "RequestEntityTooLarge", message: "Request entity too large: limit is 1572864" },
  ),
  row("no body", `POST ${configmapsPath}`, { body: "" }, bad(/./)),
  row("no JSON", `POST ${daemonsetsPath}`, { body: "apiVersion: apps/v1\n" }, bad(/invalid character 'a'/)),
  row(
    "half of JSON",
    `POST ${daemonsetsPath}`,
    { body: '{"metadata":{"name":' },
    bad(/unexpected end of JSON/),
  ),
  row(
    "JSON and more",
    `POST ${configmapsPath}`,
    { body: '{"metadata":{"name":"a"}} {}' },
    bad(/after top-level value/),
  ),
  row("a list instead of an object", `POST ${configmapsPath}`, { body: [] }, bad(/cannot unmarshal/)),
  row(
    "null instead of an object",
    `POST ${configmapsPath}`,
    { body: "null" },
    invalid(/name or generateName is required/),
  ),
  row(
    "a number instead of a string",
    `POST ${configmapsPath}`,
    { body: { metadata: { name: 5 } } },
    bad(/cannot unmarshal number/),
  ),
  row(
    "a boolean instead of a string",
    `POST ${daemonsetsPath}`,
    {
      body: daemonSet("a", {
        spec: { template: { spec: { nodeSelector: { disk: true } } } },
      }),
    },
    bad(/cannot unmarshal bool into .*nodeSelector/),
  ),
  row(
    "a NUL byte in a name",
    `POST ${configmapsPath}`,
    { body: { metadata: { name: "a\0b" } } },
    invalid(/metadata\.name: Invalid value/),
  ),
  row(
    "a bare NUL byte",
    `POST ${configmapsPath}`,
    { body: Buffer.from([0x7b, 0x00, 0x7d]) },
    bad(/invalid character/),
  ),
  row(
    "no UTF-8",
    `POST ${configmapsPath}`,
    {
      body: Buffer.concat([
        Buffer.from('{"metadata":{"name":"a"},"data":{"a":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}}'),
      ]),
    },
    bad(/invalid UTF-8/),
  ),
  row(
    "half a surrogate",
    `POST ${configmapsPath}?dryRun=All`,
    json('{"metadata":{"name":"a"},"data":{"a":"\\ud800"}}'),
    { code: 201 },
  ),
  row(
    "100,000 levels of lists",
    `POST ${daemonsetsPath}`,
    json("[".repeat(levels)),
    bad(/exceeded max depth/),
  ),
  row(
    "100,000 levels inside an object",
    `POST ${daemonsetsPath}`,
    json(`{"metadata":{"name":"deep"},"spec":${'{"a":'.repeat(levels)}1${"}".repeat(levels + 1)}`),
    bad(/exceeded max depth/),
  ),
  ...[merge, strategic, jsonPatch].map((type) =>
    row(
      `100,000 levels in a ${type}`,
      `PATCH ${canaryPath}`,
      patch(type, `${'{"spec":'.repeat(levels)}{}${"}".repeat(levels)}`),
      bad(/exceeded max depth/),
    ),
  ),
  row(
    "100,000 levels of options",
    `DELETE ${canaryPath}`,
    json(`{"preconditions":${"[".repeat(levels)}`),
    bad(/exceeded max depth/),
  ),
  row(
    "another kind",
    `POST ${daemonsetsPath}`,
    { body: { ...daemonSet("a"), kind: "Deployment" } },
    bad('Deployment in version "v1" cannot be handled as a DaemonSet'),
  ),
  row(
    "another version",
    `POST ${daemonsetsPath}`,
    { body: { ...daemonSet("a"), apiVersion: "apps/v1beta2" } },
    bad("the API version in the data (apps/v1beta2) does not match the expected API version (apps/v1)"),
  ),
  row(
    "another namespace",
    `POST ${daemonsetsPath}`,
    { body: daemonSet("a", { metadata: { name: "a", namespace: "kube-system" } }) },
    bad("the namespace of the provided object does not match the namespace sent on the request"),
  ),
  row(
    "another name",
    `PUT ${canaryPath}`,
    { body: daemonSet("other") },
    bad(/the name of the object \(other\) does not match the name on the URL \(canary\)/),
  ),
  row(
    "a namespace that does not exist",
    "POST /api/v1/namespaces/nowhere/configmaps",
    { body: { metadata: { name: "a" } } },
    { code: 404, reason: "NotFound", message: 'namespaces "nowhere" not found' },
  ),
  row(
    "keys twice, strictly",
    `POST ${configmapsPath}?fieldValidation=Strict`,
    json('{"metadata":{"name":"a","name":"b"},"data":{"k":"1","k":"2"}}'),
    bad(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "metadata.name", duplicate field "data.k"',
    ),
  ),
  row(
    "unknown fields, strictly",
    `POST ${daemonsetsPath}?fieldValidation=Strict`,
    { body: { ...daemonSet("a"), replicas: 3 } },
    bad(
      'DaemonSet in version "v1" cannot be handled as a DaemonSet: strict decoding error: unknown field "replicas"',
    ),
  ),
  row(
    "a revision in a new object",
    `POST ${configmapsPath}`,
    { body: { metadata: { name: "a", resourceVersion: "5" } } },
    bad("resourceVersion should not be set on objects to be created"),
  ),
];

function yaml(text: string): Sent {
  return { headers: { "content-type": "application/yaml" }, body: text };
}

const yamlHead = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yam\n";
const aliasBomb = [
  "a: &a [1,1,1,1,1,1,1,1,1,1]",
  ...Array.from({ length: 8 }, (_, index) => {
    const [name, before] = ["bcdefghi"[index]!, "abcdefgh"[index]!];
    return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(",")}]`;
  }),
].join("\n");

export const yamlBodies: readonly Row[] = [
  row("aliases of aliases", `POST ${configmapsPath}`, yaml(`${yamlHead}${aliasBomb}\n`), bad(/./)),
  row("an alias of nothing", `POST ${configmapsPath}`, yaml(`${yamlHead}data: *nothing\n`), bad(/./)),
  row("an alias of itself", `POST ${configmapsPath}`, yaml(`${yamlHead}data: &d\n  a: *d\n`), bad(/./)),
  row(
    "a tag of a language",
    `POST ${configmapsPath}`,
    yaml(`${yamlHead}data: !!js/function 'x'\n`),
    bad(/./),
  ),
  row("no YAML", `POST ${configmapsPath}`, yaml("a: [\n"), bad(/./)),
  // The first one counts, as upstream.
  row("two documents", `POST ${configmapsPath}?dryRun=All`, yaml(`${yamlHead}---\n${yamlHead}`), {
    code: 201,
  }),
  row("a text", `POST ${configmapsPath}`, yaml("hello"), bad(/./)),
  row("nothing", `POST ${configmapsPath}`, yaml("# nothing\n"), invalid(/name or generateName is required/)),
  row("100,000 levels", `POST ${configmapsPath}`, yaml("[".repeat(levels)), bad(/./)),
  row("100,000 indented levels", `POST ${configmapsPath}`, yaml("- ".repeat(levels)), bad(/./)),
  row(
    "200 levels that end",
    `POST ${configmapsPath}`,
    yaml(`${yamlHead}x: ${"[".repeat(200)}${"]".repeat(200)}\n`),
    bad(/./),
  ),
  row(
    "a merge of a prototype",
    `POST ${configmapsPath}?fieldValidation=Strict`,
    yaml(`${yamlHead}<<: { __proto__: { a: b } }\n`),
    bad(/./),
  ),
  row(
    "label __proto__",
    `POST ${configmapsPath}`,
    yaml(`${yamlHead}  labels:\n    __proto__: x\n`),
    invalid(/metadata\.labels: Invalid value: "__proto__"/),
  ),
  row(
    "no UTF-8",
    `POST ${configmapsPath}`,
    { headers: { "content-type": "application/yaml" }, body: Buffer.from([0x61, 0x3a, 0xff]) },
    bad(/./),
  ),
  row(
    "200,000 keys",
    `POST ${configmapsPath}?dryRun=All`,
    yaml(`${yamlHead}data:\n${Array.from({ length: 200_000 }, (_, index) => `  a${index}: b\n`).join("")}`),
    bad(/more than \d+ tokens/),
  ),
  row(
    "20,000 keys",
    `POST ${configmapsPath}?dryRun=All`,
    yaml(`${yamlHead}data:\n${Array.from({ length: 20_000 }, (_, index) => `  a${index}: b\n`).join("")}`),
    { code: 201 },
  ),
  row("a key twice", `POST ${configmapsPath}?dryRun=All`, yaml(`${yamlHead}data:\n  a: b\n  a: c\n`), {
    code: 201,
  }),
  row("right YAML", `POST ${configmapsPath}?dryRun=All`, yaml(`${yamlHead}data: { a: b }\n`), { code: 201 }),
];

export const prototypes: readonly Row[] = [
  row(
    "label __proto__",
    `POST ${configmapsPath}`,
    json('{"metadata":{"name":"p","labels":{"__proto__":"x"}}}'),
    invalid(/metadata\.labels: Invalid value: "__proto__": name part must consist of/),
  ),
  row(
    "annotation __proto__",
    `POST ${configmapsPath}`,
    json('{"metadata":{"name":"p","annotations":{"__proto__":"x"}}}'),
    invalid(/metadata\.annotations: Invalid value: "__proto__"/),
  ),
  row(
    "metadata.__proto__",
    `POST ${configmapsPath}?fieldValidation=Strict`,
    json('{"metadata":{"name":"p","__proto__":{"x":"y"}}}'),
    bad(/strict decoding error: unknown field "metadata\.__proto__"$/),
  ),
  row(
    "__proto__ at the top",
    `POST ${configmapsPath}?fieldValidation=Strict`,
    json('{"__proto__":{"metadata":{"name":"p"}}}'),
    bad(/strict decoding error: unknown field "__proto__"$/),
  ),
  row(
    "constructor in a spec",
    `POST ${daemonsetsPath}?fieldValidation=Strict`,
    { body: daemonSet("p", { spec: { constructor: { prototype: { x: 1 } } } }) },
    bad(/strict decoding error: unknown field "spec\.constructor"$/),
  ),
  row(
    "nodeSelector __proto__",
    `POST ${daemonsetsPath}`,
    json(
      JSON.stringify(daemonSet("p")).replace('"containers"', '"nodeSelector":{"__proto__":"x"},"containers"'),
    ),
    invalid(/spec\.template\.spec\.nodeSelector: Invalid value: "__proto__"/),
  ),
  ...(
    [
      [merge, '{"metadata":{"labels":{"__proto__":"x"}}}'],
      [strategic, '{"metadata":{"labels":{"__proto__":"x"}}}'],
      [jsonPatch, '[{"op":"add","path":"/metadata/labels/__proto__","value":"x"}]'],
    ] as const
  ).map(([type, body]) =>
    row(
      `label __proto__ by ${type}`,
      `PATCH ${canaryPath}`,
      patch(type, body),
      invalid(/metadata\.labels: Invalid value: "__proto__"/),
    ),
  ),
  ...[merge, strategic].map((type) =>
    row(
      `spec.__proto__ by ${type}`,
      `PATCH ${canaryPath}?fieldValidation=Strict`,
      patch(type, '{"spec":{"__proto__":{"x":1}}}'),
      invalid(/strict decoding error: unknown field "spec\.__proto__"$/),
    ),
  ),
  ...["__proto__", "constructor"].map((key) =>
    row(
      `/${key}/x by JSON patch`,
      `PATCH ${canaryPath}`,
      patch(jsonPatch, [{ op: "add", path: `/${key}/x`, value: 1 }]),
      invalid(unprocessable),
    ),
  ),
  row(
    "moved to /__proto__",
    `PATCH ${canaryPath}?fieldValidation=Strict`,
    patch(jsonPatch, [{ op: "copy", from: "/metadata", path: "/__proto__" }]),
    invalid(/unknown field "__proto__"$/),
  ),
  row(
    "__proto__ as the patch",
    `PATCH ${canaryPath}?fieldValidation=Strict`,
    patch(merge, '{"__proto__":{"polluted":"yes"}}'),
    invalid(/unknown field "__proto__"$/),
  ),
  row(
    "$patch in a __proto__",
    `PATCH ${canaryPath}?fieldValidation=Strict`,
    patch(strategic, '{"spec":{"__proto__":{"$patch":"delete"}}}'),
    invalid(/./),
  ),
  row(
    "__proto__ as parameter",
    `GET ${canaryPath}?__proto__=x&constructor=y&hasOwnProperty=z`,
    undefined,
    ok,
  ),
  row("constructor as label selector", `GET ${daemonsetsPath}?labelSelector=constructor`, undefined, ok),
  row(
    "__proto__ as label selector",
    `GET ${daemonsetsPath}?labelSelector=__proto__`,
    undefined,
    bad(/unable to parse requirement: .*"__proto__"/),
  ),
  ...["__proto__", "constructor", "toString"].map((field) =>
    row(
      `${field} as field selector`,
      `GET ${podsPath}?fieldSelector=${field}=x`,
      undefined,
      bad(`field label not supported: ${field}`),
    ),
  ),
  ...[
    "/api/v1/__proto__",
    "/api/v1/constructor/x",
    "/apis/__proto__",
    "/apis/constructor/v1/toString",
    "/apis/apps/__proto__/daemonsets",
    "/openapi/v3/__proto__",
    "/openapi/v3/constructor",
    "/__proto__",
  ].map((path) => row("", `GET ${path}`, undefined, { code: 404 })),
  row("an object named constructor", `GET ${configmapsPath}/constructor`, undefined, {
    code: 404,
    reason: "NotFound",
    message: 'configmaps "constructor" not found',
  }),
  row("a subresource constructor", `GET ${podsPath}/a/constructor`, undefined, notFound),
];

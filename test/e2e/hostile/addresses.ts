/** Paths, methods and media types that do not exist, and resource versions that are malformed, old or in the future. */
import {
  bad,
  canaryPath,
  configmapsPath,
  daemonSet,
  daemonsetsPath,
  future,
  invalid,
  jsonPatch,
  lockLost,
  merge,
  noSuchPath,
  notFound,
  ok,
  patch,
  podsPath,
  row,
  strategic,
  type Row,
} from "./rows.ts";

export const paths: readonly Row[] = [
  ...[
    "/apis/apps/v1/scarecrows",
    "/apis/apps/v2/daemonsets",
    "/apis/nowhere.io/v1/things",
    "/api/v2/pods",
    `${podsPath}/a/nothing`,
    `${podsPath}/a/log/b`,
    "/api/v1/namespaces/default/nodes",
    "/api/v1/namespaces/default/nodes/kube-master",
  ].map((path) => row("", `GET ${path}`, undefined, { code: 404, reason: "NotFound", message: noSuchPath })),
  ...["/nothing", "/..", "/%2e%2e/", "/api/v1//pods", "/apis//v1", "/favicon.ico"].map((path) =>
    row("", `GET ${path}`, undefined, { code: 404 }),
  ),
  row("a POST to an unknown kind", "POST /apis/apps/v1/scarecrows", { body: "no JSON" }, notFound),
  row("half an escape", `GET ${podsPath}/%zz`, undefined, bad(/invalid URL escape "%zz"/)),
  row("an escape of no UTF-8", `GET ${podsPath}/%ff`, undefined, { code: 400 }),
  row("a slash in a name", `GET ${configmapsPath}/a%2Fb`, undefined, { code: 404 }),
  row(
    "dots as a name",
    `GET ${configmapsPath}/..`,
    undefined,
    bad(`Name parameter invalid: "..": may not be '..'`),
  ),
  row(
    "one dot as a name",
    `DELETE ${configmapsPath}/.`,
    undefined,
    bad(`Name parameter invalid: ".": may not be '.'`),
  ),
  row(
    "escaped dots as a name",
    `GET /api/v1/nodes/%2e%2e`,
    undefined,
    bad(`Name parameter invalid: "..": may not be '..'`),
  ),
  row(
    "a percent sign in a name",
    `GET ${configmapsPath}/a%25b`,
    undefined,
    bad(`Name parameter invalid: "a%b": may not contain '%'`),
  ),
  row("a slash in a namespace", "GET /api/v1/namespaces/default%2Fx/configmaps/a", undefined, { code: 404 }),
  row("a NUL byte in a name", `GET ${configmapsPath}/a%00b`, undefined, { code: 404, reason: "NotFound" }),
  row("a long name", `GET ${configmapsPath}/${"a".repeat(5000)}`, undefined, {
    code: 404,
    reason: "NotFound",
  }),
  row(
    "capitals as a name",
    `POST ${configmapsPath}`,
    { body: { metadata: { name: "Capital" } } },
    invalid(
      /^ConfigMap "Capital" is invalid: metadata\.name: Invalid value: "Capital": a lowercase RFC 1123 subdomain must consist of/,
    ),
  ),
  row(
    "a path as a name",
    `POST ${configmapsPath}`,
    { body: { metadata: { name: "../../etc/passwd" } } },
    invalid(/metadata\.name: Invalid value/),
  ),
  row(
    "a long name",
    `POST ${configmapsPath}`,
    { body: { metadata: { name: "a".repeat(254) } } },
    invalid(/metadata\.name: Invalid value: .*must be no more than 253 characters/),
  ),
  row(
    "no name",
    `POST ${configmapsPath}`,
    { body: { metadata: {} } },
    invalid(/metadata\.name: Required value: name or generateName is required/),
  ),
];

export const methods: readonly Row[] = [
  row("POST to an object", `POST ${canaryPath}`, { body: {} }, { code: 405, reason: "MethodNotAllowed" }),
  row(
    "PUT to a collection",
    `PUT ${daemonsetsPath}`,
    { body: {} },
    { code: 405, reason: "MethodNotAllowed" },
  ),
  row("PATCH of a collection", `PATCH ${daemonsetsPath}`, patch(merge, {}), {
    code: 405,
    reason: "MethodNotAllowed",
  }),
  row(
    "POST without a namespace",
    "POST /api/v1/configmaps",
    { body: { metadata: { name: "a" } } },
    { code: 405, reason: "MethodNotAllowed" },
  ),
  row("DELETE of all everywhere", "DELETE /api/v1/pods", undefined, {
    code: 405,
    reason: "MethodNotAllowed",
  }),
  row("DELETE of a status", `DELETE ${canaryPath}/status`, undefined, {
    code: 405,
    reason: "MethodNotAllowed",
  }),
  row("OPTIONS", `OPTIONS ${canaryPath}`, undefined, { code: 405 }),
  row("PROPFIND", `PROPFIND ${canaryPath}`, undefined, { code: 405 }),
  row("TRACE", `TRACE ${canaryPath}`, undefined, { code: 405 }),
  row("GET of a binding", `GET ${podsPath}/a/binding`, undefined, { code: 405, reason: "MethodNotAllowed" }),
];

/** The router refuses what no route takes; its answer has no list of what it would take. */
const unroutedPatch = { code: 415, reason: "UnsupportedMediaType", message: "415: Unsupported Media Type" };

export const contentTypes: readonly Row[] = [
  ...[
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json-patch+json",
    "garbage",
    "application/JSONX",
  ].map((type) =>
    row(
      type,
      `POST ${configmapsPath}`,
      { headers: { "content-type": type }, body: { metadata: { name: "t" } } },
      {
        code: 415,
        reason: "UnsupportedMediaType",
        message:
          /^the body of the request was in an unknown format - accepted media types include: application\/json/,
      },
    ),
  ),
  row("JSON as a patch", `PATCH ${canaryPath}`, patch("application/json", {}), unroutedPatch),
  row("YAML as a patch", `PATCH ${canaryPath}`, patch("application/yaml", "a: 1"), unroutedPatch),
  row(
    "a compressed body",
    `POST ${configmapsPath}`,
    { headers: { "content-encoding": "gzip" }, body: { metadata: { name: "t" } } },
    { code: 415, reason: "UnsupportedMediaType" },
  ),
  row(
    "JSON with parameters",
    `POST ${configmapsPath}?dryRun=All`,
    { headers: { "content-type": "application/json; charset=utf-8" }, body: { metadata: { name: "t" } } },
    { code: 201 },
  ),
  ...[
    ["text/html", "router"],
    ["application/xml, text/*", "router"],
    [",,;;", "router"],
    ["application/json;q=0", "handler"],
    ["application/vnd.kubernetes.protobuf", "handler"],
    ["application/json;as=Chair;g=meta.k8s.io;v=v1", "handler"],
  ].map(([accept, refusedBy]) =>
    row(
      accept!,
      `GET ${canaryPath}`,
      { headers: { accept: accept! } },
      {
        code: 406,
        reason: "NotAcceptable",
        message:
          refusedBy === "router"
            ? /^406: Not Acceptable\n\nAvailable representations: /
            : /^only the following media types are accepted: application\/json/,
      },
    ),
  ),
  row(
    "no way to answer a watch",
    `GET ${podsPath}?watch=1`,
    { headers: { accept: "text/event-stream" } },
    { code: 406, reason: "NotAcceptable" },
  ),
  row(
    "the second best",
    `GET ${canaryPath}`,
    { headers: { accept: "text/html, application/json;q=0.1" } },
    ok,
  ),
  row(
    "a thousand clauses",
    `GET ${canaryPath}`,
    { headers: { accept: `application/json${",a/b;q=0.5".repeat(1000)}` } },
    ok,
  ),
];

export const versions: readonly Row[] = [
  ...["abc", "-1", "1.5", "0x10", "1e3", " 1", "99999999999999999999999"].flatMap((version) =>
    ["", "&watch=1"].map((watch) =>
      row(
        `${version}${watch}`,
        `GET ${podsPath}?resourceVersion=${encodeURIComponent(version)}${watch}`,
        undefined,
        // Upstream answers a watch so, without a reason.
        watch === "" ? bad(/invalid resource version/) : { code: 500 },
      ),
    ),
  ),
  row(
    "get at a malformed version",
    `GET ${canaryPath}?resourceVersion=abc`,
    undefined,
    bad(/invalid resource version/),
  ),
  row(
    "exactly now, malformed",
    `GET ${podsPath}?resourceVersion=abc&resourceVersionMatch=Exact`,
    undefined,
    bad(/invalid resource version/),
  ),
  ...[
    `${canaryPath}?resourceVersion=${future}`,
    `${podsPath}?resourceVersion=${future}`,
    `${podsPath}?resourceVersion=${future}&resourceVersionMatch=Exact`,
    `${podsPath}?resourceVersion=${future}&watch=1`,
  ].map((path) =>
    row("", `GET ${path}`, undefined, {
      code: 504,
      reason: "Timeout",
      message: new RegExp(`^Timeout: Too large resource version: ${future}, current: [0-9]+$`),
    }),
  ),
  row(
    "match without a version",
    `GET ${podsPath}?resourceVersionMatch=Exact`,
    undefined,
    invalid(
      /resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided/,
    ),
  ),
  row(
    "exactly zero",
    `GET ${podsPath}?resourceVersionMatch=Exact&resourceVersion=0`,
    undefined,
    invalid(/resourceVersionMatch "exact" is forbidden for resourceVersion "0"$/),
  ),
  row(
    "an unknown match",
    `GET ${podsPath}?resourceVersionMatch=Sometimes&resourceVersion=1`,
    undefined,
    invalid(/Unsupported value: "Sometimes"/),
  ),
  row(
    "initial events of a list",
    `GET ${podsPath}?sendInitialEvents=true`,
    undefined,
    invalid(/sendInitialEvents is forbidden for list/),
  ),
  row(
    "initial events without a match",
    `GET ${podsPath}?watch=1&sendInitialEvents=true`,
    undefined,
    invalid(/sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/),
  ),
  row(
    "a match for a watch",
    `GET ${podsPath}?watch=1&resourceVersion=1&resourceVersionMatch=NotOlderThan`,
    undefined,
    invalid(/resourceVersionMatch is forbidden for watch/),
  ),
  ...["1", "abc", future, "-5"].map((version) =>
    row(
      `put at ${version}`,
      `PUT ${canaryPath}`,
      { body: daemonSet("canary", { metadata: { name: "canary", resourceVersion: version } }) },
      lockLost,
    ),
  ),
  ...[merge, strategic].map((type) =>
    row(
      `${type} at an old version`,
      `PATCH ${canaryPath}`,
      patch(type, { metadata: { resourceVersion: "1", labels: { a: "b" } } }),
      lockLost,
    ),
  ),
  row(
    "JSON patch at an old version",
    `PATCH ${canaryPath}`,
    patch(jsonPatch, [
      { op: "replace", path: "/metadata/resourceVersion", value: "1" },
      { op: "add", path: "/metadata/labels", value: { a: "b" } },
    ]),
    lockLost,
  ),
  row(
    "a lease without a version",
    "PUT /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/kube-master",
    { body: { metadata: { name: "kube-master" } } },
    invalid(/metadata\.resourceVersion: Invalid value: .*must be specified for an update/),
  ),
  row(
    "put of what is not there",
    `PUT ${daemonsetsPath}/absent`,
    { body: daemonSet("absent") },
    { code: 404, reason: "NotFound", message: 'daemonsets.apps "absent" not found' },
  ),
  row(
    "another uid",
    `PUT ${canaryPath}`,
    { body: daemonSet("canary", { metadata: { name: "canary", uid: "x" } }) },
    {
      code: 409,
      reason: "Conflict",
      message: /Precondition failed: UID in precondition: x, UID in object meta: [0-9a-f-]{36}$/,
    },
  ),
];

/** Query parameters: continue tokens, limits, selectors, options of writes. */
import {
  future,
  bad,
  canaryPath,
  configmapsPath,
  invalid,
  merge,
  ok,
  patch,
  podsPath,
  row,
  type Row,
} from "./rows.ts";

function token(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

const queryOf = (parameters: string): string => `GET ${podsPath}?${parameters}`;

export const queries: readonly Row[] = [
  ...[
    "garbage",
    "%00",
    token({ v: "meta.k8s.io/v2", rv: 1, start: "a" }),
    token({ v: "meta.k8s.io/v1", rv: 0, start: "a" }),
    token({ v: "meta.k8s.io/v1", rv: "1", start: "a" }),
    token({ v: "meta.k8s.io/v1", rv: 1 }),
    token([]),
    token(null),
    "A".repeat(8000),
  ].map((text) =>
    row(
      `continue=${text.slice(0, 40)}`,
      queryOf(`limit=1&continue=${text}`),
      undefined,
      bad(/^(invalid )?continue/),
    ),
  ),
  row(
    "continue out of the resource",
    queryOf(`limit=1&continue=${token({ v: "meta.k8s.io/v1", rv: 1, start: "../secrets/" })}`),
    undefined,
    bad(/^invalid continue token/),
  ),
  row(
    "continue with a version",
    queryOf(`limit=1&resourceVersion=5&continue=${token({ v: "meta.k8s.io/v1", rv: 1, start: "a" })}`),
    undefined,
    bad("specifying resource version is not allowed when using continue"),
  ),
  row(
    "continue of a watch",
    queryOf("watch=1&continue=abc"),
    undefined,
    invalid(/continue: Forbidden: continue is forbidden for watch/),
  ),
  row(
    "continue at a future version",
    queryOf(`limit=1&continue=${token({ v: "meta.k8s.io/v1", rv: Number(future), start: "default/a" })}`),
    undefined,
    { code: 504, reason: "Timeout" },
  ),
  row(
    "limit is no number",
    queryOf("limit=many"),
    undefined,
    bad(/strconv\.ParseInt: parsing "many": invalid syntax/),
  ),
  row("limit is negative", queryOf("limit=-1"), undefined, ok),
  row("limit is huge", queryOf("limit=9223372036854775807"), undefined, ok),
  row(
    "limit is beyond all",
    queryOf("limit=9223372036854775808"),
    undefined,
    bad('strconv.ParseInt: parsing "9223372036854775808": value out of range'),
  ),
  row("limit twice", queryOf("limit=1&limit=many"), undefined, ok),
  row(
    "timeoutSeconds is no number",
    queryOf("watch=1&timeoutSeconds=soon"),
    undefined,
    bad(/strconv\.ParseInt: parsing "soon": invalid syntax/),
  ),
  row(
    "timeout is no duration",
    queryOf("timeout=soon"),
    undefined,
    bad(/invalid timeout specified in the request URL/),
  ),
  ...[
    "a==b==c",
    "=",
    "a in b",
    "a in (b",
    "a,,b",
    "!",
    "a notin ()x",
    "a>b",
    "a/b/c=d",
    "a=b c",
    `${"a".repeat(64)}=b`,
    `a=${"b".repeat(64)}`,
  ].map((text) =>
    row(
      `labelSelector ${text.slice(0, 30)}`,
      queryOf(`labelSelector=${encodeURIComponent(text)}`),
      undefined,
      bad(/^(unable to parse requirement: |found )/),
    ),
  ),
  row("an empty selector", queryOf("labelSelector="), undefined, ok),
  ...["spec.nodeName", "spec.nodeName>5", "=a", "a\\"].map((text) =>
    row(
      `fieldSelector ${text}`,
      queryOf(`fieldSelector=${encodeURIComponent(text)}`),
      undefined,
      bad(/^invalid selector: |^field label not supported|^invalid field selector/),
    ),
  ),
  row(
    "a field that pods lack",
    queryOf("fieldSelector=spec.secret%3Da"),
    undefined,
    bad("field label not supported: spec.secret"),
  ),
  row(
    "includeObject is unknown",
    `${queryOf("includeObject=Some")}`,
    { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } },
    { code: 422 },
  ),
  row("ten thousand parameters", queryOf("a=b&".repeat(2_000)), undefined, ok),
  row("half an escape", queryOf("labelSelector=%"), undefined, bad(/invalid URL escape "%"/)),
  row(
    "dryRun is unknown",
    `POST ${configmapsPath}?dryRun=Some`,
    { body: { metadata: { name: "a" } } },
    invalid(/dryRun: Unsupported value: .*supported values: "All"/),
  ),
  row(
    "fieldValidation is unknown",
    `POST ${configmapsPath}?fieldValidation=Lax`,
    { body: { metadata: { name: "a" } } },
    invalid(/fieldValidation: Unsupported value: "Lax": supported values: /),
  ),
  row(
    "force without apply",
    `PATCH ${canaryPath}?force=true`,
    patch(merge, {}),
    invalid(/force: Forbidden: may not be specified for non-apply patch/),
  ),
  row(
    "fieldManager is long",
    `PATCH ${canaryPath}?fieldManager=${"m".repeat(200)}`,
    patch(merge, {}),
    invalid(/fieldManager: Too long: may not be more than 128 bytes/),
  ),
  row(
    "fieldManager with a NUL byte",
    `PATCH ${canaryPath}?fieldManager=%00`,
    patch(merge, {}),
    invalid(/invalid character U\+0000/),
  ),
];

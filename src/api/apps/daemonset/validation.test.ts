/** What DaemonSets are valid: upstream's cases, with the texts. */
import { describe, expect, test } from "vitest";
import {
  daemonSetInput,
  decoded,
  errorsOf,
  kindOf,
  textsOf,
  updateErrorsOf,
  withPath,
} from "../../../testing/kind-fixtures.ts";
import type { DaemonSet } from "../../generated/types.gen.ts";

const schema = "apps.v1.DaemonSet";
const errorsWith = (path: string, value: unknown): string[] =>
  errorsOf(schema, withPath(daemonSetInput, path, value));
const mismatch = "`selector` does not match template `labels`";

test("TestValidateDaemonSet, success", () => {
  expect(errorsOf(schema, daemonSetInput)).toEqual([]);
  const ports = [{ containerPort: 12345, hostPort: 12345 }];
  const onHost = withPath(
    withPath(daemonSetInput, "spec.template.spec.hostNetwork", true),
    "spec.template.spec.containers[0].ports",
    ports,
  );
  expect(errorsOf(schema, onHost)).toEqual([]);
  const port = "spec.template.spec.containers[0].ports[0]";
  expect(errorsOf(schema, withPath(onHost, `${port}.hostPort`, undefined))).toEqual([]);
  expect(errorsOf(schema, withPath(onHost, `${port}.hostPort`, 1))).toEqual([
    `${port}.hostPort: Invalid value: 1: must match \`containerPort\` when \`hostNetwork\` is true`,
  ]);
});

describe("TestValidateDaemonSet, errors", () => {
  const t = "spec.template";
  test.each<[string, unknown, string[]]>([
    ["spec.selector", undefined, [`${t}.metadata.labels: Invalid value: {"a":"b"}: ${mismatch}`]],
    ["spec.selector", {}, ["spec.selector: Invalid value: {}: empty selector is invalid for daemonset"]],
    [
      "spec.selector",
      { matchLabels: { x: "y" } },
      [`${t}.metadata.labels: Invalid value: {"a":"b"}: ${mismatch}`],
    ],
    [
      "spec.selector",
      { matchExpressions: [{ key: "a", operator: "In" }] },
      [
        "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      ],
    ],
    [
      "spec.selector",
      { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] },
      [
        "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      ],
    ],
    [`${t}.metadata`, undefined, [`${t}.metadata.labels: Invalid value: null: ${mismatch}`]],
    [`${t}.spec.containers`, [], [`${t}.spec.containers: Required value`]],
    [
      `${t}.spec.restartPolicy`,
      "OnFailure",
      [`${t}.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always"`],
    ],
    [
      `${t}.spec.restartPolicy`,
      "Never",
      [`${t}.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"`],
    ],
    [
      `${t}.spec.activeDeadlineSeconds`,
      5,
      [`${t}.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported`],
    ],
    [
      `${t}.spec.ephemeralContainers`,
      [{ name: "e", image: "i" }],
      [`${t}.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template`],
    ],
    [
      `${t}.spec.volumes`,
      [{ name: "d", gcePersistentDisk: { pdName: "p" } }],
      [
        `${t}.spec.volumes[0].gcePersistentDisk.readOnly: Invalid value: false: must be true for replicated pods > 1; GCE PD can only be mounted on multiple machines if it is read-only`,
      ],
    ],
    [
      "spec.minReadySeconds",
      -1,
      ["spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"],
    ],
    [
      "spec.revisionHistoryLimit",
      -1,
      ["spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0"],
    ],
    ["spec.revisionHistoryLimit", 0, []],
    ["spec.updateStrategy", { type: "OnDelete" }, []],
    [
      "spec.updateStrategy",
      { type: "Random" },
      [
        'spec.updateStrategy: Unsupported value: {"type":"Random"}: supported values: "RollingUpdate", "OnDelete"',
      ],
    ],
  ])("%s = %j", (path, value, errors) => {
    expect(errorsWith(path, value)).toEqual(errors);
  });

  test("labels of the template are named without metadata, as upstream does", () => {
    const errors = errorsWith(`${t}.metadata.labels`, { a: "b", "x y": "z" });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^spec\.template\.labels: Invalid value: "x y": name part must consist of/);
  });
});

describe("TestDaemonSetUpdateMaxSurge", () => {
  const u = "spec.updateStrategy.rollingUpdate.maxUnavailable";
  const s = "spec.updateStrategy.rollingUpdate.maxSurge";
  const zero = `${u}: Required value: cannot be 0 when maxSurge is 0`;
  const both = (value: string): string =>
    `${s}: Invalid value: ${value}: may not be set when maxUnavailable is non-zero`;
  const percent =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  test.each<[unknown, unknown, string[]]>([
    [0, 0, [zero]],
    [0, "0%", [zero]],
    ["0%", 0, [zero]],
    ["0%", "0%", [zero]],
    [0, undefined, [zero]],
    [1, undefined, []],
    [1, 0, []],
    [1, "0%", []],
    ["1%", 0, []],
    ["100%", "0%", []],
    [0, 1, []],
    ["0%", 1, []],
    [0, "1%", []],
    ["0%", "100%", []],
    [0, "101%", [`${s}: Invalid value: "101%": must not be greater than 100%`]],
    ["101%", 0, [`${u}: Invalid value: "101%": must not be greater than 100%`]],
    [1, 1, [both("1")]],
    ["1%", 1, [both("1")]],
    [1, "1%", [both('"1%"')]],
    ["1%", "1%", [both('"1%"')]],
    [undefined, 1, [both("1")]],
    [-1, 0, [`${u}: Invalid value: -1: must be greater than or equal to 0`]],
    ["half", 0, [`${u}: Invalid value: "half": ${percent}`, zero]],
    ["-1%", 0, [`${u}: Invalid value: "-1%": ${percent}`, zero]],
  ])("maxUnavailable %j, maxSurge %j", (maxUnavailable, maxSurge, errors) => {
    const rollingUpdate = {
      ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
      ...(maxSurge === undefined ? {} : { maxSurge }),
    };
    expect(errorsWith("spec.updateStrategy", { type: "RollingUpdate", rollingUpdate })).toEqual(errors);
  });
});

describe("TestValidateDaemonSetUpdate", () => {
  test("the selector never changes", () => {
    const changed = withPath(
      withPath(daemonSetInput, "spec.selector.matchLabels", { x: "y" }),
      "spec.template.metadata.labels",
      { x: "y" },
    );
    expect(updateErrorsOf(schema, changed, daemonSetInput)).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"x":"y"}}: field is immutable',
    ]);
  });

  test("template, strategy and a disk that was there before may", () => {
    const disk = withPath(daemonSetInput, "spec.template.spec.volumes", [
      { name: "d", gcePersistentDisk: { pdName: "p" } },
    ]);
    const image = withPath(disk, "spec.template.spec.containers[0].image", "i:2");
    expect(updateErrorsOf(schema, image, disk)).toEqual([]);
    const strategy = withPath(daemonSetInput, "spec.updateStrategy", { type: "OnDelete" });
    expect(updateErrorsOf(schema, strategy, daemonSetInput)).toEqual([]);
  });

  test("the whole object is looked at again", () => {
    const changed = withPath(daemonSetInput, "spec.template.spec.restartPolicy", "Never");
    expect(updateErrorsOf(schema, changed, daemonSetInput)).toEqual([
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]);
  });
});

describe("TestValidateDaemonSetStatusUpdate", () => {
  const valid = {
    currentNumberScheduled: 1,
    numberMisscheduled: 1,
    desiredNumberScheduled: 1,
    numberReady: 1,
    observedGeneration: 3,
    updatedNumberScheduled: 1,
    numberAvailable: 1,
    numberUnavailable: 1,
  };
  const statusErrors = (status: object, before: object = valid): string[] => {
    const objectOf = (value: object): DaemonSet => decoded(schema, { ...daemonSetInput, status: value });
    return textsOf(kindOf(schema).rules.validateStatusUpdate?.(objectOf(status), objectOf(before)));
  };

  test("valid", () => expect(statusErrors(valid)).toEqual([]));
  test.each(Object.keys(valid))("%s is not negative", (name) => {
    expect(statusErrors({ ...valid, [name]: -1 })).toEqual([
      `status.${name}: Invalid value: -1: must be greater than or equal to 0`,
    ]);
  });
  test("all at once", () => {
    expect(statusErrors(Object.fromEntries(Object.keys(valid).map((name) => [name, -1])))).toHaveLength(8);
  });
  test.each([
    [1, 2, []],
    [2, 1, ["status.collisionCount: Invalid value: 1: cannot be decremented"]],
    [0, undefined, ["status.collisionCount: Invalid value: 0: cannot be decremented"]],
  ])("collisionCount from %j to %j", (before, after, errors) => {
    const changed = after === undefined ? valid : { ...valid, collisionCount: after };
    expect(statusErrors(changed, { ...valid, collisionCount: before })).toEqual(errors);
  });
});

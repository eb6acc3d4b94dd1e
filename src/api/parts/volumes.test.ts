/** Volumes and their mounts, with the texts that a client reads. */
import { describe, expect, test } from "vitest";
import { errorsOf, podInput, withPath } from "../../testing/kind-fixtures.ts";

const errorsWith = (path: string, value: unknown): string[] =>
  errorsOf("core.v1.Pod", withPath(podInput, path, value));

const c = "spec.containers[0]";

type Case = readonly [path: string, value: unknown, errors: readonly string[]];

describe("volumes and mounts", () => {
  const v = "spec.volumes";
  const m = `${c}.volumeMounts`;
  test.each<Case>([
    [v, [{ name: "" }], [`${v}[0].name: Required value`]],
    [v, [{ name: "a" }, { name: "a" }], [`${v}[1].name: Duplicate value: "a"`]],
    [
      v,
      [{ name: "a", emptyDir: {}, hostPath: { path: "/" } }],
      [`${v}[0].hostPath: Forbidden: may not specify more than 1 volume type`],
    ],
    [v, [{ name: "a", hostPath: { path: "" } }], [`${v}[0].hostPath.path: Required value`]],
    [
      v,
      [{ name: "a", hostPath: { path: "/a/../b" } }],
      [`${v}[0].hostPath.path: Invalid value: "/a/../b": must not contain '..'`],
    ],
    [
      v,
      [{ name: "a", hostPath: { path: "/", type: "Disk" } }],
      [
        `${v}[0].hostPath.type: Unsupported value: "Disk": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"`,
      ],
    ],
    [
      v,
      [{ name: "a", emptyDir: { sizeLimit: "-1" } }],
      [`${v}[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity`],
    ],
    [
      v,
      [{ name: "a", secret: { defaultMode: 512 } }],
      [
        `${v}[0].secret.secretName: Required value`,
        `${v}[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive`,
      ],
    ],
    [
      v,
      [{ name: "a", configMap: { name: "", items: [{ key: "", path: "/x" }] } }],
      [
        `${v}[0].configMap.name: Required value`,
        `${v}[0].configMap.items[0].key: Required value`,
        `${v}[0].configMap.items[0].path: Invalid value: "/x": must be a relative path`,
      ],
    ],
    [
      v,
      [{ name: "a", configMap: { name: "x", items: [{ key: "k", path: "..x" }] } }],
      [`${v}[0].configMap.items[0].path: Invalid value: "..x": must not start with '..'`],
    ],
    [
      v,
      [{ name: "a", persistentVolumeClaim: { claimName: "" } }],
      [`${v}[0].persistentVolumeClaim.claimName: Required value`],
    ],
    [
      v,
      [{ name: "a", nfs: { server: "s", path: "x" } }],
      [`${v}[0].nfs.path: Invalid value: "x": must be an absolute path`],
    ],
    [
      v,
      [{ name: "a", projected: { sources: [{ serviceAccountToken: { path: "", expirationSeconds: 60 } }] } }],
      [
        `${v}[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes`,
        `${v}[0].projected.sources[0].serviceAccountToken.path: Required value`,
      ],
    ],
    [
      v,
      [{ name: "a", downwardAPI: { items: [{ path: "p" }] } }],
      [`${v}[0].downwardAPI[0]: Required value: one of fieldRef and resourceFieldRef is required`],
    ],
    [v, [{ name: "a", ephemeral: {} }], [`${v}[0].ephemeral.volumeClaimTemplate: Required value`]],
    [m, [{ name: "none", mountPath: "/a" }], [`${m}[0].name: Not found: "none"`]],
    [m, [{ name: "", mountPath: "" }], [`${m}[0].name: Required value`, `${m}[0].mountPath: Required value`]],
  ])("%s = %j", (path, value, errors) => {
    expect(errorsWith(path, value)).toEqual(errors);
  });

  test.each<[object[], string[]]>([
    [[{ mountPath: "/a" }, { mountPath: "/a" }], [`${m}[1].mountPath: Invalid value: "/a": must be unique`]],
    [[{ mountPath: "/a", subPath: "../b" }], [`${m}.subPath: Invalid value: "../b": must not contain '..'`]],
    [[{ mountPath: "/a", subPath: "/b" }], [`${m}.subPath: Invalid value: "/b": must be a relative path`]],
    [
      [{ mountPath: "/a", subPath: "b", subPathExpr: "c" }],
      [`${m}[0].subPathExpr: Invalid value: "c": subPathExpr and subPath are mutually exclusive`],
    ],
    [
      [{ mountPath: "/a", mountPropagation: "Bidirectional" }],
      [
        `${m}.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
      ],
    ],
    [
      [{ mountPath: "/a", mountPropagation: "Up" }],
      [
        `${m}.mountPropagation: Unsupported value: "Up": supported values: "Bidirectional", "HostToContainer", "None"`,
      ],
    ],
    [
      [{ mountPath: "/a", recursiveReadOnly: "Enabled" }],
      [`${m}.recursiveReadOnly: Forbidden: may only be specified when readOnly is true`],
    ],
  ])("mounts %j", (mounts, errors) => {
    const input = withPath(podInput, "spec.volumes", [{ name: "v" }]);
    const named = mounts.map((mount) => ({ name: "v", ...mount }));
    expect(errorsOf("core.v1.Pod", withPath(input, m, named))).toEqual(errors);
  });
});

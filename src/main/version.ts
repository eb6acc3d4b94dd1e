/** Versions that the process reports; the API's version is the release that the schemas come from. */
export const version = "0.1.0";

export const apiVersion = { major: "1", minor: "35", gitVersion: "v1.35.0+lares" } as const;

export function printVersion(): void {
  process.stdout.write(
    `lares ${version}\nKubernetes API ${apiVersion.gitVersion}\nNode.js ${process.version}\n`,
  );
}

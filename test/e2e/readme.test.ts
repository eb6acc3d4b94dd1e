/**
 * The README is true: its session is typed line by line into a fresh cluster, and the output is compared with the page.
 * Ages, suffixes and lines of progress differ from run to run and are not compared.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cluster, eventually, kubectls } from "./cluster.ts";

const root = join(import.meta.dirname, "..", "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const [kubectl] = kubectls().slice(-1);

interface Step {
  readonly command: string;
  readonly output: string;
}

/** The commands of the first console block with what they print. */
function steps(): readonly Step[] {
  const block = /```console\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  return block
    .split(/^\$ /m)
    .filter((part) => part !== "")
    .map((part) => ({
      command: part.slice(0, part.indexOf("\n")),
      output: part.slice(part.indexOf("\n") + 1),
    }));
}

function comparable(text: string): readonly string[] {
  return text
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("Waiting for daemon set"))
    .map((line) =>
      line
        .replace(/\b\d+(s|m|m\d+s)(?=\s|$)/g, "AGE")
        .replace(/\s+/g, " ")
        .trim(),
    );
}

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.up({ args: ["-f", join(root, "examples", "node-exporter.yaml")] });
});
afterAll(async () => await cluster.stop());

test("the session of the README", async () => {
  const all = steps();
  expect(all.length).toBeGreaterThanOrEqual(8);
  for (const { command, output } of all) {
    const line = command.replace(/^kubectl /, "").replace("examples/", `${join(root, "examples")}/`);
    await eventually(
      async () => {
        const { stdout, stderr, code } = await cluster.run(kubectl!, line);
        expect(`${stderr}${code}`).toBe("0");
        expect(comparable(stdout), command).toEqual(comparable(output));
        return true;
      },
      command,
      line.startsWith("get") ? 15_000 : 0,
    );
  }
});

test("every option that the README names exists", async () => {
  const named = [
    ...readme.matchAll(/(?:lares|lares\.js) (up|server|fleet)((?: +(?:--?[\w-]+|[\w.|/<>]+))*)/g),
  ];
  expect(named.length).toBeGreaterThanOrEqual(4);
  for (const [, command, rest] of named) {
    const { stdout } = await cluster.lares([command!, "--help"]);
    for (const [option] of rest!.matchAll(/--?[a-z][\w-]*/g))
      expect(stdout, `${command} ${option}`).toContain(option);
  }
});

test("every example is accepted without a warning, except roles, which are not enforced yet", async () => {
  const folder = join(root, "examples");
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
    const { stderr, code } = await cluster.run(kubectl!, `apply -f ${join(folder, file)}`);
    // `apply` to an object that `up` created warns once. Roles are stored with the warning that nothing enforces them.
    const words = stderr.split("\n").filter((line) => !/missing the .* annotation/.test(line));
    const isExpected =
      file === "controller-rbac.yaml"
        ? words.every((line) => line === "" || line.includes("Role"))
        : words.join("") === "";
    expect({ file, code, words, isExpected }).toMatchObject({ code: 0, isExpected: true });
  }
});

test("the administrator's token authenticates like the certificate, and another token does not", async () => {
  const kubeconfig = readFileSync(cluster.kubeconfig, "utf8");
  const server = /server: (\S+)/.exec(kubeconfig)![1]!;
  const token = readFileSync(join(cluster.dataDir, "pki", "admin.token"), "utf8").trim();
  const bare = `get nodes -o name --kubeconfig /dev/null --server ${server} --insecure-skip-tls-verify --token`;
  expect((await cluster.run(kubectl!, `${bare} ${token}`)).stdout).toContain("node/kube-master");
  const { stderr, code } = await cluster.run(kubectl!, `${bare} ${token.replace(/./g, "0")}`);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/logged in to the server|Unauthorized/);
});

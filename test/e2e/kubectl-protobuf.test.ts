/**
 * Commands that kubectl sends as protobuf from 1.32 on: every version must create the same objects, print the same output
 * and get the same errors. The oldest kubectl sends JSON; the results of the others are compared with its results.
 * Not here: what the bytes mean (src/api/kubectl-bodies.test.ts).
 */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster, type Kubectl, kubectls } from "./cluster.ts";

/** Adds the first version that sends protobuf, where the machine has it. */
function withTheFirst(found: readonly Kubectl[]): readonly Kubectl[] {
  const path = found[0]!.path.replace(/\d+\.\d+$/, "1.32");
  const isNew = existsSync(path) && found.every((kubectl) => kubectl.path !== path);
  return isNew ? [...found, { name: "kubectl 1.32", path }] : found;
}

/** Commands in a namespace of their own, and what to get afterwards. */
const made: readonly (readonly [string, string])[] = [
  ["create configmap cm --from-literal=a=b --from-literal=empty=", "configmap cm"],
  ["create configmap file --from-file=name=nginx.yaml", "configmap file"],
  ["create secret generic s --from-literal=user=admin --type=example/x", "secret s"],
  ["create secret docker-registry d --docker-username=a --docker-password=b", "secret d"],
  ["create serviceaccount sa", "serviceaccount sa"],
  ["create quota q --hard=cpu=1,memory=1500M,pods=2 --scopes=BestEffort", "quota q"],
  ["create role r --verb=get,list --resource=pods", "role r"],
  ["create rolebinding rb --clusterrole=view --user=jane --serviceaccount=default:sa", "rolebinding rb"],
  ["create pdb p --selector=app=agent --min-available=1", "pdb p"],
  ["create pdb q --selector=app=agent --max-unavailable=50%", "pdb q"],
  ["create deployment d --image=x:1 --replicas=0 --port=80", "deployment d"],
  ["create job j --image=x:1 -- echo hi", "job j"],
  ["create cronjob c --image=x:1 --schedule '*/1 * * * *'", "cronjob c"],
  ["create service clusterip svc --tcp=80:http", "service svc"],
  ["create ingress i --rule=foo.com/bar*=svc1:8080,tls=my-cert --class=nginx", "ingress i"],
];

/** Commands that must fail. */
const refused: readonly string[] = [
  "create configmap cm",
  "create configmap Bad_Name",
  "create serviceaccount sa -n nowhere",
  "create namespace Bad_Name",
  "create quota Bad_Name --hard=cpu=1",
  "create token default",
  "auth can-i create pods",
];

/** What differs from object to object. */
function comparable(text: string): object {
  const object = JSON.parse(text) as { metadata: Record<string, unknown>; spec?: Record<string, unknown> };
  const { name, labels } = object.metadata;
  const { clusterIP: _ip, clusterIPs: _ips, ...spec } = object.spec ?? {};
  return { ...object, metadata: { name, labels }, spec };
}

let cluster: Cluster;
beforeAll(async () => void (cluster = await Cluster.up()));
afterAll(async () => await cluster?.stop());

/** The results of the first version, by command. */
const first = new Map<string, unknown>();

function expectAsFirst(line: string, outcome: unknown): void {
  if (!first.has(line)) first.set(line, outcome);
  expect(outcome).toEqual(first.get(line));
}

describe.each(withTheFirst(kubectls()))("$name", (kubectl) => {
  const namespace = `team-${kubectl.name.replace(/[^\d]+/g, "-")}`;
  const run = async (line: string): Promise<string> => {
    const { stdout, stderr, code } = await cluster.run(kubectl, line);
    expect(code, `kubectl ${line}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  };

  test("a namespace and objects in it", async () => {
    expect(await run(`create namespace ${namespace}`)).toBe(`namespace/${namespace} created\n`);
    for (const [line, object] of made) {
      expectAsFirst(line, await run(`-n ${namespace} ${line}`));
      expectAsFirst(object, comparable(await run(`-n ${namespace} get ${object} -o json`)));
    }
    const again = await cluster.run(kubectl, `create namespace ${namespace}`);
    expect(again.stderr).toBe(
      `Error from server (AlreadyExists): namespaces "${namespace}" already exists\n`,
    );
    const dry = await run(`-n ${namespace} create configmap dry --dry-run=server -o name`);
    expect(dry).toBe("configmap/dry\n");
    expect((await cluster.run(kubectl, `-n ${namespace} get configmap dry`)).code).toBe(1);
  });

  test("cluster-scoped objects", async () => {
    const name = namespace.replace("team", "pc");
    await run(`create priorityclass ${name} --value=-10 --preemption-policy=Never --description=low`);
    const shown = JSON.parse(await run(`get priorityclass ${name} -o json`)) as object;
    expect(shown).toMatchObject({ value: -10, preemptionPolicy: "Never", description: "low" });
    await run(`create clusterrole ${name} --verb=get --non-resource-url=/logs/*`);
    await run(`create clusterrolebinding ${name} --clusterrole=${name} --group=g`);
    expect(await run(`get clusterrole ${name} -o jsonpath={.rules[0].nonResourceURLs[0]}`)).toBe("/logs/*");
    expect(await run(`get clusterrolebinding ${name} -o jsonpath={.subjects[0].name}`)).toBe("g");
  });

  test.each(refused)("refused: %s", async (line) => {
    const inside = line.includes(" -n ") ? line : `-n ${namespace} ${line}`;
    const { stderr, code } = await cluster.run(kubectl, inside);
    expect(code, stderr).not.toBe(0);
    expectAsFirst(line, stderr);
  });

  test("a node is drained with and without eviction", async () => {
    const spec = { nodeName: "kube-worker1", containers: [{ name: "c", image: "busybox:1" }] };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "alone" }, spec };
    for (const options of ["", " --disable-eviction --grace-period=0"]) {
      await cluster.run(kubectl, "create -f -", JSON.stringify(pod));
      await run(`drain kube-worker1 --ignore-daemonsets --force --timeout=40s${options}`);
      expect((await cluster.run(kubectl, "get pod alone")).code).toBe(1);
      await run("uncordon kube-worker1");
    }
  });

  test("a debug pod on a node", async () => {
    await run("debug node/kube-worker1 --image=busybox:1 --attach=false --profile=general");
    const names = (await run("get pods -o name")).trim().split("\n");
    const debuggers = names.filter((name) => name.startsWith("pod/node-debugger-kube-worker1-"));
    expect(debuggers).toHaveLength(1);
    const host = await run(`get ${debuggers[0]!} -o jsonpath={.spec.volumes[0].hostPath.path}`);
    expect(host).toBe("/");
    await run(`delete ${debuggers[0]!} --grace-period=0 --force`);
  });
});

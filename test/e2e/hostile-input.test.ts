/**
 * Wrong requests of every sort over real HTTPS: each gets upstream's answer, and afterwards the server stands as before.
 * Limits: docs/spec/invariants.md#2.
 * Not here: the rows (hostile/), what breaks below HTTP (hostile-connections.test.ts).
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster, eventually } from "./cluster.ts";
import { contentTypes, methods, paths, versions } from "./hostile/addresses.ts";
import { bodies, prototypes, yamlBodies } from "./hostile/bodies.ts";
import { deletions, patches } from "./hostile/changes.ts";
import { heavy } from "./hostile/heavy.ts";
import { queries } from "./hostile/queries.ts";
import * as rows from "./hostile/rows.ts";
import { Api, type Reply } from "./https.ts";
import { expectUnharmed, residentKb } from "./hostile/unharmed.ts";

function expectAnswer({ status, headers, json, text }: Reply, answer: rows.Answer): void {
  const shown = text.slice(0, 1000);
  expect(status, shown).toBe(answer.code);
  expect(headers["content-type"], shown).toMatch(/^(application\/json|text\/plain)/);
  if (answer.reason === undefined) return;
  const { code, reason } = answer;
  expect(json, shown).toMatchObject({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason });
  if (answer.message instanceof RegExp) expect(json.message).toMatch(answer.message);
  else if (answer.message !== undefined) expect(json.message).toBe(answer.message);
}

let cluster: Cluster;
let api: Api;
let canary: string;
let daemonSets: string;
let startKb: number;

beforeAll(async () => {
  cluster = await Cluster.up();
  api = new Api(cluster.kubeconfig);
  const metadata = { name: "canary", labels: { a: "b" }, annotations: { c: "d" } };
  await api.must("POST", rows.daemonsetsPath, { body: rows.daemonSet("canary", { metadata }) });
  const spec = { nodeName: "kube-worker1", containers: [{ name: "main", image: "a" }] };
  await api.must("POST", "/api/v1/namespaces/default/pods", { body: { metadata: { name: "victim" }, spec } });
  await eventually(async () => {
    const { status } = await api.must("GET", rows.canaryPath);
    const victim = await api.must("GET", rows.victimPath);
    return (status.numberAvailable === 2 && victim.status.phase === "Running") || undefined;
  }, "the canary to settle");
  canary = (await api.ask("GET", rows.canaryPath)).text;
  daemonSets = (await api.ask("GET", "/apis/apps/v1/daemonsets")).text;
  startKb = residentKb(cluster.pid);
});

afterAll(async () => {
  api?.close();
  await cluster?.stop();
});

const groups: readonly (readonly [string, readonly rows.Row[]])[] = [
  ["bodies", bodies],
  ["YAML", yamlBodies],
  ["prototypes", prototypes],
  ["paths", paths],
  ["methods", methods],
  ["media types", contentTypes],
  ["resource versions", versions],
  ["query parameters", queries],
  ["patches", patches],
  ["deletions", deletions],
];

describe.each(groups)("%s", (_, table) => {
  // In parallel: answers about future revisions take three seconds each.
  test.concurrent.each(table)("$name: $method $path", async ({ method, path, sent, answer }) => {
    expectAnswer(await api.ask(method, path, sent ?? {}), answer);
  });
});

describe("time linear in the size of the request", () => {
  /** Milliseconds that one body may delay all others on a busy machine; quadratic work takes minutes. */
  const heavyMsMax = 10_000;
  /** Characters of an answer. One that lists every error is larger than the request, but not many times. */
  const replyCharactersMax = 8 * rows.megabyte;

  test.each(heavy)("$name", async ({ method, path, sent, answer }) => {
    const startMs = performance.now();
    const reply = await api.ask(method, path, sent ?? {});
    const tookMs = performance.now() - startMs;
    expectAnswer(reply, answer);
    expect(reply.text.length).toBeLessThan(replyCharactersMax);
    expect(tookMs).toBeLessThan(heavyMsMax);
  });
});

describe("unharmed by the table", () => {
  test("only the named objects are deleted or changed", async () => {
    expect((await api.ask("GET", rows.canaryPath)).text).toBe(canary);
    expect(JSON.parse((await api.ask("GET", "/apis/apps/v1/daemonsets")).text).items).toEqual(
      JSON.parse(daemonSets).items,
    );
    expect((await api.must("GET", rows.victimPath)).metadata.deletionTimestamp).toBeUndefined();
    expect((await api.must("GET", "/api/v1/namespaces/default/configmaps")).items).toHaveLength(1);
  });

  test("keys of prototypes are ordinary keys where they are allowed", async () => {
    const body =
      '{"metadata":{"name":"keys","labels":{"constructor":"x","toString":"y"}},"data":{"__proto__":"1","constructor":"2"}}';
    await api.must("POST", "/api/v1/namespaces/default/configmaps", { body });
    const { text } = await api.ask("GET", "/api/v1/namespaces/default/configmaps/keys");
    expect(text).toContain('"data":{"__proto__":"1","constructor":"2"}');
    expect(text).toContain('"labels":{"constructor":"x","toString":"y"}');
    const found = await api.must(
      "GET",
      "/api/v1/namespaces/default/configmaps?labelSelector=constructor%3Dx",
    );
    expect(found.items).toHaveLength(1);
    expect(
      (await api.must("GET", "/api/v1/namespaces/default/configmaps?labelSelector=valueOf")).items,
    ).toEqual([]);
  });

  test("the server runs on in bounded memory, without an error in its log", async () => {
    await expectUnharmed(cluster, api, startKb);
    const body = rows.daemonSet("after");
    await api.must("POST", rows.daemonsetsPath, { body });
    await eventually(async () => {
      const { status } = await api.must("GET", `${rows.daemonsetsPath}/after`);
      return status.numberAvailable === 2 || undefined;
    }, "a DaemonSet to settle after all this");
  });
});

/**
 * `lares controller` against a server that is not its own, over real HTTPS: through a network that cuts, delays,
 * swallows and truncates; beside other controllers; with the rights and the options of docs/any-cluster.md.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually, kubectls } from "./cluster.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { ForeignCluster, type LaresProcess, PodCensus } from "./foreign.ts";

const nodes = ["n1", "n2", "n3", "n4", "n5", "n6"];
/** A Lease of 15 s, at most 2.2 times 2 s until a candidate tries again, and a little for the machine; in ms. */
const takeOverMs = 15_000 + 4_400 + 2_000;
/** Pings find a dead connection within 30 s, a call under way ends after 65 s, then come lists and the work; in ms. */
const silentRecoveryMs = 90_000;

let cluster: ForeignCluster;
let census: PodCensus;

/** A cluster for the tests of the surrounding `describe`, and a census over all of them. */
function clusterOf(options: Parameters<typeof ForeignCluster.open>[0]): void {
  beforeAll(async () => {
    cluster = await ForeignCluster.open(options);
    census = new PodCensus(cluster.api);
  });
  afterAll(async () => {
    await census.end();
    await cluster.close();
  });
}

async function labelAll(): Promise<void> {
  for (const node of nodes) await cluster.label(node, "yes");
}

describe("behind a bad network", () => {
  clusterOf({ nodes: nodes.length });
  let proxy: FaultProxy;
  let running: LaresProcess;
  beforeAll(async () => {
    proxy = await FaultProxy.open(cluster.api.url);
    // Without a Lease there is one term, so its informers have to survive every fault.
    const args = ["--no-leader-elect", "--metrics-port", "0", "--log-level", "debug"];
    running = cluster.controller(args, proxy.port);
  });
  afterAll(async () => {
    await running.end();
    await proxy.close();
  });
  afterEach(() => {
    expect(census.most, census.worst).toBeLessThanOrEqual(1);
    expect(running.hasEnded, running.output).toBe(false);
  });

  test("a DaemonSet is created and follows labels", async () => {
    await labelAll();
    await cluster.createDaemonSet("agent");
    await cluster.settled("agent", { nodes, image: "i:1" });
    await cluster.label("n1", "no");
    await cluster.settled("agent", { nodes: nodes.slice(1), image: "i:1" });
    await cluster.label("n1", "yes");
    await cluster.settled("agent", { nodes, image: "i:1" });
  });

  test("a roll-out goes on when its connections are reset again and again", async () => {
    await cluster.setImage("agent", "i:2");
    for (let i = 0; i < 8; i++) {
      proxy.cut();
      await eventually(() => proxy.connections > 0 || undefined, "a new connection");
    }
    await cluster.settled("agent", { nodes, image: "i:2" });
  });

  test("replies that stop in the middle are discarded", async () => {
    await cluster.setImage("agent", "i:3");
    proxy.truncate(6);
    await cluster.label("n2", "no");
    await cluster.settled("agent", { nodes: nodes.filter((node) => node !== "n2"), image: "i:3" });
    await cluster.label("n2", "yes");
    await cluster.settled("agent", { nodes, image: "i:3" });
    proxy.heal();
  });

  test("late replies slow it down and change nothing else", async () => {
    proxy.delay(250);
    await cluster.setImage("agent", "i:4");
    await cluster.settled("agent", { nodes, image: "i:4" });
    proxy.heal();
  });

  test("after a kill and a restart of the server the work continues", async () => {
    await cluster.setImage("agent", "i:5");
    await cluster.killServer();
    await cluster.startServer();
    await cluster.settled("agent", { nodes, image: "i:5" });
  });

  test("connections that die silently are found", async () => {
    proxy.blackHole();
    await cluster.label("n6", "no");
    await cluster.setImage("agent", "i:6");
    proxy.heal();
    await cluster.settled("agent", { nodes: nodes.slice(0, 5), image: "i:6" }, silentRecoveryMs);
    expect(running.output).toContain("no answer to a ping");
  });

  test("metrics show what happened", async () => {
    const [url] = await running.says(/http:\/\/127\.0\.0\.1:\d+\/metrics/);
    const text = await (await fetch(url)).text();
    const labels = 'namespace="default",daemonset="agent"';
    for (const line of [
      `lares_daemonset_desired_nodes{${labels}} 5`,
      `lares_daemonset_available_nodes{${labels}} 5`,
      `lares_daemonset_rollout_progress_ratio{${labels}} 1`,
      `lares_daemonset_rollout_age_seconds{${labels}} 0`,
    ])
      expect(text).toContain(`${line}\n`);
    expect(text).toMatch(/^rest_client_requests_total\{method="POST",code="201"\} [1-9]/m);
    expect(text).toMatch(/^rest_client_requests_total\{method="[A-Z]+",code="<error>"\} [1-9]/m);
    expect((await fetch(url.replace("/metrics", "/healthz"))).status).toBe(200);
  });
});

describe("two controllers", () => {
  clusterOf({ nodes: nodes.length, fleet: ["--stop-seconds", "1", "--start-seconds", "1"] });
  let proxy: FaultProxy;
  let running: LaresProcess[] = [];
  const start = (port?: number): LaresProcess => {
    const made = cluster.controller([], port);
    running.push(made);
    return made;
  };
  const leads = (made: LaresProcess): Promise<unknown> => made.says(/became leader/, takeOverMs);
  beforeAll(async () => {
    proxy = await FaultProxy.open(cluster.api.url);
    await labelAll();
    const updateStrategy = { rollingUpdate: { maxUnavailable: 2 } };
    await cluster.createDaemonSet("agent", { spec: { updateStrategy } });
  });
  afterEach(async () => {
    for (const made of running) made.child.kill("SIGCONT");
    await Promise.all(running.map((made) => made.end()));
    running = [];
    expect(census.most, census.worst).toBeLessThanOrEqual(1);
  });
  afterAll(() => proxy.close());

  /** Resolves in the middle: some pods are new and some are not. */
  async function rollOut(image: string): Promise<void> {
    await cluster.setImage("agent", image);
    await eventually(
      async () => ((await cluster.images("agent")).includes(image) ? true : undefined),
      "a new pod",
    );
    expect(new Set(await cluster.images("agent")).size).toBe(2);
  }

  /** The first acts, the second waits. */
  async function pair(
    port?: number,
  ): Promise<{ readonly first: LaresProcess; readonly second: LaresProcess }> {
    const first = start(port);
    await leads(first);
    const second = start();
    await second.says(/new leader/);
    return { first, second };
  }

  test("only one acts; when it is killed in a roll-out, the other takes over within the Lease's time", async () => {
    const { first, second } = await pair();
    await cluster.settled("agent", { nodes, image: "i:1" });
    await rollOut("i:2");
    expect(second.output).not.toContain("became leader");
    const before = await cluster.leader();
    await first.end("SIGKILL");
    await leads(second);
    expect(await cluster.leader()).not.toBe(before);
    await cluster.settled("agent", { nodes, image: "i:2" });
  });

  test("a stop hands over at once", async () => {
    const { first, second } = await pair();
    expect(await first.end("SIGTERM")).toBe(0);
    await second.says(/became leader/, 6_500);
  });

  test("a leader whose connections die silently stops before the other acts", async () => {
    const { first, second } = await pair(proxy.port);
    await cluster.settled("agent", { nodes, image: "i:2" });
    await rollOut("i:3");
    proxy.blackHole();
    await first.says(/leadership lost/, 12_000);
    expect(second.output).not.toContain("became leader");
    await leads(second);
    proxy.heal();
    await cluster.settled("agent", { nodes, image: "i:3" });
    expect(first.hasEnded).toBe(false);
  });

  test("a leader whose process was stopped for a while does not continue its term", async () => {
    const { first, second } = await pair();
    await cluster.settled("agent", { nodes, image: "i:3" });
    await rollOut("i:4");
    first.child.kill("SIGSTOP");
    await leads(second);
    const leader = await cluster.leader();
    first.child.kill("SIGCONT");
    await first.says(/leadership lost/);
    await cluster.settled("agent", { nodes, image: "i:4" });
    expect(await cluster.leader()).toBe(leader);
  });
});

describe("beside another DaemonSet controller", () => {
  clusterOf({ nodes: 3, server: [] });

  test("it stops when it finds the other by its pods, and refuses to start when there is a DaemonSet to find it by", async () => {
    const unaware = cluster.controller(["--no-leader-elect"]);
    await unaware.says(/no DaemonSet to find another controller by/);
    for (const node of ["n1", "n2", "n3"]) await cluster.label(node, "yes");
    await cluster.createDaemonSet("agent");
    await unaware.says(/lares: stopped: somebody else creates pods for daemonset default\/agent/);
    expect(await unaware.ended()).toBe(1);

    const aware = cluster.controller();
    expect(await aware.ended()).toBe(1);
    expect(aware.output).toMatch(
      /lares: another DaemonSet controller is active on this cluster: somebody restored the status of daemonset default\/agent within \d+ ms\n.*--controllers=\*,-daemonset-controller.*--force\n/,
    );
    expect(await cluster.leader()).toBeUndefined();
    await cluster.settled("agent", { nodes: ["n1", "n2", "n3"], image: "i:1" });
  });

  test("it starts with --force", async () => {
    const forced = cluster.controller(["--force"]);
    await forced.says(/became leader/);
    await cluster.setImage("agent", "i:2");
    await cluster.settled("agent", { nodes: ["n1", "n2", "n3"], image: "i:2" });
    expect(await forced.end()).toBe(0);
  });
});

describe("in namespaces of its own", () => {
  clusterOf({ nodes: 2 });

  test("kubectl accepts the manifest of rights, and other namespaces are left alone", async () => {
    const manifest = join(import.meta.dirname, "..", "..", "examples", "controller-rbac.yaml");
    const kubectl = kubectls()[0]!.path;
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
    const said = execFileSync(kubectl, ["apply", "-f", manifest], { env, encoding: "utf8" });
    expect(said).toContain("clusterrole.rbac.authorization.k8s.io/lares-daemonset-controller created");
    await cluster.api.must("POST", "/api/v1/namespaces", { body: { metadata: { name: "other" } } });
    for (const node of ["n1", "n2"]) await cluster.label(node, "yes");
    await cluster.createDaemonSet("there", { namespace: "other" });
    await cluster.createDaemonSet("here");
    const running = cluster.controller(["--namespaces", "default,kube-system", "--placement", "nodename"]);
    await cluster.settled("here", { nodes: ["n1", "n2"], image: "i:1" });
    const { items } = await cluster.api.must("GET", "/api/v1/namespaces/other/pods");
    expect(items).toEqual([]);
    expect(await running.end()).toBe(0);
    expect(running.output).not.toContain("reflector failed");
  });
});

test("a kubeconfig that does not exist, and a taken port, are errors of two lines", async () => {
  const cluster_ = await ForeignCluster.open({ nodes: 0 });
  try {
    const nowhere = cluster_.start(["controller", "--kubeconfig", join(cluster_.dir, "none")]);
    expect(await nowhere.ended()).toBe(1);
    expect(nowhere.output).toMatch(
      /^lares: kubeconfig .* cannot be read: .*\n +name a kubeconfig with --kubeconfig/m,
    );
    const port = cluster_.api.url.port;
    const taken = cluster_.controller(["--metrics-port", port]);
    expect(await taken.ended()).toBe(1);
    expect(taken.output).toContain(`lares: port ${port} on 127.0.0.1 cannot be had: EADDRINUSE`);
  } finally {
    await cluster_.close();
  }
});

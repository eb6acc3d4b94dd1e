/**
 * A cluster of several processes: a server that may run without its own DaemonSet controller, a fleet, and `lares controller`
 * processes. For tests under test/e2e only.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./cluster.ts";
import { Api, type WatchEvent } from "./https.ts";

const root = join(import.meta.dirname, "..", "..");

/** One `lares` process. */
export class LaresProcess {
  readonly child: ChildProcess;
  output = "";

  private constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [join(root, "bin", "lares.js"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const collect = (chunk: Buffer): void => void (this.output += chunk.toString());
    this.child.stdout!.on("data", collect);
    this.child.stderr!.on("data", collect);
  }

  static start(args: readonly string[]): LaresProcess {
    return new LaresProcess(args);
  }

  /** Resolves when the output matches. @throws when the process ends first. */
  async says(pattern: RegExp, ms?: number): Promise<RegExpExecArray> {
    return eventually(
      () => {
        const match = pattern.exec(this.output);
        if (match === null && this.hasEnded)
          throw new Error(`ended with ${this.child.exitCode}:\n${this.output}`);
        return match ?? undefined;
      },
      `${pattern} in\n${this.output}`,
      ms,
    );
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Waits for the end. @returns the exit code, null when a signal ended it. */
  async ended(): Promise<number | null> {
    if (!this.hasEnded) await new Promise((resolve) => this.child.once("exit", resolve));
    return this.child.exitCode;
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (!this.hasEnded) this.child.kill(signal);
    return this.ended();
  }
}

/** The most pods of one DaemonSet that a node had at once, by a watch of its own. */
export class PodCensus {
  most = 0;
  /** The pods at the moment when `most` grew. */
  worst = "";
  readonly #pods = new Map<string, string>();
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;

  constructor(api: Api) {
    this.#run = this.#watch(api);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }

  async #watch(api: Api): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#pods.clear();
      await api
        .watch("/api/v1/pods?watch=true&resourceVersion=0", (event) => this.#count(event), this.#stop.signal)
        .catch(() => {});
    }
  }

  #count({ type, object: { metadata, spec, status } }: WatchEvent): void {
    const isOver = type === "DELETED" || metadata?.deletionTimestamp !== undefined;
    const isFinished = status?.phase === "Failed" || status?.phase === "Succeeded";
    if (isOver || isFinished) {
      this.#pods.delete(metadata.uid);
      return;
    }
    const owner = metadata?.ownerReferences?.find(
      ({ controller }: { controller?: boolean }) => controller === true,
    );
    if (owner?.kind !== "DaemonSet") return;
    const terms =
      spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    const node = spec.nodeName ?? terms?.[0]?.matchFields?.[0]?.values?.[0];
    this.#pods.set(metadata.uid, `${owner.uid} ${node}`);
    const places = [...this.#pods.values()].filter((place) => place === `${owner.uid} ${node}`).length;
    if (places <= this.most) return;
    this.most = places;
    this.worst = `${places} pods of ${owner.name} on ${node}, the last one ${metadata.name}`;
  }
}

export class ForeignCluster {
  readonly dir: string = mkdtempSync(join(tmpdir(), "lares-foreign-"));
  readonly #processes: LaresProcess[] = [];
  readonly #serverArgs: readonly string[];
  #server!: LaresProcess;
  #fleet: LaresProcess | undefined;
  api!: Api;
  #port = 0;

  private constructor(serverArgs: readonly string[]) {
    this.#serverArgs = serverArgs;
  }

  get kubeconfig(): string {
    return join(this.dir, "server", "kubeconfig");
  }

  /** A server with these arguments, and a fleet of nodes `n1`, `n2`, … with short times by default. */
  static async open(options: {
    readonly server?: readonly string[];
    readonly nodes: number;
    readonly fleet?: readonly string[];
  }): Promise<ForeignCluster> {
    const cluster = new ForeignCluster(options.server ?? ["--controllers", "*,-daemonset-controller"]);
    try {
      await cluster.startServer();
      const { nodes, fleet = ["--pull-seconds", "0.05", "--start-seconds", "0.2", "--stop-seconds", "0.2"] } =
        options;
      const args = [
        "fleet",
        "--nodes",
        String(nodes),
        "--prefix",
        "n",
        "--kubeconfig",
        cluster.kubeconfig,
        ...fleet,
      ];
      cluster.#fleet = cluster.start(args);
      await eventually(async () => {
        const { items } = await cluster.api.must("GET", "/api/v1/nodes");
        return items.length === nodes ? true : undefined;
      }, "the nodes");
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** Starts on the port of the last start, if there was one. */
  async startServer(): Promise<void> {
    const data = join(this.dir, "server");
    const args = ["server", "--port", String(this.#port), "--data-dir", data, ...this.#serverArgs];
    this.#server = this.start(args);
    await this.#server.says(/export KUBECONFIG/);
    this.api?.close();
    this.api = new Api(this.kubeconfig);
    this.#port = Number(this.api.url.port);
  }

  killServer(): Promise<unknown> {
    return this.#server.end("SIGKILL");
  }

  start(args: readonly string[]): LaresProcess {
    const started = LaresProcess.start(args);
    this.#processes.push(started);
    return started;
  }

  /** @param port of a proxy to go through. */
  controller(args: readonly string[] = [], port?: number): LaresProcess {
    return this.start(["controller", "--kubeconfig", this.#kubeconfigFor(port), ...args]);
  }

  #kubeconfigFor(port: number | undefined): string {
    if (port === undefined) return this.kubeconfig;
    const text = readFileSync(this.kubeconfig, "utf8");
    const path = join(this.dir, `kubeconfig-${port}`);
    writeFileSync(path, text.replace(`:${this.api.url.port}`, `:${port}`));
    return path;
  }

  async createDaemonSet(
    name: string,
    change: { readonly namespace?: string; readonly spec?: object } = {},
  ): Promise<void> {
    const { namespace = "default", spec = {} } = change;
    const template = {
      metadata: { labels: { app: name } },
      spec: {
        nodeSelector: { agent: "yes" },
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "c", image: "i:1" }],
      },
    };
    const body = {
      metadata: { name },
      spec: { selector: { matchLabels: { app: name } }, template, ...spec },
    };
    await this.api.must("POST", `/apis/apps/v1/namespaces/${namespace}/daemonsets`, { body });
  }

  async setImage(name: string, image: string): Promise<void> {
    const body = { spec: { template: { spec: { containers: [{ name: "c", image }] } } } };
    await this.#patch(`/apis/apps/v1/namespaces/default/daemonsets/${name}`, body);
  }

  async label(node: string, value: string | null): Promise<void> {
    await this.#patch(`/api/v1/nodes/${node}`, { metadata: { labels: { agent: value } } });
  }

  #patch(path: string, body: object): Promise<unknown> {
    const headers = { "content-type": "application/strategic-merge-patch+json" };
    return this.api.must("PATCH", path, { headers, body: JSON.stringify(body) });
  }

  /** Waits until the pods that are not terminating are on these nodes, available, with this image, and the status agrees. */
  async settled(
    name: string,
    want: { readonly nodes: readonly string[]; readonly image: string },
    ms?: number,
  ): Promise<void> {
    let last = "";
    await eventually(
      async () => {
        const { items } = await this.api.must(
          "GET",
          `/api/v1/namespaces/default/pods?labelSelector=app%3D${name}`,
        );
        // oxlint-disable-next-line typescript/no-explicit-any -- issue 3: objects as they come over the wire.
        const pods = (items as any[]).map(
          ({ metadata, spec }) =>
            `${spec.nodeName} ${spec.containers[0].image} ${metadata.deletionTimestamp ? "going" : ""}`,
        );
        const { status, metadata } = await this.api.must(
          "GET",
          `/apis/apps/v1/namespaces/default/daemonsets/${name}`,
        );
        const count = want.nodes.length;
        last = JSON.stringify({ pods: pods.sort(), status, generation: metadata.generation });
        const hasPods =
          pods.join() ===
          want.nodes
            .map((node) => `${node} ${want.image} `)
            .sort()
            .join();
        const isSaid =
          status?.observedGeneration === metadata.generation &&
          status.desiredNumberScheduled === count &&
          (status.updatedNumberScheduled ?? 0) === count &&
          (status.numberAvailable ?? 0) === count;
        return hasPods && isSaid ? true : undefined;
      },
      "the DaemonSet to settle",
      ms,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${last}`);
    });
  }

  /** Images of all its pods. */
  async images(name: string): Promise<readonly string[]> {
    const { items } = await this.api.must(
      "GET",
      `/api/v1/namespaces/default/pods?labelSelector=app%3D${name}`,
    );
    // oxlint-disable-next-line typescript/no-explicit-any -- issue 3: objects as they come over the wire.
    return (items as any[]).map(({ spec }) => spec.containers[0].image as string);
  }

  async leader(): Promise<string | undefined> {
    const path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/lares-daemonset-controller";
    const { json, status } = await this.api.ask("GET", path);
    return status === 200 ? (json.spec.holderIdentity as string) || undefined : undefined;
  }

  async close(): Promise<void> {
    for (const started of this.#processes) started.child.kill("SIGCONT");
    const last = [this.#server, this.#fleet];
    await Promise.all(
      this.#processes.filter((started) => !last.includes(started)).map((started) => started.end()),
    );
    for (const started of [this.#fleet, this.#server]) await started?.end();
    this.api?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

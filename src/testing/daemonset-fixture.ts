/**
 * A DaemonSet controller whose syncs a test starts one by one, against the real API server over loopback. There are no
 * agents and no scheduler, so the test itself changes pods. Counts the creates and deletes of each sync.
 * Upstream's unit fixture, with a real server in place of its fake pod control.
 */
import { setMaxListeners } from "node:events";
import {
  type ControllerRevision,
  controllerrevisions,
  type DaemonSet,
  daemonsets,
  type DaemonSetSpec,
  type DaemonSetUpdateStrategy,
  type Node,
  nodes,
  type Pod,
  pods,
  type PodSpec,
  type Taint,
} from "../api/index.ts";
import {
  createDaemonSetController,
  type DaemonSetController,
  type DaemonSetControllerOptions,
} from "../controllers/daemonset/index.ts";
import { type Client, createInformerFactory, type InformerFactory, type Workqueue } from "../client/index.ts";
import { createWorkqueue } from "../client/work/rate-limited-queue.ts";
import { controllerOf, expired, formatTime, type KubeObject, type Resource } from "../machinery/index.ts";
import { makeNode } from "./cluster-objects.ts";
import { TestCluster } from "./cluster.ts";

export const podLabels: Readonly<Record<string, string>> = { name: "simple-daemon", type: "production" };
export const mismatchedLabels: Readonly<Record<string, string>> = { name: "simple-daemon", type: "test" };
export const blue: Readonly<Record<string, string>> = { color: "blue", speed: "fast" };
export const onDelete: DaemonSetUpdateStrategy = { type: "OnDelete" };

export function rollingUpdate(
  maxUnavailable: number | string,
  maxSurge: number | string = 0,
): DaemonSetUpdateStrategy {
  return { type: "RollingUpdate", rollingUpdate: { maxUnavailable, maxSurge } };
}

/** After a watch has ended, its informer lists again within this time, in ms. */
const relistWaitMs = 10_000;

export interface DaemonSetChange {
  readonly spec?: Partial<DaemonSetSpec>;
  readonly podSpec?: Partial<PodSpec>;
}

export interface PodChange {
  readonly hash?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly isOrphan?: boolean;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly readySinceMs?: number;
  readonly isUnbound?: boolean;
  readonly grace?: number;
}

type CallVerb = "get" | "create" | "update" | "patch" | "delete";

/** What a test may change between the controller and the server. The client itself is the real one. */
interface ClientHooks {
  losesAnswer(verb: CallVerb, resource: string): boolean;
  fault(verb: CallVerb, resource: string, body: unknown): unknown;
  admit(resource: string, object: KubeObject): KubeObject;
  see(via: "get" | "watch", object: KubeObject): KubeObject;
  deliver(resource: string, send: () => void): void;
  opened(resource: string, end: (error: Error) => void): void;
}

function hookedClient(client: Client, hooks: ClientHooks): Client {
  const guard = <T>(
    verb: CallVerb,
    on: { readonly resource: Resource; readonly body?: unknown },
    call: () => Promise<T>,
  ): Promise<T> => {
    const error = hooks.fault(verb, on.resource.resource, on.body);
    if (error !== undefined) return Promise.reject(error as Error);
    return hooks.losesAnswer(verb, on.resource.resource)
      ? call().then(() => Promise.reject(new Error("socket hang up")))
      : call();
  };
  return {
    get: (resource, address, options) =>
      guard(
        "get",
        { resource },
        async () => hooks.see("get", await client.get(resource, address, options)) as never,
      ),
    list: (resource, options) => client.list(resource, options),
    discover: (options) => client.discover(options),
    watch: (resource, options, sink) => {
      let hasEnded = false;
      const end: typeof sink.end = (error) => {
        if (!hasEnded) sink.end(error);
        hasEnded = true;
      };
      hooks.opened(resource.resource, end);
      return client.watch(resource, options, {
        events: (batch) => {
          if (hasEnded) return;
          const seen = batch.map((event) => ({
            ...event,
            object: hooks.see("watch", event.object) as never,
          }));
          hooks.deliver(resource.resource, () => sink.events(seen));
        },
        end,
      });
    },
    createSubresource: (resource, address, body, options) =>
      client.createSubresource(resource, address, body, options),
    create: (resource, object, options) =>
      guard("create", { resource, body: object }, () =>
        client.create(resource, hooks.admit(resource.resource, object) as typeof object, options),
      ),
    update: (resource, object, options) =>
      guard("update", { resource, body: object }, () => client.update(resource, object, options)),
    patch: (resource, address, patch, options) =>
      guard("patch", { resource, body: patch.body }, () => client.patch(resource, address, patch, options)),
    delete: (resource, address, options) =>
      guard("delete", { resource }, () => client.delete(resource, address, options)),
  };
}

export class DaemonSetFixture {
  readonly cluster: TestCluster;
  readonly controller: DaemonSetController;
  readonly #enqueued = new Set<string>();
  #podNumber = 0;

  /** Called before each of the controller's calls. An error that it returns is thrown in place of the call. */
  fault: ClientHooks["fault"] = () => undefined;
  /** True for calls that the server carries out and whose replies are lost. */
  losesAnswer: ClientHooks["losesAnswer"] = () => false;
  /** Changes what the controller creates before it is stored, as an admission webhook would. */
  admit: ClientHooks["admit"] = (_resource, object) => object;
  /** Changes the objects that the controller reads. */
  see: ClientHooks["see"] = (_via, object) => object;
  readonly #held = new Map<string, (() => void)[]>();
  /** By resource: ends its watches, also those that have ended already. */
  readonly #watches = new Map<string, ((error: Error) => void)[]>();
  readonly #stop = new AbortController();
  readonly #informers: InformerFactory;

  private constructor(cluster: TestCluster, options: Partial<DaemonSetControllerOptions>) {
    this.cluster = cluster;
    const dependencies = cluster.dependencies("daemonset-controller");
    const client = hookedClient(cluster.client, {
      fault: (verb, resource, body) => this.fault(verb, resource, body),
      losesAnswer: (verb, resource) => this.losesAnswer(verb, resource),
      admit: (resource, object) => this.admit(resource, object),
      see: (via, object) => this.see(via, object),
      deliver: (resource, send) => {
        const waiting = this.#held.get(resource);
        if (waiting === undefined) send();
        else waiting.push(send);
      },
      opened: (resource, end) =>
        void this.#watches.set(resource, [...(this.#watches.get(resource) ?? []), end]),
    });
    const { clock, random, log } = dependencies;
    this.#informers = createInformerFactory(client, { clock, random, log, freeze: true });
    const queue = createWorkqueue({ ...dependencies, name: "daemonset" });
    const add = (key: string): void => {
      this.#enqueued.add(key);
      queue.add(key);
    };
    const watched: Workqueue = {
      add,
      addAfter: (key, delayMs) => queue.addAfter(key, delayMs),
      addRateLimited: (key) => queue.addRateLimited(key),
      forget: (key) => queue.forget(key),
      retries: (key) => queue.retries(key),
      get length() {
        return queue.length;
      },
      run: (run) => queue.run(run),
    };
    this.controller = createDaemonSetController(
      { placement: "scheduler", ...options },
      { ...dependencies, client, informers: this.#informers, queue: watched },
    );
  }

  static async open(options: Partial<DaemonSetControllerOptions> = {}): Promise<DaemonSetFixture> {
    const cluster = await new TestCluster().open();
    const fixture = new DaemonSetFixture(cluster, options);
    setMaxListeners(0, fixture.#stop.signal);
    fixture.#informers.start(fixture.#stop.signal);
    await fixture.settle();
    return fixture;
  }

  /** Keys that events have enqueued since the last call, sorted. */
  enqueued(): string[] {
    const keys = [...this.#enqueued].sort();
    this.#enqueued.clear();
    return keys;
  }

  async addNodes(
    count: number,
    change: {
      readonly first?: number;
      readonly labels?: Record<string, string>;
      readonly taints?: readonly Taint[];
      readonly status?: Partial<NonNullable<Node["status"]>>;
    } = {},
  ): Promise<void> {
    const { first = 0, labels = {}, taints, status = {} } = change;
    for (let i = first; i < first + count; i++) {
      const { metadata, ...rest } = makeNode(`node-${i}`, {
        labels,
        spec: taints === undefined ? {} : { taints },
        status,
      });
      await this.cluster.client.create(nodes, {
        ...rest,
        metadata: { name: metadata.name!, labels: metadata.labels! },
      });
    }
    await this.settle();
  }

  async editNode(name: string, edit: (node: Node) => Node): Promise<void> {
    await this.cluster.client.update(nodes, edit(await this.cluster.client.get(nodes, { name })));
    await this.settle();
  }

  async addDaemonSet(change: DaemonSetChange = {}, name = "foo"): Promise<DaemonSet> {
    const daemonSet: DaemonSet = {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name, namespace: "default" },
      spec: {
        selector: { matchLabels: podLabels },
        template: {
          metadata: { labels: podLabels },
          spec: {
            containers: [{ name: "main", image: "foo/bar" }],
            terminationGracePeriodSeconds: 0,
            ...change.podSpec,
          },
        },
        updateStrategy: rollingUpdate(1),
        ...change.spec,
      },
    };
    const created = await this.cluster.client.create(daemonsets, daemonSet);
    await this.settle();
    return created;
  }

  get(name = "foo"): Promise<DaemonSet> {
    return this.cluster.client.get(daemonsets, { namespace: "default", name });
  }

  async edit(edit: (spec: DaemonSetSpec) => DaemonSetSpec): Promise<void> {
    const daemonSet = await this.get();
    await this.cluster.client.update(daemonsets, { ...daemonSet, spec: edit(daemonSet.spec) });
    await this.settle();
  }

  /** A template change. */
  setImage(image: string, more: Partial<PodSpec> = {}): Promise<void> {
    return this.edit((spec) => {
      const podSpec = {
        ...spec.template.spec!,
        containers: [{ ...spec.template.spec!.containers[0]!, image }],
        ...more,
      };
      return { ...spec, template: { ...spec.template, spec: podSpec } };
    });
  }

  /** One sync. @returns `creates/deletes` as sent to the server. */
  async sync(name = "foo"): Promise<string> {
    const from = this.cluster.calls.length;
    await this.controller.reconcile(`default/${name}`);
    await this.settle();
    const calls = this.cluster.calls.slice(from);
    const creates = calls.filter((call) => call === "POST /api/v1/namespaces/default/pods").length;
    const deletes = calls.filter((call) => call.startsWith("DELETE /api/v1/namespaces/default/pods/")).length;
    return `${creates}/${deletes}`;
  }

  /** Writes that the syncs of `body` sent, events aside. */
  async writes(body: () => Promise<unknown>): Promise<string[]> {
    const from = this.cluster.calls.length;
    await body();
    return this.cluster.calls
      .slice(from)
      .filter((call) => !call.startsWith("GET") && !call.endsWith("/events"));
  }

  async pods(): Promise<readonly Pod[]> {
    return (await this.cluster.client.list(pods, { namespace: "default" })).items;
  }

  async revisions(): Promise<readonly ControllerRevision[]> {
    const { items } = await this.cluster.client.list(controllerrevisions, { namespace: "default" });
    return [...items].sort((a, b) => a.revision - b.revision);
  }

  /** Marks pods that are not ready yet as running and ready since now. */
  async markReady(which: (pod: Pod) => boolean = () => true): Promise<void> {
    for (const pod of await this.pods()) {
      const isReady = pod.status?.conditions?.some(
        ({ type, status }) => type === "Ready" && status === "True",
      );
      if (isReady !== true && which(pod)) await this.setStatus(pod, { ready: true });
    }
    await this.settle();
  }

  async setStatus(
    pod: Pod,
    change: { readonly ready?: boolean; readonly readySinceMs?: number; readonly phase?: string },
  ): Promise<void> {
    const since = formatTime(change.readySinceMs ?? this.cluster.clock.nowMs());
    const body = {
      status: {
        phase: change.phase ?? "Running",
        startTime: pod.status?.startTime ?? since,
        conditions: [
          { type: "Ready", status: change.ready === true ? "True" : "False", lastTransitionTime: since },
        ],
      },
    };
    const address = { namespace: "default", name: pod.metadata.name!, subresource: "status" };
    await this.cluster.client.patch(pods, address, { type: "merge", body });
    await this.settle();
  }

  /** Puts a pod on a node, owned by DaemonSet foo unless it is an orphan. */
  async addPod(node: string, change: PodChange = {}): Promise<Pod> {
    const daemonSet = await this.cluster.find(daemonsets, "foo", "default");
    const name = `pod-${this.#podNumber++}`;
    const owner = {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      name: "foo",
      uid: daemonSet?.metadata.uid ?? "",
      controller: true,
    };
    const labels = {
      ...(change.labels ?? podLabels),
      ...(change.hash === undefined ? {} : { "controller-revision-hash": change.hash }),
    };
    const pinned = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }],
        },
      },
    };
    const pod = await this.cluster.client.create<Pod>(pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: "default",
        labels,
        ...(change.isOrphan ? {} : { ownerReferences: [owner] }),
      },
      spec: {
        containers: [{ name: "main", image: "foo/bar" }],
        terminationGracePeriodSeconds: change.grace ?? 0,
        ...(change.isUnbound ? { affinity: pinned } : { nodeName: node }),
      },
    });
    if (change.phase !== undefined || change.ready !== undefined) await this.setStatus(pod, change);
    await this.settle();
    return pod;
  }

  /** Hash of the current revision; makes it by a sync if there is none. */
  async currentHash(): Promise<string> {
    if ((await this.revisions()).length === 0) await this.controller.reconcile("default/foo");
    await this.settle();
    const revisions = await this.revisions();
    return revisions.at(-1)!.metadata.labels!["controller-revision-hash"]!;
  }

  async ownedNames(): Promise<string[]> {
    const owned = (await this.pods()).filter((pod) => controllerOf(pod) !== undefined);
    return owned.map((pod) => pod.metadata.name!).sort();
  }

  async settle(): Promise<void> {
    await this.cluster.advance(0);
    this.#recount();
  }

  /** Keeps events of the resource back, as a slow watch would, until `release`. */
  hold(resource: string): void {
    this.#held.set(resource, []);
  }

  async release(): Promise<void> {
    const held = [...this.#held.values()].flat();
    this.#held.clear();
    for (const send of held) send();
    await this.settle();
  }

  /** The watch of the resource delivers nothing of what happens during `body` and ends with 410, so a new list has to. */
  async missed(resource: string, body: () => Promise<unknown>): Promise<void> {
    this.hold(resource);
    await body();
    await this.settle();
    this.#held.delete(resource);
    for (const end of this.#watches.get(resource) ?? []) end(expired("too old resource version"));
    await this.cluster.advance(relistWaitMs);
  }

  /** @throws when the controller's state does not agree with a full recount. */
  #recount(): void {
    const wrong = this.controller.recount();
    if (wrong.length > 0) throw new Error(`recount: ${wrong.join("; ")}`);
  }

  stop(): Promise<void> {
    this.#stop.abort(new Error("test ends"));
    return this.cluster.stop();
  }
}

/** Runs `body` with a fresh fixture and stops it afterwards in any case. */
export async function withDaemonSets(
  body: (fixture: DaemonSetFixture) => Promise<void>,
  options: Partial<DaemonSetControllerOptions> = {},
): Promise<void> {
  const fixture = await DaemonSetFixture.open(options);
  try {
    await body(fixture);
  } finally {
    await fixture.stop();
  }
}

/**
 * The real API server over a memory store, with a simulated clock, seeded random and frozen objects, and a short way to
 * call it. For tests only. A typed client is `loopbackTransport` over `handler`.
 */
import {
  type ApiServer,
  type ApiServerDependencies,
  type ApiServerOptions,
  createApiServer,
} from "../apiserver/index.ts";
import {
  type Log,
  seededRandom,
  settleMicrotasks,
  silentLog,
  silentMetrics,
  SimulatedClock,
} from "../base/index.ts";
import type { ApiCall, ApiHandler, ApiReply, Credentials, Method, WatchFrame } from "../machinery/index.ts";
import { createMemoryStore, type Store } from "../storage/index.ts";

export interface CallOptions {
  readonly body?: object | string;
  readonly contentType?: string;
  readonly accept?: string;
  /** Of a part of this process. Default `tester`. */
  readonly username?: string;
  /** In place of a part of this process. */
  readonly credentials?: Credentials;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Parsed from the reply's bytes, as a client over HTTP would see it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly object: any;
  readonly warnings: readonly string[];
  readonly reply: ApiReply;
}

export interface WatchedEvent {
  readonly type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly object: any;
}

export interface TestWatch {
  /** Parsed from the frames' bytes. */
  readonly events: WatchedEvent[];
  /** Number of frames in each call of the sink. */
  readonly batches: number[];
  readonly frames: WatchFrame[];
  hasEnded: boolean;
  /** What `events` of the sink returns from now on. */
  accepts: boolean;
  stop(): void;
}

export interface TestApiServerOptions {
  readonly store?: Store;
  /** Default: a clock of its own. */
  readonly clock?: SimulatedClock;
  readonly seed?: number;
  readonly taintsNewNodes?: boolean;
  readonly admissionPlugins?: ApiServerOptions["admissionPlugins"];
  readonly serviceRanges?: NonNullable<ApiServerOptions["serviceRanges"]>;
  readonly log?: Log;
  /** Without it logs are empty. */
  readonly nodeLogs?: NonNullable<ApiServerDependencies["nodeLogs"]>;
  /** Without it there are no OpenAPI documents. */
  readonly openApiDocument?: NonNullable<ApiServerDependencies["openApiDocument"]>;
}

export class TestApiServer {
  readonly clock: SimulatedClock;
  readonly store: Store;
  readonly server: ApiServer;
  readonly handler: ApiHandler;
  readonly #controller = new AbortController();
  readonly #done: Promise<void>;

  constructor(options: TestApiServerOptions = {}) {
    const { taintsNewNodes = false, admissionPlugins, openApiDocument, serviceRanges, nodeLogs } = options;
    this.clock = options.clock ?? new SimulatedClock();
    this.store = options.store ?? createMemoryStore();
    this.server = createApiServer(
      {
        freeze: true,
        taintsNewNodes,
        ...(admissionPlugins === undefined ? {} : { admissionPlugins }),
        ...(serviceRanges === undefined ? {} : { serviceRanges }),
      },
      {
        store: this.store,
        clock: this.clock,
        random: seededRandom(options.seed ?? 1),
        log: options.log ?? silentLog,
        metrics: silentMetrics,
        ...(openApiDocument === undefined ? {} : { openApiDocument }),
        ...(nodeLogs === undefined ? {} : { nodeLogs }),
      },
    );
    this.handler = this.server.handler;
    this.#done = this.server.run(this.#controller.signal);
  }

  static async start(options: TestApiServerOptions = {}): Promise<TestApiServer> {
    const server = new TestApiServer(options);
    await server.server.ready;
    return server;
  }

  async stop(): Promise<void> {
    this.#controller.abort();
    await this.#done;
  }

  /** `target` is a path with an optional query. */
  async call(method: Method, target: string, options: CallOptions = {}): Promise<Answer> {
    const reply = await this.handler(this.#callOf(method, target, options));
    return { status: reply.status, object: parsed(reply), warnings: reply.warnings ?? [], reply };
  }

  /** As `call`, but throws when the answer is a failure. */
  async ok(method: Method, target: string, options: CallOptions = {}): Promise<Answer["object"]> {
    const answer = await this.call(method, target, options);
    if (answer.status >= 300)
      throw new Error(`${method} ${target}: ${answer.status} ${JSON.stringify(answer.object)}`);
    return answer.object;
  }

  async watch(target: string, options: CallOptions = {}): Promise<TestWatch> {
    const reply = await this.handler(this.#callOf("GET", target, options));
    if (reply.body.as !== "watch")
      throw new Error(`${target}: ${reply.status} ${JSON.stringify(parsed(reply))}`);
    const watch: TestWatch = {
      events: [],
      batches: [],
      frames: [],
      hasEnded: false,
      accepts: true,
      stop: () => stop(),
    };
    const stop = reply.body.start({
      events(batch) {
        watch.batches.push(batch.length);
        for (const frame of batch) {
          watch.frames.push(frame);
          watch.events.push(JSON.parse(Buffer.from(frame.bytes()).toString()) as WatchedEvent);
        }
        return watch.accepts;
      },
      end() {
        watch.hasEnded = true;
      },
    });
    await settleMicrotasks();
    return watch;
  }

  #callOf(method: Method, target: string, options: CallOptions): ApiCall {
    const question = target.indexOf("?");
    const path = question < 0 ? target : target.slice(0, question);
    const search = question < 0 ? "" : target.slice(question + 1);
    const { body, contentType, accept } = options;
    return {
      method,
      path,
      query: [...new URLSearchParams(search)],
      credentials: options.credentials ?? {
        from: "process",
        user: { username: options.username ?? "tester", groups: ["system:masters", "system:authenticated"] },
      },
      userAgent: "test/1",
      signal: options.signal ?? new AbortController().signal,
      ...(body === undefined ? {} : { body: typeof body === "string" ? Buffer.from(body) : body }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(accept === undefined ? {} : { accept }),
    };
  }
}

function parsed(reply: ApiReply): unknown {
  const { body } = reply;
  switch (body.as) {
    case "object":
    case "bytes": {
      const text = Buffer.from(body.bytes()).toString();
      return reply.contentType.startsWith("application/json") && text !== "" ? JSON.parse(text) : text;
    }
    case "list":
      return JSON.parse(Buffer.concat([...body.pieces()]).toString());
    case "watch":
    case "stream":
    case "upgrade":
      return undefined;
  }
}

/** A DaemonSet that passes validation. */
export function sampleDaemonSet(name: string, members: object = {}): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "busybox:1.36" }] } },
      ...members,
    },
  };
}

/** A pod that passes validation. */
export function samplePod(
  name: string,
  options: { readonly node?: string; readonly labels?: object } = {},
): object {
  const { node, labels } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
    spec: {
      containers: [{ name: "main", image: "busybox:1.36" }],
      ...(node === undefined ? {} : { nodeName: node }),
    },
  };
}

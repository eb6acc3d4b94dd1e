/**
 * Watches one collection as `kubectl get -w` and informers do: it lists, watches from there, and after every break watches
 * again from the last revision seen, at the address that the kubeconfig names then. It never lists again.
 * For tests under test/e2e only.
 */
import { Api, type WatchEvent } from "./https.ts";

/** Milliseconds between two tries to reach a server that does not answer. */
const retryMs = 50;

export interface Seen {
  readonly type: WatchEvent["type"];
  readonly name: string;
  readonly resourceVersion: string;
}

export class Follower {
  /** All events in order, over all connections. */
  readonly events: Seen[] = [];
  /** Names and revisions as the events leave them. */
  readonly state: Map<string, string> = new Map();
  /** What no client may see: errors in the stream, events that contradict the state, revisions out of order. */
  readonly faults: string[] = [];
  connections = 0;
  readonly #kubeconfig: string;
  readonly #path: string;
  readonly #controller = new AbortController();
  #from = "";
  #last = "";
  #running: Promise<void> | undefined;

  /** `path` is a collection without a query. */
  constructor(kubeconfig: string, path: string) {
    this.#kubeconfig = kubeconfig;
    this.#path = path;
  }

  /** Revision of the first list. */
  get from(): string {
    return this.#from;
  }

  /** Lists once, then watches until `stop`. */
  async start(): Promise<void> {
    const api = new Api(this.#kubeconfig);
    const list = await api.must("GET", this.#path);
    api.close();
    for (const { metadata } of list.items) this.state.set(keyOf(metadata), metadata.resourceVersion);
    this.#from = this.#last = list.metadata.resourceVersion;
    this.#running = this.#follow();
  }

  async stop(): Promise<void> {
    this.#controller.abort();
    await this.#running;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#controller;
    while (!signal.aborted) {
      try {
        const path = `${this.#path}?watch=1&resourceVersion=${this.#last}`;
        this.connections++;
        await new Api(this.#kubeconfig).watch(path, (event) => this.#take(event), signal);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  #take({ type, object }: WatchEvent): void {
    if (object.kind === "Status") {
      this.faults.push(`${type} ${JSON.stringify(object)}`);
      return;
    }
    const name = keyOf(object.metadata);
    const { resourceVersion } = object.metadata as { readonly resourceVersion: string };
    const seen = `${type} ${name} at ${resourceVersion}`;
    if (Number(resourceVersion) <= Number(this.#last)) this.faults.push(`${seen} after ${this.#last}`);
    if (this.state.has(name) === (type === "ADDED"))
      this.faults.push(`${seen}, which was ${this.state.has(name) ? "there" : "not there"}`);
    this.#last = resourceVersion;
    this.events.push({ type, name, resourceVersion });
    if (type === "DELETED") this.state.delete(name);
    else this.state.set(name, resourceVersion);
  }
}

function keyOf(metadata: { readonly namespace?: string; readonly name: string }): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

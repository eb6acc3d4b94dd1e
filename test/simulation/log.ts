/**
 * The store's log, revision by revision, folded into the true state, with who wrote what and a short trace for people.
 * Not here: what must hold (log-rules.ts, process-rules.ts).
 */
import type { ApiCall, ApiReply, KubeObject } from "../../src/machinery/index.ts";
import { controllerOf } from "../../src/machinery/index.ts";
import type { Store, StoreEvent } from "../../src/storage/index.ts";
import { FoldedState, type KindName } from "./state.ts";

export interface Entry {
  readonly revision: number;
  readonly atMs: number;
  readonly type: "put" | "delete";
  /** `pods`, `daemonsets`, … */
  readonly resource: string;
  readonly key: string;
  /** After the change; for a deletion the last state. */
  readonly object: KubeObject;
  readonly before: KubeObject | undefined;
  /** Known once the call has been answered. */
  author?: string;
}

export interface Violation {
  readonly invariant: string;
  readonly message: string;
  readonly revision: number;
}

/** A run of the longest scripts needs 3,000 revisions; one with more goes round in circles. */
const revisionsMax = 8_000;
/** Entries kept for the trace of a failure. */
const traceMax = 60;
/** Revisions after the first violation that are in the trace. */
const traceAfter = 4;
const unread: ReadonlySet<string> = new Set(["events", "leases", "serviceaccounts", "configmaps"]);
const folded: Readonly<Record<string, KindName>> = {
  pods: "pods",
  nodes: "nodes",
  daemonsets: "daemonsets",
  controllerrevisions: "controllerrevisions",
};
const decoder = new TextDecoder();

export interface LogOptions {
  readonly store: Store;
  readonly nowMs: () => number;
  /** After each change has been folded in; the author is not known yet. */
  readonly onEntry: (entry: Entry) => void;
  /** Later, when the author is known as far as it can be. */
  readonly onAuthored: (entry: Entry) => void;
}

export class RevisionLog {
  readonly state: FoldedState = new FoldedState();
  /** Every object that is there, by UID. */
  readonly byUid: Map<string, KubeObject> = new Map();
  readonly violations: Violation[] = [];
  revision = 0;
  /** Of everything in the log, so that two runs can be compared. */
  digest = 0x811c9dc5;
  readonly #options: LogOptions;
  readonly #objects = new Map<string, KubeObject>();
  readonly #authors = new Map<number, string>();
  #waiting: Entry[] = [];
  readonly #trace: Entry[] = [];
  readonly #notes: { readonly revision: number; readonly text: string }[] = [];

  constructor(options: LogOptions) {
    this.#options = options;
    options.store.watch(
      { prefix: "/", after: 0 },
      {
        events: (batch) => batch.forEach((event) => this.#take(event)),
        failed: (error) => this.report("defect", `the store's watch failed: ${String(error)}`),
      },
    );
  }

  report(invariant: string, message: string): void {
    this.violations.push({ invariant, message, revision: this.revision });
  }

  note(text: string): void {
    this.#notes.push({ revision: this.revision, text });
    if (this.#notes.length > traceMax) this.#notes.shift();
  }

  answered(call: ApiCall, reply: ApiReply, username: string): void {
    if (call.method === "GET" || reply.status >= 300) return;
    const objects =
      reply.body.as === "object"
        ? [reply.body.object]
        : reply.body.as === "list"
          ? reply.body.list.items
          : [];
    for (const object of objects) {
      const version = (object as KubeObject).metadata?.resourceVersion;
      if (version !== undefined) this.#authors.set(Number(version), username);
    }
  }

  /** All calls that were answered at once have been; what has no author now was written by a call without an object. */
  settled(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const entry of waiting) {
      const author = this.#authors.get(entry.revision);
      if (author !== undefined) entry.author = author;
      this.#options.onAuthored(entry);
    }
    this.#authors.clear();
  }

  trace(): string[] {
    const start = new Date(1_767_225_600_000).getTime();
    const lines = this.#trace.map((entry) => ({ revision: entry.revision, text: describe(entry, start) }));
    const first = lines[0]?.revision ?? 0;
    const notes = this.#notes
      .filter(({ revision }) => revision >= first)
      .map(({ revision, text }) => ({ revision: revision + 0.5, text: `          -- ${text}` }));
    return [...lines, ...notes].sort((a, b) => a.revision - b.revision).map(({ text }) => text);
  }

  #take(event: StoreEvent): void {
    this.revision = event.revision;
    if (event.revision === revisionsMax) this.report("defect", "runs in circles: too many revisions");
    const [, , resource = ""] = event.key.split("/");
    this.#digest(`${event.revision} ${event.type} ${event.key}`);
    if (unread.has(resource)) return;
    const text = decoder.decode(event.current.value);
    this.#digest(text);
    const parsed = event.type === "put" ? (JSON.parse(text) as KubeObject) : this.#objects.get(event.key)!;
    const metadata = { ...parsed.metadata, resourceVersion: String(event.revision) };
    const object = { ...parsed, metadata };
    const before = this.#objects.get(event.key);
    if (before?.metadata.uid !== undefined) this.byUid.delete(before.metadata.uid);
    if (event.type === "put") {
      this.#objects.set(event.key, object);
      this.byUid.set(object.metadata.uid!, object);
    } else this.#objects.delete(event.key);
    const kind = folded[resource];
    if (kind !== undefined) this.state.change(kind, event.type, object);
    const atMs = this.#options.nowMs();
    const entry: Entry = {
      revision: event.revision,
      atMs,
      type: event.type,
      resource,
      key: event.key,
      object,
      before,
    };
    this.#waiting.push(entry);
    const failedAt = this.violations[0]?.revision ?? Infinity;
    if (event.revision <= failedAt + traceAfter) this.#trace.push(entry);
    if (this.#trace.length > traceMax) this.#trace.shift();
    this.#options.onEntry(entry);
  }

  #digest(text: string): void {
    for (let i = 0; i < text.length; i++)
      this.digest = Math.imul(this.digest ^ text.charCodeAt(i), 0x01000193);
  }
}

function describe(entry: Entry, startMs: number): string {
  const { revision, atMs, type, resource, object, before, author } = entry;
  const what = type === "delete" ? "removed" : before === undefined ? "created" : changeOf(entry);
  const name = `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;
  const who = author?.replace(/^system:(serviceaccount:kube-system:)?/, "") ?? "?";
  const time = ((atMs - startMs) / 1000).toFixed(3).padStart(9);
  return `${time} r${revision} ${resource} ${name} ${what} by ${who}${detailsOf(object)}`;
}

function changeOf({ object, before }: Entry): string {
  if (object.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined)
    return "marked for deletion";
  if (object.metadata.generation !== before?.metadata.generation) return "changed (spec)";
  if (controllerOf(object)?.uid !== controllerOf(before!)?.uid) return "changed (owner)";
  return "changed";
}

interface Shown {
  readonly spec?: {
    readonly nodeName?: string;
    readonly updateStrategy?: object;
    readonly taints?: readonly { readonly key: string; readonly effect: string }[];
  };
  readonly status?: Readonly<Record<string, unknown>> & {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

function detailsOf(object: KubeObject): string {
  const { spec, status } = object as Shown;
  const hash = object.metadata.labels?.["controller-revision-hash"];
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status;
  const parts = [
    hash === undefined ? "" : `hash=${hash}`,
    spec?.nodeName === undefined ? "" : `on=${spec.nodeName}`,
    typeof status?.["phase"] === "string" ? String(status["phase"]) : "",
    ready === undefined ? "" : `ready=${ready}`,
    spec?.updateStrategy === undefined ? "" : JSON.stringify(spec.updateStrategy),
    object.metadata.generation === undefined ? "" : `gen=${object.metadata.generation}`,
    (spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).join(","),
    "revision" in object ? `revision=${String(object.revision)}` : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `  (${parts.join(" ")})`;
}

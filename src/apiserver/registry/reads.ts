/**
 * Get, list and watch, with every rule about resourceVersion, limit and continue.
 *
 *   newest data   from the caches, after they have reached what the store has acknowledged
 *   exact data    from the caches while nothing has changed since, else from the store's history
 *
 * Not here: caches (cacher.ts), the life of a watch (watchers.ts).
 */
import type { Clock, Random } from "../../base/index.ts";
import {
  type ApiReply,
  apiVersionOf,
  badRequest,
  decodeObject,
  encodeJson,
  expired,
  type FieldRequirement,
  goQuote,
  type KubeList,
  type KubeObject,
  type ListMeta,
  notFound,
  parseFieldSelector,
  parseJson,
  parseLabelSelector,
  plainFailure,
  type WatchSink,
  wrongForm,
} from "../../machinery/index.ts";
import { type Store, storageFailureOf } from "../../storage/index.ts";
import type { Cacher, Scope } from "../watch-cache/cacher.ts";
import type { StoredObject } from "../watch-cache/encode.ts";
import type { ReplyForm } from "./negotiate.ts";
import { type ReadOptions, revisionOf } from "./query.ts";
import { goTypeOf, objectReply, type ShownAs, stateReply } from "./replies.ts";
import { newestOf, type Served, successorOf } from "./resource-registry.ts";
import { frameFormat, partialOf, tableOf } from "./tables.ts";
import { isWanted, type WatchSpec } from "../watch-cache/watchers.ts";

export interface ReadsDependencies {
  readonly cacher: Cacher;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

/** Which objects of a resource a request is about. */
export interface Selection {
  readonly scope: Scope;
  /** Absent when the scope says it all. */
  readonly matches?: (state: StoredObject) => boolean;
  readonly hasSelector: boolean;
}

export interface Page {
  readonly states: readonly StoredObject[];
  readonly revision: number;
  /** Key that the next page begins with. */
  readonly next?: string;
  /** Objects after this page; only known without selectors. */
  readonly remaining?: number;
}

/** Watches without timeoutSeconds end after 30 to 60 minutes, at random so that they do not all come back at once; as upstream. */
const watchMinMs = 30 * 60_000;
/** Bytes of a list are handed on in pieces of about this size, so that others get their turn. */
const pieceBytes = 256 * 1024;
/** Objects read from the store's history at a time when selectors may drop most of them. */
const historyChunk = 500;

export class Reads {
  readonly #deps: ReadsDependencies;

  constructor(dependencies: ReadsDependencies) {
    this.#deps = dependencies;
  }

  /** @throws StatusError 404, 504 when the resource version lies in the future, 400 when it is none. */
  async get(
    served: Served,
    address: { readonly namespace?: string; readonly name: string },
    request: ReadRequest,
  ): Promise<ApiReply> {
    const newest = await this.#atLeast(served, request.options.resourceVersion);
    const state = newest.cache.get(address.namespace, address.name);
    if (state === undefined) throw notFound(newest.kind.resource, address.name);
    return stateReply(newest, state, { status: 200, shownAs: this.#shownAs(request) });
  }

  async list(served: Served, namespace: string | undefined, request: ReadRequest): Promise<ApiReply> {
    const { options } = request;
    const selection = selectionOf(served, namespace, options);
    const page = await this.page(served, selection, options);
    const meta: ListMeta = {
      resourceVersion: String(page.revision),
      ...(page.next === undefined ? {} : { continue: continueToken(served, page.revision, page.next) }),
      ...(page.remaining === undefined || page.remaining === 0 ? {} : { remainingItemCount: page.remaining }),
    };
    return listReply(served, page.states, { meta, shownAs: this.#shownAs(request) });
  }

  /** The newest state of everything selected: what a deletion of a collection starts from. */
  async page(served: Served, selection: Selection, options: ReadOptions): Promise<Page> {
    if (options.continue !== "") return this.#continuedPage(served, selection, options);
    const revision = revisionOf(options.resourceVersion);
    const isExact =
      options.resourceVersionMatch === "Exact" ||
      (options.resourceVersionMatch === "" && options.limit > 0 && revision !== undefined && revision > 0);
    if (isExact) {
      const newest = await this.#atLeast(served, options.resourceVersion);
      try {
        return await this.#pageAt(newest, selection, { revision: revision!, limit: options.limit });
      } catch (error) {
        throw isCompacted(error) ? expired("The resourceVersion for the provided list is too old.") : error;
      }
    }
    const newest = await this.#atLeast(served, options.resourceVersion);
    return this.#newestPage(newest, selection, { limit: options.limit });
  }

  /** Accepts a watch; it begins when the transport starts the reply. */
  async watch(served: Served, namespace: string | undefined, request: ReadRequest): Promise<ApiReply> {
    const { options, signal } = request;
    const selection = selectionOf(served, namespace, options);
    const after = revisionOf(options.resourceVersion, plainFailure);
    await this.#atLeast(served, options.resourceVersion);
    const { clock, random } = this.#deps;
    const seconds = options.timeoutSeconds ?? 0;
    const format = frameFormat({
      kind: served.kind,
      form: request.form,
      includeObject: options.includeObject,
      nowMs: () => clock.nowMs(),
      ...(served.shape === undefined ? {} : { convert: served.shape.shown }),
    });
    const fromState = options.sendInitialEvents || after === undefined || after === 0;
    const spec = {
      ...selection,
      format,
      from: fromState ? ({ state: true, marksEnd: options.sendInitialEvents } as const) : { after },
      allowsBookmarks: options.allowWatchBookmarks,
      lastsMs: seconds > 0 ? seconds * 1000 : watchMinMs * (1 + random.next()),
      signal,
      bookmark: (resourceVersion: string, annotations?: Readonly<Record<string, string>>) =>
        bookmarkOf(served, resourceVersion, annotations),
    };
    return {
      status: 200,
      contentType: "application/json",
      body: { as: "watch", start: (sink) => startWatch(served, spec, sink) },
    };
  }

  #shownAs(request: ReadRequest): ShownAs {
    return {
      form: request.form,
      includeObject: request.options.includeObject,
      nowMs: this.#deps.clock.nowMs(),
    };
  }

  /**
   * Waits until the caches are as new as the request wants: all that was acknowledged, any (`0`), or a revision.
   * @returns the resource as it is served then.
   */
  async #atLeast(served: Served, resourceVersion: string): Promise<Served> {
    const { cacher } = this.#deps;
    const revision = revisionOf(resourceVersion);
    if (revision === undefined) {
      const behind = cacher.catchUp();
      if (behind !== undefined) await behind;
    } else if (revision > cacher.revision) await cacher.waitUntil(revision);
    return newestOf(served);
  }

  async #continuedPage(served: Served, selection: Selection, options: ReadOptions): Promise<Page> {
    const token = parseContinueToken(options.continue);
    const start = served.cache.resource.prefix + token.start;
    if (token.revision < 0) {
      const newest = await this.#atLeast(served, "");
      return this.#newestPage(newest, selection, { limit: options.limit, start });
    }
    try {
      return await this.#pageAt(served, selection, { revision: token.revision, limit: options.limit, start });
    } catch (error) {
      if (!isCompacted(error)) throw error;
      throw expired(tooOldToken, { continue: continueToken(served, -1, start) });
    }
  }

  #newestPage(
    served: Served,
    selection: Selection,
    range: { readonly limit: number; readonly start?: string },
  ): Page {
    const candidates = served.cache.candidates(selection.scope, range.start);
    const page = cutPage(candidates, { served, selection, limit: range.limit });
    return { ...page, revision: this.#deps.cacher.revision };
  }

  async #pageAt(
    served: Served,
    selection: Selection,
    range: { readonly revision: number; readonly limit: number; readonly start?: string },
  ): Promise<Page> {
    const { cacher } = this.#deps;
    const { revision } = range;
    if (served.cache.lastChange <= revision && revision <= cacher.revision) {
      return { ...this.#newestPage(served, selection, range), revision };
    }
    const states = await this.#statesAt(served, selection, range);
    return { ...cutPage(states, { served, selection, limit: range.limit }), revision };
  }

  /** Enough of the states at an old revision to fill a page and see whether there is another. */
  async #statesAt(
    served: Served,
    selection: Selection,
    range: { readonly revision: number; readonly limit: number; readonly start?: string },
  ): Promise<StoredObject[]> {
    const { store, cacher } = this.#deps;
    const { prefix, namespaced } = served.cache.resource;
    const { namespace } = selection.scope;
    const keyPrefix = namespaced && namespace !== undefined ? `${prefix}${namespace}/` : prefix;
    const isOnePass = range.limit === 0 || !selection.hasSelector;
    const states: StoredObject[] = [];
    let start = range.start;
    let wanted = 0;
    for (;;) {
      const { items, remaining } = await store.list({
        prefix: keyPrefix,
        revision: range.revision,
        ...(start === undefined ? {} : { start }),
        ...(isOnePass ? {} : { limit: historyChunk }),
      });
      for (const item of items) {
        const state = cacher.open(item, served.cache);
        if (state === undefined) continue;
        states.push(state);
        if (isWanted(selection, served.cache, state)) wanted++;
      }
      if (remaining === 0 || (range.limit > 0 && wanted > range.limit)) return states;
      start = `${items[items.length - 1]!.key}\0`;
    }
  }
}

/** A watch that was accepted before its resource was removed ends at once, as it would have a moment later. */
function startWatch(served: Served, spec: WatchSpec, sink: WatchSink): () => void {
  const newest = successorOf(served);
  if (newest !== undefined) return newest.watchers.start(spec, sink);
  sink.end();
  return () => {};
}

export interface ReadRequest {
  readonly options: ReadOptions;
  readonly form: ReplyForm;
  readonly signal: AbortSignal;
}

interface Cut {
  readonly served: Served;
  readonly selection: Selection;
  /** 0 means no limit. */
  readonly limit: number;
}

/** The wanted ones among the candidates, as many as the limit allows; whether more are wanted decides about a next page. */
function cutPage(candidates: readonly StoredObject[], cut: Cut): Omit<Page, "revision"> {
  const { served, selection, limit } = cut;
  const states: StoredObject[] = [];
  for (const [index, state] of candidates.entries()) {
    if (!isWanted(selection, served.cache, state)) continue;
    if (limit > 0 && states.length === limit) {
      return {
        states,
        next: state.key,
        ...(selection.hasSelector ? {} : { remaining: candidates.length - index }),
      };
    }
    states.push(state);
  }
  return { states };
}

/** @throws StatusError 400 for selectors that cannot be understood or name fields that the kind has not. */
export function selectionOf(
  served: Served,
  namespace: string | undefined,
  options: Pick<ReadOptions, "labelSelector" | "fieldSelector">,
): Selection {
  const scope: { namespace?: string; name?: string; indexed?: string } = {};
  if (namespace !== undefined) scope.namespace = namespace;
  if (options.labelSelector === "" && options.fieldSelector === "") return { scope, hasSelector: false };
  const labels = options.labelSelector === "" ? undefined : parseLabelSelector(options.labelSelector);
  const fields = parseFieldSelector(options.fieldSelector);
  const checks: ((state: StoredObject) => boolean)[] = [];
  if (labels !== undefined && labels.requirements.length > 0)
    checks.push((state) => labels.matches(state.object.metadata.labels));
  for (const requirement of fields.requirements) {
    const value = fieldReader(served, requirement);
    const { operator } = requirement;
    const isPinned = operator === "=" && requirement.value !== "";
    if (isPinned && requirement.field === "metadata.name") scope.name ??= requirement.value;
    if (isPinned && requirement.field === "metadata.namespace") scope.namespace ??= requirement.value;
    if (operator === "=" && requirement.field === served.storage.rules.indexedField)
      scope.indexed ??= requirement.value;
    checks.push((state) => (value(state) === requirement.value) === (operator === "="));
  }
  if (checks.length === 0) return { scope, hasSelector: false };
  const matches =
    checks.length === 1
      ? checks[0]!
      : (state: StoredObject): boolean => checks.every((check) => check(state));
  return { scope, matches, hasSelector: true };
}

function fieldReader(served: Served, requirement: FieldRequirement): (state: StoredObject) => string {
  const { kind, shape, cache, definition } = served;
  const own = kind.rules.selectableFields;
  const hasOwn = own !== undefined || definition.schemas !== undefined;
  if (requirement.field === "metadata.name") return (state) => cache.addressOf(state.key).name;
  if (requirement.field === "metadata.namespace") {
    if (kind.resource.namespaced) return (state) => cache.addressOf(state.key).namespace;
    if (!hasOwn) return () => "";
  }
  if (own !== undefined && Object.hasOwn(own, requirement.field)) {
    const read = own[requirement.field]!;
    return (state) => read(shape === undefined ? state.object : shape.shown(state.object));
  }
  throw badRequest(
    hasOwn
      ? `field label not supported: ${requirement.field}`
      : `${goQuote(requirement.field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}

/** Upstream's empty object of the kind, with all that Go always writes; no defaults. */
function bookmarkOf(
  { kind, type }: Served,
  resourceVersion: string,
  annotations?: Readonly<Record<string, string>>,
): KubeObject {
  const { resource } = kind;
  const metadata = { resourceVersion, ...(annotations === undefined ? {} : { annotations }) };
  const empty = { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata };
  return decodeObject<KubeObject>(type, empty).object;
}

/** A list in the form that the client asked for; plain JSON goes out from ready bytes, in pieces. */
export function listReply(
  served: Served,
  states: readonly StoredObject[],
  options: { readonly meta: ListMeta; readonly shownAs: ShownAs },
): ApiReply {
  const { meta, shownAs } = options;
  const { kind, shape } = served;
  const { form, includeObject, nowMs } = shownAs;
  const objects = (): KubeObject[] =>
    states.map((state) => (shape === undefined ? state.object : shape.shown(state.object)));
  if (form.as === "Table") {
    return objectReply(
      200,
      tableOf(kind, objects(), { version: form.version, includeObject, nowMs, meta, columns: true }),
    );
  }
  if (form.as === "PartialObjectMetadata") {
    if (!form.isList) throw wrongForm("PartialObjectMetadata", goTypeOf(served, "List"), true);
    const items = objects().map((object) => partialOf(object, form.version));
    return objectReply(200, {
      kind: "PartialObjectMetadataList",
      apiVersion: `meta.k8s.io/${form.version}`,
      metadata: meta,
      items,
    });
  }
  const envelope = {
    kind: `${kind.resource.kind}List`,
    apiVersion: apiVersionOf(kind.resource),
    metadata: meta,
  };
  let list: KubeList | undefined;
  return {
    status: 200,
    contentType: "application/json",
    body: {
      as: "list",
      get list() {
        return (list ??= { ...envelope, items: objects() });
      },
      pieces: () => listPieces(envelope, states, itemBytes(served)),
    },
  };
}

/** Upstream's own types leave it to the list to say what its items are; those that it learns at run time say it of each. */
function itemBytes({ shape, definition }: Served): (state: StoredObject) => Uint8Array {
  if (definition.schemas !== undefined) return (state) => state.bytes();
  if (shape === undefined) return (state) => state.untypedBytes();
  return (state) => {
    const { apiVersion: _, kind: _kind, ...item } = shape.shown(state.object);
    return Buffer.from(encodeJson(item));
  };
}

function* listPieces(
  envelope: object,
  states: readonly StoredObject[],
  bytesOf: (state: StoredObject) => Uint8Array,
): Iterable<Uint8Array> {
  const comma = Buffer.from(",");
  let piece: Uint8Array[] = [Buffer.from(`${JSON.stringify(envelope).slice(0, -1)},"items":[`)];
  let size = 0;
  for (const [index, state] of states.entries()) {
    if (index > 0) piece.push(comma);
    const bytes = bytesOf(state);
    piece.push(bytes);
    size += bytes.length;
    if (size >= pieceBytes) {
      yield Buffer.concat(piece);
      piece = [];
      size = 0;
    }
  }
  piece.push(Buffer.from("]}\n"));
  yield Buffer.concat(piece);
}

/** Upstream's words. */
const tooOldToken =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
  "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. " +
  "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or " +
  "deleted between the time the first chunk was returned and now may show up in the list.";

/** Upstream's form; `start` is the next key without the resource's prefix. A revision below 0 means: whatever is newest. */
function continueToken(served: Served, revision: number, nextKey: string): string {
  const start = nextKey.slice(served.cache.resource.prefix.length);
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start })).toString("base64url");
}

/** Longest token that is looked at; ours are below 1 kB. */
const tokenCharactersMax = 4096;

function parseContinueToken(text: string): { readonly revision: number; readonly start: string } {
  try {
    if (text.length > tokenCharactersMax) throw new Error("it is too long");
    // Byte by byte, as Go's reader tells what it does not understand.
    const token = parseJson(Buffer.from(text, "base64url").toString("latin1"));
    const { v = "", rv, start } = (token ?? {}) as Readonly<Record<string, unknown>>;
    if (v !== "meta.k8s.io/v1")
      throw new Error(`server does not recognize this encoded version ${String(v)}`);
    if (!Number.isSafeInteger(rv) || rv === 0)
      throw new Error("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
    if (typeof start !== "string" || start === "")
      throw new Error("encoded start key empty (version meta.k8s.io/v1)");
    if (start.split("/").some((part) => part === "" || part === "." || part === ".."))
      throw new Error(`invalid start key: ${start}`);
    return { revision: rv as number, start };
  } catch (error) {
    const fault = (error as Error).message.replace(/ at offset \d+$/, "");
    throw badRequest(`invalid continue token: continue key is not valid: ${fault}`);
  }
}

function isCompacted(error: unknown): boolean {
  return storageFailureOf(error)?.code === "compacted";
}

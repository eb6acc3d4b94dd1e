/**
 * Objects and their bytes. A stored value has no resourceVersion; the bytes that clients get have it spliced in:
 *
 *   value  {"apiVersion":"v1","kind":"Pod","metadata":{                         "name":"a",...
 *   bytes  {"apiVersion":"v1","kind":"Pod","metadata":{"resourceVersion":"17",  "name":"a",...
 *
 * Each state of an object is one StoredObject. Its bytes are kept once: by the store, if that is in this process (it may pack
 * them), else here. What clients get is put together for each frame and each list.
 * Not here: reading request bodies (decode in machinery), keeping states (cacher.ts).
 */
import { assert } from "../../base/index.ts";
import {
  encodeJson,
  SharedParts,
  type Draft,
  type KubeObject,
  type WatchEventType,
  type WatchFrame,
} from "../../machinery/index.ts";
import type { KeptValue, KeyValue } from "../../storage/index.ts";

/** Makes the object of bytes that this process did not write. */
export type ParseValue = (value: Uint8Array) => KubeObject;

/** How the objects of states come about. One for all states of a resource, since there are very many. */
interface Origin {
  readonly parse: ParseValue;
  /** Objects are frozen through and through once stamped: tests find those who change what is shared. */
  readonly freeze: boolean;
  /** The same, but every reader gets a new, equal object. */
  readonly forgetful?: Origin;
}

/**
 * One state of one object. Until `stamp` it has no revision and may not be shown to anybody.
 * The object is shared by all readers and never changed after the stamp.
 */
export class StoredObject {
  readonly key: string;
  #origin: Origin;
  #revision = 0;
  /** As stored, without resourceVersion. */
  #value: Uint8Array | KeptValue;
  /** Absent when it must be parsed. */
  #object: KubeObject | undefined;

  constructor(key: string, value: Uint8Array, origin: Origin) {
    headLength(value);
    this.key = key;
    this.#origin = origin;
    this.#value = value;
    this.#object = undefined;
  }

  get revision(): number {
    return this.#revision;
  }

  get resourceVersion(): string {
    return String(this.#revision);
  }

  /** Gives the state its revision; the same one again is allowed. */
  stamp(revision: number): void {
    if (this.#revision === revision) return;
    assert(this.#revision === 0, "a state of an object got two revisions", { key: this.key, revision });
    this.#revision = revision;
    if (this.#object !== undefined) this.#finish(this.#object);
  }

  /** What `value` would be parsed to; before the stamp. The state takes it over. */
  setObject(object: KubeObject): void {
    this.#object = object;
  }

  /** The store keeps the value: it need not be kept here as well. */
  leaveValueWith(kept: KeptValue): void {
    this.#value = kept;
  }

  /** With resourceVersion once stamped. */
  get object(): KubeObject {
    if (this.#object !== undefined) return this.#object;
    const object = this.#origin.parse(this.value());
    if (this.#revision !== 0) this.#finish(object);
    if (this.#origin.forgetful !== undefined) this.#object = object;
    return object;
  }

  /** From now on only bytes are kept: every reader gets a new, equal object. For states that are seldom read. */
  forgetObject(): void {
    this.#origin = this.#origin.forgetful ?? this.#origin;
    this.#object = undefined;
  }

  #finish(object: KubeObject): void {
    setResourceVersion(object, this.#revision);
    if (this.#origin.freeze) deepFreeze(object);
  }

  /** True when the object need not be parsed any more. */
  get isParsed(): boolean {
    return this.#object !== undefined;
  }

  /**
   * The bytes that clients get, with resourceVersion; without it for a state that was never stored (dry run).
   * Put together at each call: O(bytes).
   */
  bytes(): Uint8Array {
    const value = this.value();
    return this.#revision === 0 ? value : splice(value, this.#revision);
  }

  /** As `bytes`, without apiVersion and kind, which the list says for all its items. */
  untypedBytes(): Uint8Array {
    const value = this.value();
    const from = headLength(value) - metadataStart.length - 1;
    const bytes = splice(value.subarray(from), this.#revision);
    bytes[0] = openBrace;
    return bytes;
  }

  /** The bytes as stored, without resourceVersion. */
  value(): Uint8Array {
    return this.#value instanceof Uint8Array ? this.#value : this.#value.bytes();
  }

  /** Length of `value()`. */
  get valueLength(): number {
    return this.#value.byteLength;
  }

  /** Whether writing `value` would change nothing. */
  holds(value: Uint8Array): boolean {
    const own = this.#value;
    return own instanceof Uint8Array ? Buffer.compare(own, value) === 0 : own.holds(value);
  }

  /** The same state under another revision: what a DELETED event carries. */
  at(revision: number): StoredObject {
    const parse = (): KubeObject => withoutResourceVersion(this.object);
    const copy = new StoredObject(this.key, this.value(), originOf(parse, this.#origin.freeze));
    copy.stamp(revision);
    copy.#value = this.#value;
    return copy;
  }
}

function originOf(parse: ParseValue, freeze: boolean): Origin {
  return { parse, freeze, forgetful: { parse, freeze } };
}

/** What has to be known of a resource to encode its objects. */
export interface EncodedResource {
  readonly parse: ParseValue;
  /** Its objects are soon kept as bytes only, so there is nothing to be shared. */
  readonly isSeldomRead?: boolean;
}

/** Between writers and the cacher: the finished object of a value that this process has written. */
export class WrittenObjects {
  readonly #byValue = new WeakMap<Uint8Array, StoredObject>();
  readonly #origins = new WeakMap<ParseValue, Origin>();
  readonly #freeze: boolean;
  readonly #parts = new SharedParts();

  constructor(options: { readonly freeze: boolean }) {
    this.#freeze = options.freeze;
  }

  /**
   * Encodes `object`, which must be complete but for its resourceVersion, and must not be changed afterwards.
   * @param before the object that it takes the place of.
   */
  // oxlint-disable-next-line max-params -- what is written, and what it replaces (#2)
  encode(
    key: string,
    object: KubeObject,
    resource: EncodedResource,
    before?: KubeObject,
  ): { readonly state: StoredObject; readonly value: Uint8Array } {
    const { apiVersion, kind, metadata, ...rest } = object as KubeObject & Record<string, unknown>;
    const value = Buffer.from(encodeJson({ apiVersion, kind, metadata, ...rest }));
    const state = new StoredObject(key, value, this.#originOf(resource.parse));
    state.setObject(resource.isSeldomRead === true ? object : this.#parts.share(object, before));
    this.#byValue.set(value, state);
    return { state, value };
  }

  /** The state behind what the store delivers, stamped; parsed later if another process wrote it. */
  open(stored: KeyValue, parse: ParseValue): StoredObject {
    const known = this.#byValue.get(stored.value);
    const state = known ?? new StoredObject(stored.key, stored.value, this.#originOf(parse));
    state.stamp(stored.modRevision);
    if (stored.kept !== undefined) state.leaveValueWith(stored.kept);
    return state;
  }

  /** After the cacher has taken the state over; keeps the table small. */
  forget(stored: KeyValue): void {
    this.#byValue.delete(stored.value);
  }

  #originOf(parse: ParseValue): Origin {
    let origin = this.#origins.get(parse);
    if (origin === undefined) {
      const shared: ParseValue = (value) => this.#parts.share(parse(value));
      origin = { ...originOf(parse, this.#freeze), parse: shared };
      this.#origins.set(parse, origin);
    }
    return origin;
  }
}

const openBrace = 0x7b;
const metadataStart = Buffer.from('"metadata":{');

/**
 * Where metadata's first member stands. apiVersion and kind are short and hold no quotes, so the first
 * `"metadata":{` is the right one.
 */
function headLength(value: Uint8Array): number {
  const at = Buffer.from(value.buffer, value.byteOffset, value.byteLength).indexOf(metadataStart);
  assert(at > 0, "a stored value does not begin with apiVersion, kind and metadata");
  return at + metadataStart.length;
}

/** A copy with the revision, if it is one. */
function splice(value: Uint8Array, revision: number): Uint8Array {
  const head = headLength(value);
  const member = revision === 0 ? "" : `"resourceVersion":"${revision}",`;
  const bytes = Buffer.allocUnsafe(value.length + member.length);
  bytes.set(value.subarray(0, head), 0);
  bytes.write(member, head, "latin1");
  bytes.set(value.subarray(head), head + member.length);
  return bytes;
}

function setResourceVersion(object: KubeObject, revision: number): void {
  (object.metadata as Draft<KubeObject>["metadata"]).resourceVersion = String(revision);
}

/** A copy down to metadata; the rest is shared. */
function withoutResourceVersion(object: KubeObject): KubeObject {
  const { resourceVersion: _dropped, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** One watch event for readers of plain JSON; its line of bytes is made at most once, and never for readers in this process. */
export function frameOf(type: WatchEventType, state: StoredObject): WatchFrame {
  let line: Uint8Array | undefined;
  return {
    type,
    get object() {
      return state.object;
    },
    bytes: () => (line ??= eventLine(type, state.bytes())),
  };
}

/** One watch event for any other object (bookmarks, Tables, Status). */
export function frameOfObject(type: WatchEventType, object: object): WatchFrame {
  let line: Uint8Array | undefined;
  return { type, object, bytes: () => (line ??= eventLine(type, Buffer.from(encodeJson(object)))) };
}

function eventLine(type: WatchEventType, object: Uint8Array): Uint8Array {
  const head = `{"type":"${type}","object":`;
  const line = Buffer.allocUnsafe(head.length + object.length + 2);
  line.write(head, 0, "latin1");
  line.set(object, head.length);
  line.write("}\n", head.length + object.length, "latin1");
  return line;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
}

/**
 * Objects by key with indexes that are kept up to date object by object: nothing is ever scanned to answer a question,
 * and an update that leaves an object's index values as they were touches no index.
 * Not here: where objects come from (reflector.ts), who is told (shared-informer.ts).
 */
import { assert } from "../../base/index.ts";
import type { KubeObject } from "../../machinery/index.ts";
import type { Lister } from "./informer.ts";

interface Entry<T> {
  object: T;
  /** Per index, in the order of `#indexes`: the values that this object is filed under. */
  readonly filed: (readonly string[])[];
}

interface Index<T> {
  readonly of: (object: T) => readonly string[];
  readonly buckets: Map<string, Set<Entry<T>>>;
}

export class ObjectCache<T extends KubeObject> implements Lister<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #indexes: Index<T>[] = [];
  readonly #positions = new Map<string, number>();
  readonly #namespaces: Index<T> = { of: (object) => [object.metadata.namespace ?? ""], buckets: new Map() };

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.object;
  }

  list(namespace?: string): readonly T[] {
    return namespace === undefined
      ? objectsOf(this.#entries.values())
      : bucketObjects(this.#namespaces.buckets.get(namespace));
  }

  byIndex(index: string, value: string): readonly T[] {
    const position = this.#positions.get(index);
    assert(position !== undefined, "unknown index", index);
    return bucketObjects(this.#indexes[position]!.buckets.get(value));
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** Files what is cached already. Adding the same function again under the same name changes nothing. */
  addIndex(name: string, of: (object: T) => readonly string[]): void {
    const known = this.#positions.get(name);
    if (known !== undefined) {
      assert(this.#indexes[known]!.of === of, "two indexes of one name", name);
      return;
    }
    const index: Index<T> = { of, buckets: new Map() };
    this.#positions.set(name, this.#indexes.push(index) - 1);
    for (const entry of this.#entries.values()) {
      const values = of(entry.object);
      entry.filed.push(values);
      file(index, entry, values);
    }
  }

  /** Adds or replaces. @returns the object before. */
  set(key: string, object: T): T | undefined {
    const known = this.#entries.get(key);
    if (known === undefined) {
      const entry: Entry<T> = { object, filed: this.#indexes.map((index) => index.of(object)) };
      this.#entries.set(key, entry);
      file(this.#namespaces, entry, this.#namespaces.of(object));
      this.#indexes.forEach((index, at) => file(index, entry, entry.filed[at]!));
      return undefined;
    }
    const before = known.object;
    known.object = object;
    this.#indexes.forEach((index, at) => refile(index, known, at));
    return before;
  }

  /** @returns the object that was there. */
  remove(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    unfile(this.#namespaces, entry, this.#namespaces.of(entry.object));
    this.#indexes.forEach((index, at) => unfile(index, entry, entry.filed[at]!));
    return entry.object;
  }
}

function refile<T>(index: Index<T>, entry: Entry<T>, at: number): void {
  const before = entry.filed[at]!;
  const after = index.of(entry.object);
  if (before.length === after.length && before.every((value, i) => value === after[i])) return;
  unfile(index, entry, before);
  file(index, entry, after);
  entry.filed[at] = after;
}

function file<T>(index: Index<T>, entry: Entry<T>, values: readonly string[]): void {
  for (const value of values) {
    const bucket = index.buckets.get(value);
    if (bucket === undefined) index.buckets.set(value, new Set([entry]));
    else bucket.add(entry);
  }
}

function unfile<T>(index: Index<T>, entry: Entry<T>, values: readonly string[]): void {
  for (const value of values) {
    const bucket = index.buckets.get(value);
    bucket?.delete(entry);
    if (bucket?.size === 0) index.buckets.delete(value);
  }
}

function bucketObjects<T>(bucket: Set<Entry<T>> | undefined): readonly T[] {
  return bucket === undefined ? [] : objectsOf(bucket);
}

function objectsOf<T>(entries: Iterable<Entry<T>>): readonly T[] {
  const objects: T[] = [];
  for (const entry of entries) objects.push(entry.object);
  return objects;
}

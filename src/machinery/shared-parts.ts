/**
 * One copy of what objects have in common. Pods of one template and nodes of one make repeat the same containers, tolerations,
 * labels and conditions thousands of times.
 *
 *   pod a ─▶ spec ─▶ containers ─┐            pod b ─▶ spec ─▶ containers ─┐
 *                    affinity    └─▶ [{…}] ◀─────────────────────────────┘
 *
 * Parts that were seen lately lie in a table of fixed size, by a hash of their first levels. A part that is there by the same
 * hash is compared through and through, so a clash of hashes costs the saving and nothing else.
 * Not here: freezing. Who shares parts promises not to change them.
 */

/** Places of the table, a power of two. */
const placesMax = 1024;
/** What the parts in the table may hold together, in bytes, roughly: 1 MiB. Beyond it the table is emptied. */
const tableBytesMax = 1 << 20;
/** Members that are looked at for one object: a pod has about 150. What comes after them is not shared. */
const membersMax = 4096;
/** Parts that reach further down are not shared. */
const depthMax = 12;
/** Members of each level whose values make the hash of a part, and levels below its own. */
const hashedMembersMax = 6;
const hashedLevels = 1;
const arraySeed = 0x9e37;
const multiplier = 0x9e3779b1;
/** A member in memory, in bytes, roughly. */
const memberBytes = 16;

type Part = Readonly<Record<string, unknown>>;

export class SharedParts {
  readonly #table: (object | undefined)[] = Array.from({ length: placesMax }, () => undefined);
  #tableBytes = 0;
  /** Members that may still be looked at for the present object. */
  #members = 0;

  /**
   * An object equal to `object`, members in the same order, whose parts are those of earlier objects where they are equal.
   * `object` and its parts are not changed; they may be in the result, and in those of later calls. The object itself, its
   * `metadata` and other objects directly below it are never those of an earlier object.
   * @param before the state that `object` came from: parts that are the same in both are passed over.
   */
  share<T extends object>(object: T, before?: object): T {
    this.#members = membersMax;
    return this.#outer(object as Part, before as Part | undefined, 2) as T;
  }

  #outer(object: Part, before: Part | undefined, levels: number): Part {
    let copy: Record<string, unknown> | undefined;
    for (const name of Object.keys(object)) {
      const value = object[name];
      if (!isPart(value) || value === before?.[name]) continue;
      const shared =
        levels > 1 && !Array.isArray(value)
          ? this.#outer(value, asPart(before?.[name]), levels - 1)
          : this.#shared(value, 0);
      if (shared === value) continue;
      (copy ??= { ...object })[name] = shared;
    }
    return copy ?? object;
  }

  #shared(part: Part, depth: number): Part {
    if (this.#members <= 0 || depth > depthMax) return part;
    const place = hashOf(part, hashedLevels) & (placesMax - 1);
    for (const at of [place, place ^ 1]) {
      const known = this.#table[at];
      if (known !== undefined && (known === part || this.#isSame(known as Part, part, depth)))
        return known as Part;
    }
    const made = Array.isArray(part)
      ? (this.#sharedItems(part as readonly unknown[], depth) as unknown as Part)
      : this.#sharedMembers(part, depth);
    this.#keep(made, place);
    return made;
  }

  #sharedItems(items: readonly unknown[], depth: number): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (let at = 0; at < items.length && --this.#members > 0; at++) {
      const item = items[at];
      if (!isPart(item)) continue;
      const shared = this.#shared(item, depth + 1);
      if (shared !== item) (copy ??= [...items])[at] = shared;
    }
    return copy ?? items;
  }

  #sharedMembers(part: Part, depth: number): Part {
    let copy: Record<string, unknown> | undefined;
    for (const name of Object.keys(part)) {
      if (--this.#members <= 0) return part;
      const value = part[name];
      if (!isPart(value)) continue;
      const shared = this.#shared(value, depth + 1);
      if (shared !== value) (copy ??= { ...part })[name] = shared;
    }
    return copy ?? part;
  }

  /** The newest of two parts with one hash comes first, the other one second. */
  #keep(part: Part, place: number): void {
    // Without what lies below: that has been kept, and counted, by itself.
    this.#tableBytes += Array.isArray(part) ? part.length * memberBytes : ownBytes(part);
    if (this.#tableBytes > tableBytesMax) {
      this.#table.fill(undefined);
      this.#tableBytes = 0;
    }
    this.#table[place ^ 1] = this.#table[place];
    this.#table[place] = part;
  }

  #isSame(one: Part, other: Part, depth: number): boolean {
    if (depth > depthMax || Array.isArray(one) !== Array.isArray(other)) return false;
    if (Array.isArray(one)) return this.#areSameItems(one, other as unknown as readonly unknown[], depth);
    const names = Object.keys(one);
    const others = Object.keys(other);
    if (names.length !== others.length || (this.#members -= names.length) <= 0) return false;
    for (let at = 0; at < names.length; at++) {
      const name = names[at]!;
      if (name !== others[at] || !this.#isSameValue(one[name], other[name], depth)) return false;
    }
    return true;
  }

  #areSameItems(one: readonly unknown[], other: readonly unknown[], depth: number): boolean {
    if (one.length !== other.length || (this.#members -= one.length) <= 0) return false;
    for (let at = 0; at < one.length; at++) if (!this.#isSameValue(one[at], other[at], depth)) return false;
    return true;
  }

  #isSameValue(one: unknown, other: unknown, depth: number): boolean {
    return one === other || (isPart(one) && isPart(other) && this.#isSame(one, other, depth + 1));
  }
}

function ownBytes(part: Part): number {
  let bytes = 0;
  for (const name of Object.keys(part)) {
    const value = part[name];
    bytes += memberBytes + (typeof value === "string" ? value.length : 0);
  }
  return bytes;
}

/** Plain objects and arrays; not values of a class, such as RawJson. */
function isPart(value: unknown): value is Part {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype;
}

function asPart(value: unknown): Part | undefined {
  return isPart(value) ? value : undefined;
}

/**
 * Of the number of members and what the first of them hold: strings by their length and some of their characters, objects and
 * arrays by theirs, `levels` deep.
 */
function hashOf(part: Part, levels: number): number {
  const values = Array.isArray(part) ? (part as readonly unknown[]) : Object.values(part);
  let hash = values.length + (Array.isArray(part) ? arraySeed : 0);
  for (let at = 0; at < values.length && at < hashedMembersMax; at++)
    hash = Math.imul(hash ^ hashOfValue(values[at], levels), multiplier) ^ (hash >>> 15);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function hashOfValue(value: unknown, levels: number): number {
  if (typeof value === "string") return hashOfText(value);
  if (typeof value === "number") return value | 0;
  if (typeof value === "boolean") return value ? 1 : 2;
  return levels > 0 && isPart(value) ? hashOf(value, levels - 1) : 3;
}

function hashOfText(text: string): number {
  const { length } = text;
  if (length === 0) return 4;
  const [first, middle] = [text.charCodeAt(0), text.charCodeAt(length >> 1)];
  const [last, beforeLast] = [text.charCodeAt(length - 1), text.charCodeAt(length > 1 ? length - 2 : 0)];
  return length + (first << 4) + (middle << 9) + (last << 14) + (beforeLast << 19);
}

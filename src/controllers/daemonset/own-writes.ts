/**
 * Stale-read protection (section 4): the newest versions that this controller wrote for each DaemonSet. A sync waits
 * until the caches have seen them, so it never decides on a picture older than its own last write.
 * An addition to expectations, not a replacement: versions of servers that are no integers are ignored.
 * Upstream: kubernetes v1.36 development, pkg/controller/util/consistency.
 */

/** The kinds that the controller writes and whose cache it decides by. */
export type WrittenResource = "pods" | "daemonsets";

/** Key and UID of a DaemonSet. */
interface WriteOwner {
  readonly key: string;
  readonly uid: string;
}

interface OwnerRecord {
  readonly uid: string;
  readonly written: Map<WrittenResource, string>;
}

/**
 * Compares two resourceVersions as non-negative integers of any size.
 * @returns below zero, zero or above; undefined when one of them is no integer.
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (!isVersion(a) || !isVersion(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Versioned {
  readonly resourceVersion?: string;
}

/** Whether `state` stands before `known` in the history of one object. */
export function isOlder(state: Versioned, known: Versioned): boolean {
  const order = compareVersions(state.resourceVersion ?? "", known.resourceVersion ?? "");
  return order !== undefined && order < 0;
}

function isVersion(text: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(text);
}

export class OwnWrites {
  readonly #records = new Map<string, OwnerRecord>();

  /** Remembers a version if it is the highest yet. A record of another UID is replaced. */
  raise({ key, uid }: WriteOwner, resource: WrittenResource, version: string): void {
    if (!isVersion(version)) return;
    let record = this.#records.get(key);
    if (record === undefined || record.uid !== uid) {
      record = { uid, written: new Map() };
      this.#records.set(key, record);
    }
    const known = record.written.get(resource);
    if (known === undefined || (compareVersions(version, known) ?? 0) > 0)
      record.written.set(resource, version);
  }

  /**
   * The first resource whose cache is behind, or undefined; then the record is dropped.
   * @param seen the newest version that each cache has seen.
   */
  behind(key: string, uid: string, seen: (resource: WrittenResource) => string): WrittenResource | undefined {
    const record = this.#records.get(key);
    if (record === undefined) return undefined;
    if (record.uid === uid) {
      for (const [resource, version] of record.written) {
        const order = compareVersions(seen(resource), version);
        if (order !== undefined && order < 0) return resource;
      }
    }
    this.#records.delete(key);
    return undefined;
  }

  delete(key: string): void {
    this.#records.delete(key);
  }
}

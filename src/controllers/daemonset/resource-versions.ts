/**
 * Order of resourceVersions. Only versions that are non-negative integers have one, as those of our server and of newer
 * Kubernetes servers do. Others are opaque: they are never older and never newer.
 */

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

export function isVersion(text: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(text);
}

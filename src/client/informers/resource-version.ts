/**
 * The one place outside the server where resourceVersions are compared for order, and only when both are decimal:
 * our server and newer Kubernetes promise that they grow. All others are opaque and never count as older.
 */

/** True when both are decimal numbers and `candidate` is less than `seen`: a late event. */
export function isOlder(candidate: string, seen: string): boolean {
  if (!isDecimal(candidate) || !isDecimal(seen)) return false;
  return candidate.length === seen.length ? candidate < seen : candidate.length < seen.length;
}

/** True when both are decimal numbers and `seen` is not less than `version`. */
export function hasReached(seen: string, version: string): boolean {
  return isDecimal(seen) && isDecimal(version) && !isOlder(seen, version);
}

/** Without a leading zero, numbers of any size compare by length, then as text. */
function isDecimal(text: string): boolean {
  return /^[1-9][0-9]*$/.test(text);
}

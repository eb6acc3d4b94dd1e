/**
 * JSON merge patch, RFC 7386. Not here: strategic merge (strategic-merge-patch.ts), JSON patch (json-patch.ts).
 */
import { copyJson, getOwn, isObject, type JsonObject, setOwn, unwrapRaw } from "./objects.ts";

/**
 * null deletes a key, objects merge, all else replaces. Neither input is changed; untouched parts of `live` are shared
 * with the result.
 */
export function jsonMergePatch(live: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return copyJson(patch);
  const base = unwrapRaw(live);
  const merged: JsonObject = {};
  if (isObject(base)) {
    for (const key of Object.keys(base)) {
      if (getOwn(patch, key) !== null) setOwn(merged, key, base[key]);
    }
  }
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value !== null && value !== undefined)
      setOwn(merged, key, jsonMergePatch(getOwn(merged, key), value));
  }
  return merged;
}

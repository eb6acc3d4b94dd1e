/**
 * References of images: which pull policy a reference gets. Not here: pulling (agent).
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go, pkg/util/parsers/parsers.go.
 */

/**
 * `Always` for the tag `latest`, and for a reference without tag and digest. `IfNotPresent` for all others, and for a text
 * that is no reference.
 */
export function defaultPullPolicy(image: string | undefined): "Always" | "IfNotPresent" {
  if (image === undefined || image === "") return "IfNotPresent";
  const at = image.indexOf("@");
  const named = at < 0 ? image : image.slice(0, at);
  const lastSlash = named.lastIndexOf("/");
  const colon = named.indexOf(":", lastSlash + 1);
  const tag = colon < 0 ? "" : named.slice(colon + 1);
  const repository = colon < 0 ? named : named.slice(0, colon);
  const firstSlash = repository.indexOf("/");
  const first = firstSlash < 0 ? "" : repository.slice(0, firstSlash);
  const isHost = /[.:]/.test(first) || first === "localhost" || /[A-Z]/.test(first);
  const path = isHost ? repository.slice(firstSlash + 1) : repository;
  if (!/^[a-z0-9]+([._/-]+[a-z0-9]+)*$/.test(path)) return "IfNotPresent";
  if (tag === "") return at < 0 ? "Always" : "IfNotPresent";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

/**
 * Images of simulated runtimes: which can be pulled, and how large they are. Pure.
 * Not here: how long a pull takes (behaviour.ts, runtime.ts). Documented for users in docs/simulated-nodes.md.
 * The texts are a kubelet's over containerd.
 */
import { fnv1a32 } from "../../../machinery/index.ts";

/** Tags that no image has: what upstream's tests and people write when they want a pull to fail. */
const missingTags: ReadonlySet<string> = new Set(["non-existent", "nonexistent", "does-not-exist"]);
const defaultHost = "docker.io";

interface Reference {
  readonly host: string;
  readonly repository: string;
  /** Absent with a digest, which says more. */
  readonly tag?: string;
  /** With host, and with a tag or digest. */
  readonly full: string;
}

/**
 * Why a pull of this image fails, or undefined when it works. Names under `.invalid` never resolve (RFC 2606).
 * @param missing images that the registry is to lack; `*` stands for any text.
 */
export function pullErrorOf(image: string, missing: readonly string[] = []): string | undefined {
  const { host, repository, tag = "", full } = referenceOf(image);
  const unresolved = `failed to pull and unpack image "${full}": failed to resolve reference "${full}": `;
  const name = host.replace(/:\d+$/, "");
  if (name.endsWith(".invalid")) {
    const manifest = `https://${host}/v2/${repository}/manifests/${tag === "" ? full.slice(full.indexOf("@") + 1) : tag}`;
    return `${unresolved}failed to do request: Head "${manifest}": dial tcp: lookup ${name}: no such host`;
  }
  if (!missingTags.has(tag) && !missing.some((pattern) => matches(pattern, image))) return undefined;
  return `rpc error: code = NotFound desc = ${unresolved}${full}: not found`;
}

/** What a pull says that fails because somebody asked for it. */
export function askedPullErrorOf(image: string): string {
  return `failed to pull and unpack image "${image}": not found (simulated by lares.dev/simulate)`;
}

/** A plausible size that stays the same for the same image. */
export function imageBytes(image: string): number {
  return 20_000_000 + (fnv1a32(image) % 180_000_000);
}

/** As containerd completes a name: `web` is `docker.io/library/web:latest`. */
function referenceOf(image: string): Reference {
  const slash = image.indexOf("/");
  const first = slash < 0 ? "" : image.slice(0, slash);
  const hasHost = first === "localhost" || /[.:]/.test(first);
  const host = hasHost ? first : defaultHost;
  const path = hasHost ? image.slice(slash + 1) : `${slash < 0 ? "library/" : ""}${image}`;
  const at = path.indexOf("@");
  const named = at < 0 ? path : path.slice(0, at);
  const colon = named.lastIndexOf(":");
  const repository = colon < 0 ? named : named.slice(0, colon);
  if (at >= 0) return { host, repository, full: `${host}/${path}` };
  const tag = colon < 0 ? "latest" : named.slice(colon + 1);
  return { host, repository, tag, full: `${host}/${repository}:${tag}` };
}

/** The whole text, in time linear in it for each `*`: the parts between them have to be found in order. */
function matches(pattern: string, text: string): boolean {
  const [start = "", ...others] = pattern.split("*");
  const end = others.pop();
  if (end === undefined) return text === pattern;
  if (text.length < start.length + end.length || !text.startsWith(start) || !text.endsWith(end)) return false;
  const middle = text.slice(start.length, text.length - end.length);
  let from = 0;
  for (const part of others) {
    const found = middle.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return true;
}

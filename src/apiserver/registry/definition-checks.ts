/**
 * What has to hold of the definitions of everything that is served together.
 * Not here: what clients may write into a definition of their own (whoever makes a definition of it).
 */
import { assert } from "../../base/index.ts";
import type { Resource } from "../../machinery/index.ts";
import type { ResourceDefinition, Subresource } from "./definition.ts";
import { statusView } from "./status-view.ts";

/** Where the objects of a resource stand in the store. */
export function storePrefix(resource: Pick<Resource, "group" | "resource">): string {
  return `/${resource.group === "" ? "core" : resource.group}/${resource.resource}/`;
}

export function pathOf({ group, version, resource }: Resource): string {
  return `${group}/${version}/${resource}`;
}

/** False for what only answers, and for what is stored as another. */
export function hasStorage({ kind, answers }: ResourceDefinition): boolean {
  return answers === undefined && kind.storedAs === undefined;
}

/** With the view `status`, which need not be given. */
export function subresourcesOf({ kind, subresources }: ResourceDefinition): ReadonlyMap<string, Subresource> {
  const own = Object.entries(subresources ?? {});
  return new Map(kind.hasStatusSubresource ? [...own, ["status", statusView(kind.rules)]] : own);
}

/** @throws defect when they contradict each other, or one promises what nobody does. */
export function checkDefinitions(definitions: readonly ResourceDefinition[]): void {
  const paths = new Map<string, ResourceDefinition>();
  const prefixes = new Set<string>();
  for (const definition of definitions) {
    const { resource } = definition.kind;
    const path = pathOf(resource);
    assert(!paths.has(path), "a resource is served twice", { path });
    paths.set(path, definition);
    checkDefinition(definition);
    if (!hasStorage(definition)) continue;
    const prefix = storePrefix(resource);
    assert(!prefixes.has(prefix), "two resources have one place in the store", { prefix });
    prefixes.add(prefix);
  }
  for (const { kind } of definitions) {
    const storage = kind.storedAs === undefined ? undefined : paths.get(pathOf(kind.storedAs));
    const isThere = kind.storedAs === undefined || (storage !== undefined && hasStorage(storage));
    assert(isThere, "a resource is stored as one that is not", { path: pathOf(kind.resource) });
  }
}

const viewVerbs = new Set(["get", "update", "patch"]);

/** What a definition promises by its verbs somebody does. */
function checkDefinition(definition: ResourceDefinition): void {
  const { kind, answers, shape } = definition;
  const { resource, verbs } = kind;
  const about = { group: resource.group, resource: resource.resource };
  const isRead = verbs.includes("get");
  assert(isRead !== (answers !== undefined), "a resource is either stored or answers", about);
  assert(
    (kind.storedAs === undefined) === (shape === undefined),
    "what is stored as another has a shape",
    about,
  );
  if (answers !== undefined) checkVerbs(answers, verbs, about);
  const given = subresourcesOf(definition);
  assert(given.size === kind.subresources.length, "discovery tells of other subresources", about);
  for (const { name, verbs: promised } of kind.subresources) {
    const subresource = given.get(name);
    assert(subresource !== undefined, "nobody does what a subresource promises", { ...about, name });
    checkVerbs(subresource, promised, { ...about, name });
  }
}

function checkVerbs(subresource: Subresource, promised: readonly string[], about: object): void {
  const done =
    subresource.as === "view"
      ? promised.filter((verb) => viewVerbs.has(verb))
      : Object.keys(subresource.verbs);
  const isSame = done.length === promised.length && promised.every((verb) => done.includes(verb));
  assert(isSame, "verbs that are promised are not those that are done", { ...about, promised, done });
}

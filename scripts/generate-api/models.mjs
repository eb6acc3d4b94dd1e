/**
 * Reads the attribute tables of @kubernetes/client-node and names every reachable type as the schemas do
 * (`apps.v1.DaemonSet`). Not here: what is written from them (write-*.mjs).
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

/** Plain text after `*` lines of a doc comment, unescaped. */
function cleanComment(text) {
  return text
    .split("\n")
    .map((line) => line.replace(/^\s*\*? ?/, ""))
    .join(" ")
    .replace(/\\'/g, "'")
    .replace(/\\"/g, '"')
    .trim();
}

function readDeclarations(folder, model) {
  const text = readFileSync(join(folder, `${model}.d.ts`), "utf8");
  const required = new Set();
  const descriptions = new Map();
  for (const match of text.matchAll(/(?:\/\*\*\n((?:(?!\*\/)[\s\S])*?)\*\/\n)?    '([^']+)'(\?)?: [^;]+;/g)) {
    if (match[3] === undefined) required.add(match[2]);
    if (match[1] !== undefined) descriptions.set(match[2], cleanComment(match[1]));
  }
  const own = /\/\*\*\n((?:(?!\*\/)[\s\S])*?)\*\/\nexport declare class/.exec(text);
  return { required, descriptions, description: own === null ? "" : cleanComment(own[1]) };
}

/** `Array<V1Pod>` → { list: true, of: "V1Pod" }, and so on. */
function parseType(type) {
  let match = /^Array<(.+)>$/.exec(type);
  if (match !== null) return { shape: "list", of: match[1] };
  match = /^\{ \[key: string\]: (.+); \}$/.exec(type);
  if (match !== null) return { shape: "map", of: match[1] };
  return { shape: "one", of: type };
}

const isModel = (name) => /^(V\d|[A-Z][a-z]+V\d)/.test(name) && name !== "V1MicroTime";

async function readModel(folder, model) {
  const module = await import(pathToFileURL(join(folder, `${model}.js`)).href);
  const declared = readDeclarations(folder, model);
  const properties = module[model].getAttributeTypeMap().map((attribute) => {
    // The generator of the models escapes a few names (`_continue`, `_from`); baseName is the JSON name.
    const { shape, of } = parseType(attribute.type);
    return {
      name: attribute.baseName,
      shape,
      of,
      format: attribute.format,
      required: declared.required.has(attribute.name),
      description: declared.descriptions.get(attribute.name) ?? "",
    };
  });
  properties.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { model, description: declared.description, properties };
}

const bareName = (model) => model.replace(/^([A-Z][a-z]+)?V\d(?=[A-Z])/, "");

/**
 * Every type reachable from the roots, by schema name. A type takes its group from the wire schema where that
 * has it, else from the root that reaches it first.
 */
export async function readTypes(folder, roots, wire) {
  const byModel = new Map();
  const wireNames = new Map();
  for (const name of wire.keys()) {
    const bare = name.split(".").pop();
    wireNames.set(bare, [...(wireNames.get(bare) ?? []), name]);
  }
  const nameOf = (model, group) => {
    const bare = bareName(model);
    const known = wireNames.get(bare) ?? [];
    const same = known.find((name) => name.startsWith(`${group}.`));
    return same ?? (known.length === 1 ? known[0] : `${group}.v1.${bare}`);
  };
  const queue = roots.map((root) => ({ model: root.model, schema: root.schema }));
  while (queue.length > 0) {
    const { model, schema } = queue.shift();
    if (byModel.has(model)) continue;
    const read = await readModel(folder, model);
    byModel.set(model, { ...read, schema });
    const group = schema.split(".")[0];
    for (const property of read.properties) {
      if (isModel(property.of)) queue.push({ model: property.of, schema: nameOf(property.of, group) });
    }
  }
  for (const type of byModel.values()) {
    for (const property of type.properties) {
      property.reference = byModel.get(property.of)?.schema;
    }
  }
  return new Map(
    [...byModel.values()].sort((a, b) => (a.schema < b.schema ? -1 : 1)).map((type) => [type.schema, type]),
  );
}

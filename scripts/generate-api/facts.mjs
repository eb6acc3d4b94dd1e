/**
 * Reads the fact files: field numbers and pointer marks (protobuf.txt), list kinds (list-types.txt), root kinds.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const lines = (path) =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

/** Schema name → fields of the wire: { number, name, list, pointer, embedded, type }. Embedded structs stay marked. */
export function readWire(folder) {
  const types = new Map();
  for (const line of lines(join(folder, "protobuf.txt"))) {
    const match = /^(\S+) \{ (.*) \}$/.exec(line);
    if (match === null) throw new Error(`protobuf.txt: cannot read: ${line}`);
    const fields = match[2].split("; ").map((text) => {
      const field = /^(\d+) (\w+)(\[\])?([?!])?:(\S+)$/.exec(text);
      if (field === null) throw new Error(`protobuf.txt: ${match[1]}: cannot read: ${text}`);
      return {
        number: Number(field[1]),
        name: field[2],
        list: field[3] !== undefined,
        pointer: field[4] === "?",
        embedded: field[4] === "!",
        type: field[5],
      };
    });
    types.set(match[1], fields);
  }
  return types;
}

function readStrategy(text) {
  const [smp, ...rest] = text.split("/");
  const apply = rest.join("/");
  const merge = /^M(K)?(?:\((\w+)\))?$/.exec(smp);
  const entry = {};
  if (merge !== null) {
    entry.merge = true;
    if (merge[1] !== undefined) entry.retainKeys = true;
    if (merge[2] !== undefined) entry.mergeKey = merge[2];
  }
  const map = /^map\((.+)\)$/.exec(apply);
  if (map !== null) {
    entry.listType = "map";
    entry.listKeys = map[1].split("+");
  } else if (apply === "map atomic") entry.mapType = "atomic";
  else if (apply !== "") entry.listType = apply;
  return entry;
}

/** { fields: schema → field → strategy, replaced: set of "schema.field", atomic: set of schemas }. */
export function readListTypes(folder) {
  const fields = new Map();
  const replaced = new Set();
  const atomic = new Set();
  for (const line of lines(join(folder, "list-types.txt"))) {
    if (line.startsWith("replaced: ")) {
      for (const match of line.slice(10).matchAll(/([\w.]+?\.v1\.\w+)\.(?:\{([^}]+)\}|(\w+))/g)) {
        for (const field of (match[2] ?? match[3]).split(",")) replaced.add(`${match[1]}.${field}`);
      }
    } else if (line.startsWith("atomic: ")) {
      for (const name of line.slice(8).split(", ")) atomic.add(name);
    } else {
      const [type, rest] = line.split(" | ");
      const entries = rest.split("; ").map((text) => {
        const space = text.indexOf(" ");
        return [text.slice(0, space), readStrategy(text.slice(space + 1))];
      });
      fields.set(type, new Map(entries));
    }
  }
  return { fields, replaced, atomic };
}

/** Root kinds: { schema, model }, in the order of the file. */
export function readKinds(folder) {
  const { models } = JSON.parse(readFileSync(join(folder, "kinds.json"), "utf8"));
  return Object.entries(models).map(([schema, model]) => ({ schema, model }));
}

/** Sets of "schema.field". */
export function readGoEncoding(folder) {
  const result = { pointer: new Set(), always: new Set() };
  for (const line of lines(join(folder, "go-encoding.txt"))) {
    const [what, schema, ...fields] = line.split(" ");
    for (const field of fields) result[what].add(`${schema}.${field}`);
  }
  return result;
}

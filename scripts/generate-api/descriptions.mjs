/**
 * Reads kubernetes-types: descriptions of every field (objects too) and which fields are quantities.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Schema name → { description, fields: name → { description, isQuantity } }. */
export function readDescriptions(folder, schemas) {
  const found = new Map();
  for (const group of new Set([...schemas].map((schema) => schema.split(".").slice(0, 2).join("/")))) {
    const path = join(folder, `${group}.d.ts`);
    if (!existsSync(path)) continue;
    const text = readFileSync(path, "utf8");
    const pattern =
      /(?:\/\*\* ((?:(?!\*\/).)*) \*\/\n)?export interface (\w+)(?: extends [^{]+)? \{\n([\s\S]*?)\n\}/g;
    for (const [, description, name, body] of text.matchAll(pattern)) {
      const fields = new Map();
      for (const field of body.matchAll(
        /(?:\/\*\* ((?:(?!\*\/).)*) \*\/\n\s*)?(?:readonly )?"?([\w$]+)"?\??: ([^;]+(?:\{[^}]*\})?[^;]*);/g,
      )) {
        fields.set(field[2], { description: field[1] ?? "", isQuantity: /\bQuantity\b/.test(field[3]) });
      }
      found.set(group.replace("/", ".") + "." + name, { description: description ?? "", fields });
    }
  }
  return found;
}

/** Fields added after 1.30, which kubernetes-types does not have. */
const laterQuantities = new Set(["core.v1.PodStatus.allocatedResources"]);

/** Adds descriptions and quantities, which client models lack, to `types`. */
export function completeTypes(types, described, wire) {
  for (const type of types.values()) {
    const known = described.get(type.schema);
    if (type.description === "") type.description = known?.description ?? "";
    const wireFields = new Map((wire.get(type.schema) ?? []).map((field) => [field.name, field]));
    for (const property of type.properties) {
      const field = known?.fields.get(property.name);
      if (property.description === "") property.description = field?.description ?? "";
      const onWire = wireFields.get(property.name)?.type ?? "";
      property.isQuantity =
        (field?.isQuantity ?? false) ||
        /^(map<)?Quantity>?$/.test(onWire) ||
        laterQuantities.has(`${type.schema}.${property.name}`);
    }
  }
}

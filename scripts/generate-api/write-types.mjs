/**
 * Writes the TypeScript interfaces. Shared machinery types (ObjectMeta, LabelSelector, ...) are imported, not made.
 */

/** Types that machinery owns. */
const fromMachinery = new Map([
  ["meta.v1.ObjectMeta", "ObjectMeta"],
  ["meta.v1.OwnerReference", "OwnerReference"],
  ["meta.v1.ManagedFieldsEntry", "ManagedFieldsEntry"],
  ["meta.v1.ListMeta", "ListMeta"],
  ["meta.v1.LabelSelector", "LabelSelector"],
  ["meta.v1.LabelSelectorRequirement", "LabelSelectorRequirement"],
]);

const own = new Map([
  ["discovery.v1.EndpointPort", "DiscoveryV1EndpointPort"],
  ["events.v1.Event", "EventsV1Event"],
  ["events.v1.EventSeries", "EventsV1EventSeries"],
]);

function typeName(schema) {
  return fromMachinery.get(schema) ?? own.get(schema) ?? schema.split(".").pop();
}

const scalars = {
  string: "string",
  number: "number",
  boolean: "boolean",
  Date: "string",
  V1MicroTime: "string",
};

function baseType(property) {
  if (property.reference !== undefined) return typeName(property.reference);
  if (property.of === "IntOrString") return "IntOrString";
  if (property.of === "any") return "unknown";
  if (property.of === "Array<string>") return "readonly string[]";
  const scalar = scalars[property.of];
  if (scalar === undefined) throw new Error(`unknown attribute type ${property.of}`);
  return scalar;
}

function propertyType(property) {
  const base = baseType(property);
  if (property.shape === "list") return `readonly ${base}[]`;
  if (property.shape === "map") return `Readonly<Record<string, ${base}>>`;
  return base;
}

const safeKey = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

/** In every kind the spec is a struct, not a pointer, so it is always present after decoding. */
function isRequired(type, property, roots) {
  if (property.name === "spec" && (roots.has(type.schema) || type.schema === "core.v1.PodTemplateSpec"))
    return true;
  if (property.name === "metadata" && roots.has(type.schema)) return true;
  return property.required;
}

/** A time that Go always writes is null when there is none. */
function isNullable(type, property, go) {
  const isTime = property.of === "Date" || property.of === "V1MicroTime";
  return (
    isTime &&
    property.shape === "one" &&
    (property.required || go.always.has(`${type.schema}.${property.name}`))
  );
}

function writeInterface(type, roots, go) {
  const isRoot = roots.has(type.schema);
  const lines = [];
  for (const property of type.properties) {
    if (isRoot && ["apiVersion", "kind", "metadata"].includes(property.name)) continue;
    const mark = isRequired(type, property, roots) ? "" : "?";
    const orNull = isNullable(type, property, go) ? " | null" : "";
    lines.push(`  readonly ${safeKey(property.name)}${mark}: ${propertyType(property)}${orNull};`);
  }
  const name = typeName(type.schema);
  const head = `/** ${type.schema} @public */\nexport interface ${name}${isRoot ? " extends KubeObject" : ""} {`;
  return `${head}\n${lines.join("\n")}\n}\n`;
}

export function writeTypes(types, { kinds, go }, header) {
  const roots = new Set(
    kinds.filter((kind) => kind.schema !== "meta.v1.DeleteOptions").map((kind) => kind.schema),
  );
  const bodies = [];
  const used = new Set();
  for (const type of types.values()) {
    for (const property of type.properties) {
      if (property.of === "IntOrString") used.add("IntOrString");
      if (fromMachinery.has(property.reference) && !fromMachinery.has(type.schema)) {
        if (!(roots.has(type.schema) && property.name === "metadata")) used.add(typeName(property.reference));
      }
    }
    if (fromMachinery.has(type.schema)) continue;
    bodies.push(writeInterface(type, roots, go));
  }
  const imports = [...used, "KubeObject"].sort();
  return `${header}import type { ${imports.join(", ")} } from "../../machinery/index.ts";\n\n${bodies.join("\n")}`;
}

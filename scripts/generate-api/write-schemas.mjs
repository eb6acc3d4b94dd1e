/**
 * Writes the run-time schema table (compact text, read by src/api/schemas.ts) and the descriptions.
 * A line of the table is `schema = field; field; ...`, a field `name marks:type flags`:
 *   marks  * required in OpenAPI, ! always written, ? pointer
 *   type   [] list of, {} map of; s i32 i64 n b bytes q ios time mtime raw rawText, or @schema
 *   flags  M(key) merge, MK(key) merge with retainKeys, R replace; L(atomic|set|map:k+k); A atomic map; D(default);
 *          #3 number on the wire, #2.3 in the embedded struct that is number 2
 */

const scalarCodes = {
  string: "s",
  number: "n",
  boolean: "b",
  Date: "time",
  V1MicroTime: "mtime",
  IntOrString: "ios",
  any: "raw",
};

/** ControllerRevision.data must come back byte for byte. */
const rawText = new Set(["apps.v1.ControllerRevision.data"]);

function typeCode(schema, property) {
  if (rawText.has(`${schema}.${property.name}`)) return "rawText";
  if (property.reference !== undefined) return `@${property.reference}`;
  if (property.isQuantity) return "q";
  if (property.format === "byte") return "bytes";
  if (property.of === "Array<string>") return "[]s";
  if (property.of === "number" && property.format.startsWith("int"))
    return property.format === "int32" ? "i32" : "i64";
  const code = scalarCodes[property.of];
  if (code === undefined) throw new Error(`${schema}.${property.name}: unknown type ${property.of}`);
  return code;
}

function flags(schema, property, lists) {
  const entry = lists.fields.get(schema)?.get(property.name);
  const result = [];
  if (entry?.merge) result.push(`M${entry.retainKeys ? "K" : ""}(${entry.mergeKey ?? ""})`);
  if (entry?.listType === "map") result.push(`L(map:${entry.listKeys.join("+")})`);
  else if (entry?.listType === "granular") result.push("R");
  else if (entry?.listType !== undefined) result.push(`L(${entry.listType})`);
  else if (lists.replaced.has(`${schema}.${property.name}`)) result.push("L(atomic)");
  if (entry?.mapType === "atomic") result.push("A");
  if (property.name === "protocol" && /^core\.v1\.(Container|Service)Port$/.test(schema))
    result.push("D(TCP)");
  return result.length === 0 ? "" : ` ${result.join(" ")}`;
}

/** Fields on the wire, with embedded structs replaced by their fields; `address` is the text after `#`. */
function flatFields(wire, schema) {
  const group = schema.slice(0, schema.lastIndexOf("."));
  return (wire.get(schema) ?? []).flatMap((field) =>
    field.embedded
      ? wire
          .get(`${group}.${field.type}`)
          .map((inner) => ({ ...inner, address: `${field.number}.${inner.number}` }))
      : [{ ...field, address: String(field.number) }],
  );
}

/** Fields of 1.36, whose numbers are not among the facts: JSON only. */
const jsonOnly = new Set([
  "core.v1.PodSpec.schedulingGroup",
  "core.v1.PodSchedulingGroup.podGroupName",
  "core.v1.PodStatus.nodeAllocatableResourceClaimStatuses",
  "core.v1.NodeAllocatableResourceClaimStatus.containers",
  "core.v1.NodeAllocatableResourceClaimStatus.resourceClaimName",
  "core.v1.NodeAllocatableResourceClaimStatus.resources",
  "core.v1.ResourceHealth.message",
]);

const wireTypes = {
  s: /^string$/,
  i32: /^int32$/,
  i64: /^int64$/,
  b: /^bool$/,
  bytes: /^bytes$/,
  q: /^Quantity$/,
  ios: /^IntOrString$/,
  time: /^Time$/,
  mtime: /^MicroTime$/,
  raw: /^FieldsV1$/,
  rawText: /^RawExtension$/,
  "[]s": /^ExtraValue$/,
};

/** ` #3`, or nothing for a field that only JSON has. @throws Error when its type on the wire is not that of the schema. */
function wireFlag(schema, property, { field, isRoot }) {
  const name = `${schema}.${property.name}`;
  if (field === undefined) {
    if (jsonOnly.has(name) || (isRoot && /^(apiVersion|kind)$/.test(property.name))) return "";
    throw new Error(`protobuf.txt lacks ${name}`);
  }
  const code = typeCode(schema, property);
  const type = property.shape === "map" ? /^map<(\w+)>$/.exec(field.type)?.[1] : field.type;
  const isSame = code.startsWith("@") ? code.endsWith(`.${type}`) : wireTypes[code].test(type);
  if (!isSame || field.list !== (property.shape === "list"))
    throw new Error(`${name} is ${property.shape} of ${code}, on the wire ${field.type}`);
  return ` #${field.address}`;
}

/** Keeps types that machinery's own types leave out, because strict decoding must know their fields. */
export function writeSchemas(types, facts, header) {
  const { wire, lists, go, kinds } = facts;
  const roots = new Set(kinds.map((kind) => kind.schema));
  const text = [];
  for (const type of types.values()) {
    const wireFields = new Map(flatFields(wire, type.schema).map((field) => [field.name, field]));
    const fields = type.properties.map((property) => {
      const isRootStruct =
        roots.has(type.schema) &&
        /^(metadata|spec|status)$/.test(property.name) &&
        property.reference !== undefined &&
        type.schema !== "meta.v1.DeleteOptions";
      const isAlways = property.required || isRootStruct || go.always.has(`${type.schema}.${property.name}`);
      const onWire = wireFields.get(property.name);
      const isPointer = onWire?.pointer === true || go.pointer.has(`${type.schema}.${property.name}`);
      const marks = `${property.required ? "*" : ""}${isAlways ? "!" : ""}${isPointer ? "?" : ""}`;
      const shape = property.shape === "list" ? "[]" : property.shape === "map" ? "{}" : "";
      return `${property.name}${marks}:${shape}${typeCode(type.schema, property)}${flags(type.schema, property, lists)}${wireFlag(type.schema, property, { field: onWire, isRoot: roots.has(type.schema) })}`;
    });
    const atomic = lists.atomic.has(type.schema) ? " atomic" : "";
    text.push(`${type.schema}${atomic} = ${fields.join("; ")}`);
  }
  return `${header}/** One line per type; the notation is explained in scripts/generate-api/write-schemas.mjs. */\nexport const schemaText: string = \`\n${text.join("\n")}\n\`;\n`;
}

const common = new Set(["apiVersion", "kind", "metadata"]);

export function writeDescriptions(types, kinds, header) {
  const roots = new Set(kinds.map((kind) => kind.schema));
  const entries = [];
  for (const type of types.values()) {
    if (type.description !== "") entries.push([type.schema, type.description]);
    for (const property of type.properties) {
      if (property.description === "" || (roots.has(type.schema) && common.has(property.name))) continue;
      entries.push([`${type.schema}.${property.name}`, property.description]);
    }
  }
  const body = entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)},`).join("\n");
  const comment =
    "/** By type, or type and field. A function, so that the texts are not made before a document is asked for. */";
  return `${header}${comment}\nexport function describe(): Readonly<Record<string, string>> {\nreturn {\n${body}\n};\n}\n`;
}

export function checkFacts(types, facts) {
  const problems = [];
  const known = (name) => {
    const dot = name.lastIndexOf(".");
    return (
      types.get(name.slice(0, dot))?.properties.some((property) => property.name === name.slice(dot + 1)) ??
      false
    );
  };
  const names = [...facts.go.always, ...facts.go.pointer, ...facts.lists.replaced];
  for (const [schema, fields] of facts.lists.fields)
    for (const field of fields.keys()) names.push(`${schema}.${field}`);
  for (const name of names) if (!known(name)) problems.push(`facts name an unknown field: ${name}`);
  for (const name of facts.lists.atomic)
    if (!types.has(name)) problems.push(`facts name an unknown type: ${name}`);
  return problems;
}

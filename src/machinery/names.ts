/**
 * Rules for names, labels and keys, with upstream's texts in full.
 * Not here: which field takes which rule (api/).
 * Upstream: kubernetes v1.34, apimachinery/pkg/util/validation/validation.go.
 */

const dnsLabelMax = 63;
const dnsSubdomainMax = 253;
const qualifiedNameMax = 63;
const labelValueMax = 63;

const dnsLabelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dnsSubdomainPattern = `${dnsLabelPattern}(\\.${dnsLabelPattern})*`;
const dns1035Pattern = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedNamePattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValuePattern = `(${qualifiedNamePattern})?`;
const configMapKeyPattern = "[-._a-zA-Z0-9]+";

const dnsLabel = new RegExp(`^${dnsLabelPattern}$`);
const dnsSubdomain = new RegExp(`^${dnsSubdomainPattern}$`);
const dns1035 = new RegExp(`^${dns1035Pattern}$`);
const qualifiedName = new RegExp(`^${qualifiedNamePattern}$`);
const labelValue = new RegExp(`^${labelValuePattern}$`);
const configMapKey = new RegExp(`^${configMapKeyPattern}$`);

/** Names of most objects: `a.b-c`, at most 253 characters. Like all rules here, it returns no error for a valid value. */
export function dnsSubdomainErrors(value: string): string[] {
  const text =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [
    ...lengthErrors(value, dnsSubdomainMax),
    ...(dnsSubdomain.test(value) ? [] : [regexError(text, dnsSubdomainPattern, ["example.com"])]),
  ];
}

/** Names of namespaces, containers, volumes: at most 63 characters, no dots. */
export function dnsLabelErrors(value: string): string[] {
  const text =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  const errors = lengthErrors(value, dnsLabelMax);
  if (dnsLabel.test(value)) return errors;
  if (dnsSubdomain.test(value)) return [...errors, "must not contain dots"];
  return [...errors, regexError(text, dnsLabelPattern, ["my-name", "123-abc"])];
}

/** Names of services: as labels, but beginning with a letter. */
export function dns1035LabelErrors(value: string): string[] {
  const text =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [
    ...lengthErrors(value, dnsLabelMax),
    ...(dns1035.test(value) ? [] : [regexError(text, dns1035Pattern, ["my-name", "abc-123"])]),
  ];
}

/** Keys of labels, annotations, taints and resources: optional subdomain and slash, then a name. */
export function qualifiedNameErrors(value: string): string[] {
  const text =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const examples = ["MyName", "my.name", "123-abc"];
  const parts = value.split("/");
  if (parts.length > 2) {
    const whole = `a qualified name ${regexError(text, qualifiedNamePattern, examples)}`;
    return [`${whole} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const errors: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    if (prefix === "") errors.push("prefix part must be non-empty");
    else errors.push(...dnsSubdomainErrors(prefix).map((error) => `prefix part ${error}`));
  }
  const name = parts[parts.length - 1] ?? "";
  if (name === "") errors.push("name part must be non-empty");
  else if (byteLength(name) > qualifiedNameMax)
    errors.push(`name part ${maxLenError(qualifiedNameMax, "bytes")}`);
  if (!qualifiedName.test(name)) errors.push(`name part ${regexError(text, qualifiedNamePattern, examples)}`);
  return errors;
}

export function labelValueErrors(value: string): string[] {
  const text =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  return [
    ...lengthErrors(value, labelValueMax, "bytes"),
    ...(labelValue.test(value)
      ? []
      : [regexError(text, labelValuePattern, ["MyValue", "my_value", "12345"])]),
  ];
}

/** Keys of ConfigMaps and Secrets. */
export function configMapKeyErrors(value: string): string[] {
  const text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
  const errors = lengthErrors(value, dnsSubdomainMax);
  if (!configMapKey.test(value))
    errors.push(regexError(text, configMapKeyPattern, ["key.name", "KEY_NAME", "key-name"]));
  return [...errors, ...dotErrors(value)];
}

/** Names of container ports: at most 15 characters, a letter somewhere, no double hyphens. */
export function portNameErrors(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > 15) errors.push(maxLenError(15));
  if (!/^[-a-z0-9]+$/.test(value))
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) errors.push("must contain at least one letter (a-z)");
  if (value.includes("--")) errors.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

export function portNumberErrors(value: number): string[] {
  return Number.isInteger(value) && value >= 1 && value <= 65535
    ? []
    : ["must be between 1 and 65535, inclusive"];
}

/** `10%`; the rule of maxUnavailable and maxSurge. */
export function percentErrors(value: string): string[] {
  const text = "a valid percent string must be a numeric string followed by an ending '%'";
  return /^[0-9]+%$/.test(value) ? [] : [regexError(text, "[0-9]+%", ["1%", "93%"])];
}

function dotErrors(value: string): string[] {
  if (value === ".") return ["must not be '.'"];
  if (value === "..") return ["must not be '..'"];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}

type Unit = "characters" | "bytes";

function lengthErrors(value: string, max: number, unit: Unit = "characters"): string[] {
  return byteLength(value) > max ? [maxLenError(max, unit)] : [];
}

/** Upstream counts bytes always, and says so of labels and their keys. */
function maxLenError(max: number, unit: Unit = "characters"): string {
  return `must be no more than ${max} ${unit}`;
}

/** Length in bytes, as Go counts. ASCII names, nearly all, are not encoded for it: this runs for every label of every pod. */
function byteLength(value: string): number {
  for (let at = 0; at < value.length; at++) {
    if (value.charCodeAt(at) > 0x7f) return new TextEncoder().encode(value).length;
  }
  return value.length;
}

/** Upstream's loop, with its doubled blank: `'a',  or 'b', regex used …`. */
function regexError(text: string, pattern: string, examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${text} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

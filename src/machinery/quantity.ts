/**
 * Resource quantities: parsing, Go's canonical text, sums and comparison.
 * Not here: which resources exist. Values are counted in billionths as BigInt, so nothing is lost.
 * Upstream: kubernetes v1.34, apimachinery/pkg/api/resource/quantity.go.
 */

export interface Quantity {
  /** Billionths. */
  readonly nanos: bigint;
  readonly format: "decimal" | "binary" | "exponent";
}

/** Upstream's text for what is no quantity. */
export const quantityFormatMessage =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const nanosPerUnit = 1_000_000_000n;
/** As upstream: greater amounts are cut to the largest 64-bit integer. */
const nanosMax = (2n ** 63n - 1n) * nanosPerUnit;
/** Digits accepted. Enough for every value in range; more would only cost time. */
const digitsMax = 400;
const exponentMax = 400;

const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"] as const;
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] as const;

const pattern = /^([+-]?)(\d*)(?:(\.)(\d*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/;

/**
 * Fractions finer than a billionth are rounded away from zero; amounts beyond 2^63-1 are cut to it.
 * @returns undefined when the text is no quantity.
 */
export function parseQuantity(text: string): Quantity | undefined {
  if (text.length > digitsMax) return undefined;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", , fraction = "", suffix = ""] = match;
  if (whole === "" && fraction === "") return undefined;
  const scale = scaleOf(suffix);
  if (scale === undefined) return undefined;
  const digits = BigInt(whole + fraction);
  const tens = scale.tens - fraction.length + 9;
  const grown = digits * scale.factor * 10n ** BigInt(Math.max(tens, 0));
  const magnitude = tens >= 0 ? grown : divideUp(grown, 10n ** BigInt(-tens));
  const cut = magnitude > nanosMax ? nanosMax : magnitude;
  const isFraction = cut > 0n && cut < nanosPerUnit;
  return {
    nanos: sign === "-" ? -cut : cut,
    format: scale.format === "binary" && isFraction ? "decimal" : scale.format,
  };
}

interface Scale {
  readonly factor: bigint;
  readonly tens: number;
  readonly format: Quantity["format"];
}

function scaleOf(suffix: string): Scale | undefined {
  const binary = suffix === "" ? -1 : binarySuffixes.indexOf(suffix as (typeof binarySuffixes)[number]);
  if (binary > 0) return { factor: 1024n ** BigInt(binary), tens: 0, format: "binary" };
  const decimal = decimalSuffixes.indexOf(suffix as (typeof decimalSuffixes)[number]);
  if (decimal >= 0) return { factor: 1n, tens: (decimal - 3) * 3, format: "decimal" };
  const tens = Number(suffix.slice(1));
  return Math.abs(tens) > exponentMax ? undefined : { factor: 1n, tens, format: "exponent" };
}

/** The canonical text: no fraction, the greatest suffix that keeps all digits. */
export function formatQuantity(quantity: Quantity): string {
  const { nanos, format } = quantity;
  if (nanos === 0n) return "0";
  const magnitude = nanos < 0n ? -nanos : nanos;
  const sign = nanos < 0n ? "-" : "";
  const isBinary =
    format === "binary" && magnitude >= 1024n * nanosPerUnit && magnitude % nanosPerUnit === 0n;
  if (isBinary) return sign + formatBinary(magnitude / nanosPerUnit);
  let mantissa = magnitude;
  let thousands = -3;
  while (mantissa % 1000n === 0n && thousands < 6) {
    mantissa /= 1000n;
    thousands++;
  }
  if (format === "exponent") return `${sign}${mantissa}${thousands === 0 ? "" : `e${thousands * 3}`}`;
  return `${sign}${mantissa}${decimalSuffixes[thousands + 3] ?? ""}`;
}

function formatBinary(units: bigint): string {
  let mantissa = units;
  let power = 0;
  while (mantissa % 1024n === 0n && power < 6) {
    mantissa /= 1024n;
    power++;
  }
  return `${mantissa}${binarySuffixes[power] ?? ""}`;
}

/** `1000m` → `1`, `1024Mi` → `1Gi`, `0.5` → `500m`; undefined when the text is no quantity. */
export function canonicalQuantity(text: string): string | undefined {
  if (isPlainlyCanonical(text)) return text;
  const quantity = parseQuantity(text);
  return quantity === undefined ? undefined : formatQuantity(quantity);
}

/** True for the usual canonical texts (`100m`, `64Mi`, `4`), so that decoding need not count in BigInt. */
function isPlainlyCanonical(text: string): boolean {
  const match = /^([1-9][0-9]{0,5})(?:([mkMG])|([KMG]i))?$/.exec(text);
  if (match === null) return false;
  const digits = match[1] ?? "";
  return match[3] === undefined ? !digits.endsWith("000") : Number(digits) % 1024 !== 0;
}

/**
 * The canonical sum, in the format of `a` (of `b` when `a` is zero), as upstream's Add. Absent counts as zero.
 * @throws RangeError when a text is no quantity; stored objects hold none such.
 */
export function addQuantities(a: string | undefined, b: string | undefined): string {
  const left = mustParse(a);
  const right = mustParse(b);
  return formatQuantity({
    nanos: left.nanos + right.nanos,
    format: left.nanos === 0n ? right.format : left.format,
  });
}

/** Negative, zero or positive, as a sort wants it; absent counts as zero. @throws RangeError as addQuantities. */
export function compareQuantities(a: string | undefined, b: string | undefined): number {
  const difference = mustParse(a).nanos - mustParse(b).nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Thousandths, rounded away from zero; exact up to 2^53. Absent counts as zero. @throws RangeError as addQuantities. */
export function quantityMilli(text: string | undefined): number {
  return Number(roundAway(mustParse(text).nanos, 1_000_000n));
}

/** Whole units, rounded away from zero; exact up to 2^53. Absent counts as zero. @throws RangeError as addQuantities. */
export function quantityValue(text: string | undefined): number {
  return Number(roundAway(mustParse(text).nanos, nanosPerUnit));
}

function mustParse(text: string | undefined): Quantity {
  const quantity = parseQuantity(text ?? "0");
  if (quantity === undefined) throw new RangeError(quantityFormatMessage);
  return quantity;
}

function roundAway(value: bigint, divisor: bigint): bigint {
  return value < 0n ? -divideUp(-value, divisor) : divideUp(value, divisor);
}

function divideUp(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}

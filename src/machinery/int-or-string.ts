/**
 * Numbers that may be given as percentages (`maxUnavailable: 10%`).
 * Upstream: kubernetes v1.34, apimachinery/pkg/util/intstr/intstr.go.
 */

export type IntOrString = number | string;

/**
 * The absolute number: itself, or the percentage of `total`, rounded up or down.
 * @returns undefined when it is neither an integer nor digits followed by `%`.
 */
export function scaledValue(value: IntOrString, total: number, rounding: "up" | "down"): number | undefined {
  if (typeof value === "number") return value;
  const percent = percentOf(value);
  if (percent === undefined) return undefined;
  const exact = (percent * total) / 100;
  return rounding === "up" ? Math.ceil(exact) : Math.floor(exact);
}

/** 10 for `10%`; undefined for anything else. Go's Atoi accepts a sign, so it is accepted here. */
export function percentOf(text: string): number | undefined {
  return /^[+-]?[0-9]+%$/.test(text) ? Number(text.slice(0, -1)) : undefined;
}

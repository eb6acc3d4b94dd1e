/**
 * Times as they travel: metav1.Time in whole seconds, MicroTime with six digits, and ages as kubectl prints them.
 * Not here: what time it is (base Clock).
 * Upstream: kubernetes v1.34, apimachinery/pkg/apis/meta/v1/{time,micro_time}.go, util/duration/duration.go.
 */

/** `2026-11-20T16:00:00Z`; parts of a second are cut off. */
export function formatTime(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== lastSecond) {
    lastText = `${new Date(second * 1000).toISOString().slice(0, -5)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** Most calls are about the present second. */
let lastSecond = Number.NaN;
let lastText = "";

/** `2026-11-20T16:00:00.123456Z`; `ms` may carry microseconds as a fraction. */
export function formatMicroTime(ms: number): string {
  const micros = Math.round((ms - Math.floor(ms / 1000) * 1000) * 1000);
  if (micros === 1_000_000) return formatMicroTime(Math.floor(ms / 1000) * 1000 + 1000);
  return `${formatTime(ms).slice(0, -1)}.${String(micros).padStart(6, "0")}Z`;
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch of an RFC 3339 time, with the microseconds as fraction; undefined if it is none. */
export function parseTimeMs(text: string): number | undefined {
  const known = parsedTimes.get(text);
  if (known !== undefined) return known;
  const parsed = parseAnew(text);
  if (parsed !== undefined && text.length <= rememberedLengthMax) {
    if (parsedTimes.size >= parsedTimesMax) parsedTimes.clear();
    parsedTimes.set(text, parsed);
  }
  return parsed;
}

/** The objects of one moment name few times, again and again. */
const parsedTimes = new Map<string, number>();
const parsedTimesMax = 256;
/** With a fraction of nine digits and an offset. */
const rememberedLengthMax = 35;

function parseAnew(text: string): number | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const offset = offsetMinutes(match[8] ?? "Z");
  if (offset === undefined) return undefined;
  const whole = new Date(0);
  whole.setUTCFullYear(year, month - 1, day);
  whole.setUTCHours(hour, minute - offset, second);
  if (whole.getUTCFullYear() < 0 || whole.getUTCFullYear() > 9999) return undefined;
  const micros = Math.floor(Number((match[7] ?? "0").slice(0, 9).padEnd(9, "0")) / 1000);
  return whole.getTime() + micros / 1000;
}

/** What a layout's elements look like. */
const layoutElements: readonly (readonly [element: string, pattern: RegExp])[] = [
  ["2006", /^\d{4}/],
  ["-", /^-/],
  ["01", /^\d\d/],
  ["-", /^-/],
  ["02", /^\d\d/],
  ["T", /^T/],
  ["15", /^\d\d/],
  [":", /^:/],
  ["04", /^\d\d/],
  [":", /^:/],
  ["05", /^\d\d/],
  [".000000", /^\.\d{6}/],
  ["Z07:00", /^(?:Z|[+-]\d\d:\d\d)/],
];

/** Go's words for a text that is no time of the layout, RFC 3339 with or without microseconds. */
export function timeFault(text: string, layout: string): string {
  const head = `parsing time ${JSON.stringify(text)}`;
  const hasMicros = layout.includes(".000000");
  let rest = text;
  for (const [element, pattern] of layoutElements) {
    if (element === ".000000" && !hasMicros) {
      rest = rest.replace(/^[.,]\d+/, "");
      continue;
    }
    const found = pattern.exec(rest);
    if (found === null) {
      const [part, whole] = [JSON.stringify(rest), JSON.stringify(layout)];
      return `${head} as ${whole}: cannot parse ${part} as ${JSON.stringify(element)}`;
    }
    rest = rest.slice(found[0].length);
  }
  if (rest !== "") return `${head}: extra text: ${JSON.stringify(rest)}`;
  const [, month, day, hour, minute] = text.split(/[-T:Z+]/);
  const isWrong = (value: string | undefined, most: number): boolean => Number(value) > most;
  if (month === "00" || isWrong(month, 12)) return `${head}: month out of range`;
  if (isWrong(hour, 23)) return `${head}: hour out of range`;
  if (isWrong(minute, 59)) return `${head}: minute out of range`;
  return day === "00" || isWrong(day, 28) ? `${head}: day out of range` : `${head}: second out of range`;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function offsetMinutes(zone: string): number | undefined {
  if (zone === "Z" || zone === "z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 24 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

/** An age as kubectl prints it: `45s`, `3m20s`, `2d4h`; integer division throughout. */
export function humanDuration(seconds: number): string {
  const total = Math.trunc(seconds);
  if (total < -1) return "<invalid>";
  if (total < 0) return "0s";
  if (total < 120) return `${total}s`;
  const minutes = Math.floor(total / 60);
  if (minutes < 10) return two([minutes, "m"], [total % 60, "s"]);
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return two([hours, "h"], [minutes % 60, "m"]);
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 192) return two([days, "d"], [hours % 24, "h"]);
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return hours < 24 * 365 * 8 ? two([years, "y"], [days % 365, "d"]) : `${years}y`;
}

type Amount = readonly [number, string];

function two(big: Amount, small: Amount): string {
  return small[0] === 0 ? big.join("") : [...big, ...small].join("");
}

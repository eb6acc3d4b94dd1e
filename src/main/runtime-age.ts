/** Warns of a Node.js that gets no more security fixes. Not here: versions too old to start (scripts/ensure.mjs). */

/** Last days of support by major version, from the Node.js release schedule. */
const endOfLife: Readonly<Record<number, string>> = {
  20: "2026-04-30",
  21: "2024-06-01",
  22: "2027-04-30",
  23: "2025-06-01",
  24: "2028-04-30",
  25: "2026-06-01",
  26: "2029-04-30",
};

/** One line for a version past its end of life at `nowMs`; undefined for others, also for those not in the list. */
export function runtimeWarning(nodeVersion: string, nowMs: number): string | undefined {
  const major = Number(/^v(\d+)\./.exec(nodeVersion)?.[1]);
  const end = endOfLife[major];
  if (end === undefined || nowMs <= Date.parse(`${end}T23:59:59Z`)) return undefined;
  return `Node.js ${major} has had no security fixes since ${end}; a newer one is at https://nodejs.org/`;
}

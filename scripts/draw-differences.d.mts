/** Types of draw-differences.mjs. */
export function page(
  entries: readonly {
    readonly recording: string;
    readonly scenario: string;
    readonly step: string;
    readonly at: readonly string[];
    readonly sort: string;
    readonly reason: string;
  }[],
): string;

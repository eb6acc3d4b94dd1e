/** Types of draw-layers.mjs. */
export function picture(layers: Readonly<Record<string, readonly string[]>>): string;
export function redrawn(text: string, layers: Readonly<Record<string, readonly string[]>>): string;

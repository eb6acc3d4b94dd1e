/** Types of draw-layers.mjs. */
type Layers = Readonly<Record<string, readonly string[]>>;

export function redrawn(text: string, layers: Layers, innerLayers: Readonly<Record<string, Layers>>): string;

/**
 * Replays a property run that fast-check reported: FC_SEED=… FC_PATH=… npx vitest run that.prop.test.ts.
 */

/** Spread into the parameters of `fc.assert`. */
export function replay(): { readonly seed?: number; readonly path?: string } {
  const { FC_SEED: seed, FC_PATH: path } = process.env;
  return { ...(seed === undefined ? {} : { seed: Number(seed) }), ...(path === undefined ? {} : { path }) };
}

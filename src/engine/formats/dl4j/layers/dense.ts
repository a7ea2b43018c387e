// Layers that are products of matrices, and look-ups in tables.
import { flag } from "../typed";
import { activated, activationOf } from "./activations";
import { dropped } from "./dropout";
import { add, opaqueLayer, parameter, shapeAt, type LiftLayer, type Site } from "./lifting";

/** Before the activation function: of sequences, step by step. */
export function product(site: Site, x: string): string {
  const from = dropped(site, x);
  const w = parameter(site, "W");
  const product = add(site, "MatMul", [from, w], { transposeA: false, transposeB: false });
  return biased(site, product);
}

export const dense: LiftLayer = (site, x) => {
  if (flag(site.layer, "hasLayerNorm", false)) return opaqueLayer(site, x);
  return activated(site, product(site, x), activationOf(site.layer));
};

/** Indices [batch], [batch, 1] or [batch, time] to rows of the table. */
const lookUp =
  (isSequence: boolean): LiftLayer =>
  (site, x) => {
    const isColumn = !isSequence && shapeAt(site, x).length === 2;
    const indices = isColumn ? add(site, "Squeeze", [x], { axes: [1] }) : x;
    const rows = add(site, "Gather", [parameter(site, "W"), indices], { axis: 0 });
    return activated(site, biased(site, rows), activationOf(site.layer));
  };
export const embedding = lookUp(false);
export const embeddingSequence = lookUp(true);

/** x · w + b, each unit with a weight of its own. */
export const elementWise: LiftLayer = (site, x) => {
  const scaled = add(site, "Mul", [dropped(site, x), parameter(site, "W")], {});
  const shifted = add(site, "BiasAdd", [scaled, parameter(site, "b")], { dataFormat: "NHWC" });
  return activated(site, shifted, activationOf(site.layer));
};

/** max(x, 0) + w · min(x, 0) */
export const prelu: LiftLayer = (site, x) => {
  if (shapeAt(site, x).length === 3) return opaqueLayer(site, x);
  const below = add(site, "Relu", [add(site, "Neg", [x], {})], {});
  const scaled = add(site, "Mul", [below, parameter(site, "W")], {});
  return add(site, "Sub", [add(site, "Relu", [x], {}), scaled], {});
};

const biased = (site: Site, x: string): string =>
  site.lifting.variables.has(`${site.vertex}_${site.prefix}b`)
    ? add(site, "BiasAdd", [x, parameter(site, "b")], { dataFormat: "NHWC" })
    : x;

// What a layer's L1 and L2 regularization adds to the loss.
import { JsonNumber } from "../json";
import type { LayerConfiguration } from "../configuration";
import { thawed } from "../configuration";
import { isPenalized, ownerOf, parametersOf } from "../parameters";
import { real, typedField, typedItems, type Typed } from "../typed";
import { add, constant, type Place } from "./lifting";

interface Share {
  readonly l1: number;
  readonly l2: number;
}

/** Scalars: ½ · l2 · Σ w², l1 · Σ |w|, of each parameter. Weight decay is no part of the loss. */
export function regularization(place: Place, layer: LayerConfiguration): readonly string[] {
  if (!layer.isRegularized) return [];
  const thawn = thawed(layer);
  return (parametersOf(layer) ?? []).flatMap(({ name, role }) => {
    const owner = ownerOf(thawn, name);
    if (role === "statistic" || !isPenalized(owner)) return [];
    const { l1, l2 } =
      role === "bias"
        ? shareOf(owner, "regularizationBias", ["l1Bias", "l2Bias"])
        : shareOf(owner, "regularization", ["l1", "l2"]);
    const variable = { variable: `${layer.name}_${name}` };
    const scaled = (term: string, share: number): string =>
      add(place, "Mul", [term, constant(place, share)], {});
    return [
      ...(l2 > 0 ? [scaled(add(place, "L2Loss", [variable], {}), l2)] : []),
      ...(l1 > 0 ? [scaled(sum(place, variable), l1)] : []),
    ];
  });
}

function sum(place: Place, variable: { readonly variable: string }): string {
  const { shape } = place.lifting.variables.get(variable.variable)!;
  const magnitudes = add(place, "Abs", [variable], {});
  return add(place, "Sum", [magnitudes], { axes: shape.map((_, axis) => axis), keepDims: false });
}

/** Numbers in the layer up to 1.0.0-beta3; later a list of objects whose share is a schedule. */
function shareOf(layer: Typed, key: string, old: readonly [string, string]): Share {
  if (!layer.fields.has(key)) {
    const [l1, l2] = old.map((each) => Math.max(0, real(layer, each, 0) || 0));
    return { l1, l2 };
  }
  const items = typedItems("layer", layer, key);
  const of = (type: string, field: "l1" | "l2"): number =>
    items.filter((each) => each.type === type).reduce((all, each) => all + share(each, field), 0);
  return { l1: of("L1Regularization", "l1"), l2: of("L2Regularization", "l2") };
}

function share(item: Typed, field: string): number {
  if (item.fields.get(field) instanceof JsonNumber) return real(item, field, 0);
  const schedule = typedField("layer", item, field);
  return schedule === undefined ? 0 : real(schedule, "value", 0);
}

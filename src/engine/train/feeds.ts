// Scalar placeholders that the recipe feeds, as tensors.
import type { Model } from "../graph/model";
import { tf, type Tensor } from "../ops/tf";

/** Tensors for the scalars that are placeholders of the graph; modes and dropout rates are no nodes of it. */
export function scalarTensors(
  model: Model,
  scalars: ReadonlyMap<string, number>,
): Map<string, Tensor> {
  const feeds = new Map<string, Tensor>();
  for (const [name, value] of scalars)
    if (model.nodes.get(name)?.op === "Placeholder") feeds.set(name, tf.scalar(value));
  return feeds;
}

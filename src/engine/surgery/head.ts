// A new output behind features: global average pooling where they are a feature map, and a dense layer.
import { GraftError } from "../../protocol/errors";
import { dataFormatOf } from "../graph/channels";
import { layerOf } from "../graph/layers";
import type { Initializer, Model } from "../graph/model";
import { formatShape } from "../graph/shapes";
import { dense, newNode } from "./blocks";
import { headFor, type Head } from "./output";
import { changed, freeName, withLayer } from "./rewire";

export interface NewHead {
  readonly head: Head;
  /** The node whose output is the features. */
  readonly from: string;
  readonly classes: number;
  readonly init: Initializer;
  readonly key: string;
}

/** The name of the layer that `withHead` adds. */
export const headName = (model: Model): string => freeName(model, "logits");

/** The model with a new output that reads `from`. Its loss is still the old one. */
export function withHead(model: Model, { head, from, classes, init, key }: NewHead): Model {
  const shape = model.shapes.get(from) ?? [-1];
  const isMap = shape.length === 4;
  if (shape.length !== (head === "pooling" ? 4 : 2))
    throw new GraftError(
      "invalid-edit",
      head === "pooling"
        ? `Pooling needs a feature map of four axes; ${from} is ${formatShape(shape)}.${shape.length === 2 ? ' Use "head": "dense".' : ""}`
        : `A dense layer reads rows; ${from} is ${formatShape(shape)}.${isMap ? ` Use "head": "${headFor(model, from)}".` : ""}`,
    );
  const channels = isMap && dataFormatOf(model, from) === "NCHW" ? 1 : shape.length - 1;
  const inputs = shape[channels];
  if (inputs < 0)
    throw new GraftError(
      "shape-mismatch",
      `The size of ${from} is not known (${formatShape(shape)}), so no dense layer can read it.`,
    );
  const name = headName(model);
  const axes = [1, 2, 3].filter((axis) => axis !== channels);
  const pool = isMap
    ? [newNode(`${name}/Mean`, "Mean", [{ node: from }], { axes, keepDims: false })]
    : [];
  const block = dense({
    name,
    from: pool[0]?.name ?? from,
    inputs,
    units: classes,
    init,
    key,
  });
  const nodes = [...pool, ...block.nodes];
  const output = nodes.at(-1)!.name;
  const layer = {
    name,
    kind: "dense",
    nodes: nodes.map((node) => node.name),
    variables: block.variables.map((variable) => variable.name),
    output,
  };
  const after = withLayer(
    changed(model, { nodes, variables: block.variables }),
    layer,
    (layerOf(model, from) ?? model.layers.at(-1))?.name,
  );
  return {
    ...after,
    shapes: new Map(after.shapes).set(output, [shape[0], classes]),
    roles: { ...model.roles, output },
  };
}

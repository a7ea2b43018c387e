// A new output behind features: global average pooling where they are a feature map, and a dense layer.
import { GraftError } from "../../protocol/errors";
import { dataFormatOf } from "../graph/channels";
import { layerOf } from "../graph/layers";
import type { Initializer, Model, Node, Ref, Shape } from "../graph/model";
import { formatShape } from "../graph/shapes";
import { givesTimeFirst } from "../graph/timeMajor";
import { dense, newNode } from "./blocks";
import { headsFor, type Head } from "./output";
import { changed, freeName, withLayer } from "./rewire";
import { sequenceStyle, withMask } from "./sequences";

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
export function withHead(before: Model, { head, from, classes, init, key }: NewHead): Model {
  const { model, mask } =
    head === "lastStep" ? withMask(before, from) : { model: before, mask: undefined };
  const shape = model.shapes.get(from) ?? [-1];
  const isMap = shape.length === 4;
  const fitting = headsFor(shape);
  if (!fitting.includes(head))
    throw new GraftError(
      "invalid-edit",
      `${READS[head]}; ${from} is ${formatShape(shape)}.${fitting.length === 0 ? "" : ` Use "head": "${fitting[0]}".`}`,
    );
  const channels = isMap && dataFormatOf(model, from) === "NCHW" ? 1 : shape.length - 1;
  const inputs = shape[channels];
  if (inputs < 0)
    throw new GraftError(
      "shape-mismatch",
      `The size of ${from} is not known (${formatShape(shape)}), so no dense layer can read it.`,
    );
  const name = headName(model);
  const features = featuresOf(model, head, { name, from, channels, mask });
  const batch = BATCH_OF[head](givesTimeFirst(model, from) ? swapped(shape) : shape);
  const block = dense({
    name,
    from: features[0]?.name ?? from,
    inputs,
    units: classes,
    init,
    key,
  });
  const nodes = [...features, ...block.nodes];
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
    shapes: new Map(after.shapes).set(output, [...batch, classes]),
    roles: { ...model.roles, output },
  };
}

/** The axes of the output before its classes. */
const BATCH_OF: Readonly<Record<Head, (features: Shape) => Shape>> = {
  dense: (features) => features.slice(0, -1),
  pooling: ([batch]) => [batch],
  lastStep: () => [-1],
};

const swapped = ([time, batch, features]: Shape): Shape => [batch, time, features];

const READS: Readonly<Record<Head, string>> = {
  dense: "A dense layer reads rows or sequences",
  pooling: "Pooling needs a feature map of four axes",
  lastStep: "Only a sequence has a last step",
};

/** Labels and samples have the batch first. */
const samplesFirst = (name: string, from: string): Node =>
  newNode(`${name}/SamplesFirst`, "Transpose", [{ node: from }], { permutation: [1, 0, 2] });

/** What makes one row of a feature map or of a sequence, or brings the batch of sequences to the front. */
function featuresOf(
  model: Model,
  head: Head,
  {
    name,
    from,
    channels,
    mask,
  }: { name: string; from: string; channels: number; mask: Ref | undefined },
): Node[] {
  switch (head) {
    case "dense":
      return givesTimeFirst(model, from) ? [samplesFirst(name, from)] : [];
    case "pooling": {
      const axes = [1, 2, 3].filter((axis) => axis !== channels);
      return [newNode(`${name}/Mean`, "Mean", [{ node: from }], { axes, keepDims: false })];
    }
    case "lastStep": {
      const { timeMajor } = sequenceStyle(model, from);
      const inputs = [{ node: from }, ...(mask === undefined ? [] : [mask])];
      return [newNode(`${name}/LastStep`, "LastStep", inputs, { timeMajor })];
    }
  }
}

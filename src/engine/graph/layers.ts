// Questions about layers that need the graph.
import type { Layer, Model } from "./model";
import { ancestors } from "./order";
import { unitProducer, unitSizes } from "./units";

/** `layer` and the layers that its output depends on, in the model's order. */
export function layerAncestors(model: Model, layer: Layer): Layer[] {
  if (layer.output === undefined) return model.layers.slice(0, model.layers.indexOf(layer) + 1);
  const above = ancestors(model, [layer.output]);
  return model.layers.filter(
    (each) => each === layer || each.nodes.some((node) => above.has(node)),
  );
}

/** The layer that a node belongs to. */
export function layerOf(model: Model, node: string): Layer | undefined {
  return model.layers.find((layer) => layer.nodes.includes(node));
}

const ACTIVATIONS: Readonly<Record<string, string>> = {
  Relu: "relu",
  Relu6: "relu6",
  Elu: "elu",
  Selu: "selu",
  LeakyRelu: "leaky relu",
  Sigmoid: "sigmoid",
  Tanh: "tanh",
  Softplus: "softplus",
  Softmax: "softmax",
};

/** "dense relu", "conv2d 5×5 relu": the kind and, where there is one, the activation function. */
export function describeLayer(model: Model, layer: Layer): string {
  const last = layer.output === undefined ? undefined : model.nodes.get(layer.output);
  const activation = last === undefined ? undefined : ACTIVATIONS[last.op];
  const words = layer.kind.replace(/([a-z\d])([A-Z])/g, "$1 $2").split(" ");
  const kind = words.map((word) => (isAcronym(word) ? word : word.toLowerCase())).join(" ");
  return activation === undefined ? kind : `${kind} ${activation}`;
}

const isAcronym = (word: string): boolean => word === word.toUpperCase();

/** "300 → 100" for a kernel of 300 inputs and 100 units; empty where a layer has no kernel. */
export function layerSizes(model: Model, layer: Layer): string {
  const producer = unitProducer(model, layer.nodes);
  if (producer !== undefined) {
    const { inputs, units, window } = unitSizes(model, producer);
    return `${window === undefined ? "" : `${window.join("×")}, `}${inputs} → ${units}`;
  }
  for (const name of layer.variables) {
    const shape = model.variables.get(name)?.shape ?? [];
    if (layer.kind === "dense" && shape.length === 2) return `${shape[0]} → ${shape[1]}`;
    if (layer.kind.endsWith("onv2d") && shape.length === 4)
      return `${shape[0]}×${shape[1]}, ${shape[2]} → ${shape[3]}`;
    if (layer.kind === "embedding" && shape.length === 2) return `${shape[0]} × ${shape[1]}`;
  }
  return "";
}

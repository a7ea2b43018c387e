// The activation function behind the logits: another one under the same name, or a new one.
import { GraftError } from "../../protocol/errors";
import { layerOf } from "../graph/layers";
import type { Model, Node } from "../graph/model";
import { ancestors } from "../graph/order";
import { newNode } from "./blocks";
import { changed, freeName, reading, readersOf } from "./rewire";

const OPS = { softmax: "Softmax", sigmoid: "Sigmoid", none: "Identity" } as const;
export type OutputActivation = keyof typeof OPS;
export const OUTPUT_ACTIVATIONS = ["softmax", "sigmoid", "none"] as const;

const isActivation = ({ op }: Node): boolean => op === "Softmax" || op === "Sigmoid";

/** The logits: what goes into the output, where that is an activation function. */
export function logitsOf(model: Model): string {
  const node = model.nodes.get(model.roles.output!)!;
  const [input] = node.inputs;
  return isActivation(node) && "node" in input ? input.node : node.name;
}

const activationsOf = (model: Model): readonly Node[] =>
  readersOf(model, logitsOf(model)).filter(isActivation);

/** The model with `activation` behind its logits. Throws where the loss reads the one that is there. */
export function withOutputActivation(model: Model, activation: OutputActivation): Model {
  const { loss, output } = model.roles;
  const minimized = ancestors(model, loss === undefined ? [] : [loss]);
  const op = OPS[activation];
  const old = activationsOf(model).filter((node) => node.op !== op);
  const read = old.find(({ name }) => minimized.has(name) && name !== output);
  if (read !== undefined)
    throw new GraftError(
      "invalid-edit",
      `The loss reads ${read.name} (${read.op}), so it would no longer be one for classes. Say which loss to use instead, such as "loss": "sigmoidCrossEntropy".`,
    );
  const logits = logitsOf(model);
  const isThere = activationsOf(model).length > 0;
  if (isThere || activation === "none")
    return changed(model, { nodes: old.map((node) => ({ ...node, op, attributes: {} }) as Node) });
  const owner = layerOf(model, logits);
  const name = freeName(model, `${owner?.name ?? logits}/${op}`);
  const after = changed(model, { nodes: [newNode(name, op, [{ node: logits }], {})] });
  const layers = after.layers.map((each) =>
    each === owner ? { ...each, nodes: [...each.nodes, name] } : each,
  );
  return { ...after, layers };
}

/** The model whose loss compares what the activation function yields, where there is one: a squared error does. */
export function comparingActivation(model: Model): Model {
  const { output, loss } = model.roles;
  const [activation] = activationsOf(model);
  if (activation === undefined || activation.name === output) return model;
  const minimized = ancestors(model, [loss!]);
  const readers = readersOf(model, output!)
    .filter(({ name }) => minimized.has(name) && name !== activation.name)
    .map((node) => reading(node, output!, { node: activation.name }));
  return {
    ...changed(model, { nodes: readers }),
    roles: { ...model.roles, output: activation.name },
  };
}

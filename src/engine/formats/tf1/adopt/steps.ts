// Cross-entropies per step: TensorFlow's take rows, so the steps of all samples become rows, and the loss is their mean.
import type { Model, Node, Ref } from "../../../graph/model";

const CROSS_ENTROPIES = ["SoftmaxCrossEntropy", "SparseSoftmaxCrossEntropy"];

/** Whether `node` compares a row of logits for each step. */
export const isPerStep = ({ shapes }: Model, { op, inputs: [logits] }: Node): boolean =>
  CROSS_ENTROPIES.includes(op) && "node" in logits && shapes.get(logits.node)?.length === 3;

/** Every cross-entropy per step as one of rows. What adds up the steps of a sample goes. */
export function rowsOfSteps(model: Model): Model {
  const nodes = new Map<string, Node>();
  const stands = new Map<string, string>();
  const rows = (name: string, x: Ref, shape: readonly number[]): Ref => {
    nodes.set(name, { name, op: "Reshape", inputs: [x], attributes: { shape }, origin: [] });
    return { node: name };
  };
  for (const was of model.nodes.values()) {
    const inputs = was.inputs.map((ref) =>
      "node" in ref ? { node: stands.get(ref.node) ?? ref.node } : ref,
    );
    const node = { ...was, inputs } as Node;
    const [x, labels] = inputs;
    const before = x !== undefined && "node" in x ? model.nodes.get(x.node) : undefined;
    if (isPerStep(model, was)) {
      const classes = model.shapes.get((was.inputs[0] as { node: string }).node)!.at(-1)!;
      const isSparse = was.op === "SparseSoftmaxCrossEntropy";
      const logitsOf = rows(`${was.name}/logits`, x, [-1, classes]);
      const labelsOf = rows(`${was.name}/labels`, labels, isSparse ? [-1] : [-1, classes]);
      nodes.set(was.name, { ...node, inputs: [logitsOf, labelsOf] } as Node);
    } else if (
      node.op === "Sum" &&
      node.attributes.axes.join() === "1" &&
      before &&
      isPerStep(model, before)
    )
      stands.set(was.name, before.name);
    else nodes.set(was.name, node);
  }
  return { ...model, nodes };
}

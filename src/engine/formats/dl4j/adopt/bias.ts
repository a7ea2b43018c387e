// An output layer of sequences has a bias in Deeplearning4j, whatever its configuration says.
import { isFrozen, wholeRegion, type Model, type Node, type Variable } from "../../../graph/model";
import { usedVariables } from "../../../graph/order";
import { reinfer } from "../../../graph/reinfer";

/** A bias of zeros behind the product that is the output of each step, where that has none. */
export function withOutputBias(model: Model): Model {
  const output = model.roles.output!;
  const node = model.nodes.get(output)!;
  const shape = model.shapes.get(output)!;
  if (node.op !== "MatMul" || shape.length !== 3) return model;
  const name = `${output}/b`;
  const units = shape.slice(-1);
  const isHeld = usedVariables(model, [output]).every(isFrozen);
  const bias: Variable = {
    ...{ name, dtype: "float32", shape: units, role: "weight" },
    trainable: isHeld ? [] : [wholeRegion(units)],
    value: {
      ...{ from: "initializer", initializer: "zeros", shape: units },
      ...{ fanIn: 1, fanOut: 1, key: "zeros" },
    },
  };
  const biased = `${output}/biased`;
  const last: Node = {
    ...{ name: biased, op: "BiasAdd", origin: [] },
    inputs: [{ node: output }, { variable: name }],
    attributes: { dataFormat: "NHWC" },
  };
  return reinfer({
    ...model,
    variables: new Map([...model.variables, [name, bias]]),
    nodes: new Map([...model.nodes, [biased, last]]),
    roles: { ...model.roles, output: biased },
  });
}

// An output layer of sequences has a bias in Deeplearning4j, whatever its configuration says.
import { wholeRegion, type Model, type Variable } from "../../../graph/model";
import { rewritten } from "./rewrite";

/** A bias of zeros behind the product that is the output of each step, where that has none. */
export function withOutputBias(model: Model): Model {
  const output = model.roles.output!;
  const node = model.nodes.get(output)!;
  const shape = model.shapes.get(output)!;
  if (node.op !== "MatMul" || shape.length !== 3) return model;
  const name = `${output}/b`;
  const units = shape.slice(-1);
  const bias: Variable = {
    ...{ name, dtype: "float32", shape: units, role: "weight", trainable: [wholeRegion(units)] },
    value: {
      ...{ from: "initializer", initializer: "zeros", shape: units },
      ...{ fanIn: 1, fanOut: 1, key: "zeros" },
    },
  };
  const product = `${output}/product`;
  const variables = new Map([...model.variables, [name, bias]]);
  return rewritten({ ...model, variables }, (each) =>
    each.name === output
      ? [
          { ...node, name: product },
          {
            ...{ name: output, op: "BiasAdd", origin: [] },
            inputs: [{ node: product }, { variable: name }],
            attributes: { dataFormat: "NHWC" },
          },
        ]
      : undefined,
  );
}

// Scale and offset of a batch norm are parameters in Deeplearning4j: where they are constants, parameters of those numbers.
import type { Model, Variable } from "../../../graph/model";
import { rewritten } from "./rewrite";

export function withParameters(model: Model): Model {
  const variables = new Map(model.variables);
  return rewritten({ ...model, variables }, (node) => {
    if (node.op !== "BatchNorm") return undefined;
    const inputs = node.inputs.map((ref, at) => {
      const constant = "node" in ref && at > 0 ? model.nodes.get(ref.node) : undefined;
      if (constant?.op !== "Const") return ref;
      const { shape, values: factors } = constant.attributes;
      const name = `${node.name}/${at === 1 ? "gamma" : "beta"}`;
      const ones: Variable["value"] = {
        ...{ from: "initializer", initializer: "ones", shape },
        ...{ fanIn: 1, fanOut: 1, key: "ones" },
      };
      variables.set(name, {
        ...{ name, dtype: "float32", shape, role: "weight", trainable: [] },
        value: { from: "scale", axis: 0, factors, part: ones, shape },
      });
      return { variable: name };
    });
    return [{ ...node, inputs }];
  });
}

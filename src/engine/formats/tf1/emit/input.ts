// Where values come in: placeholders and constants.
import { numbers } from "../patch/tensors";
import * as attribute from "./attributes";
import { constant, result, type Emit } from "./emission";

export const placeholder: Emit<"Placeholder"> = (to, { dtype, value }) => {
  const attributes = { dtype: attribute.ofType(dtype), shape: attribute.shape(to.shape) };
  if (value === undefined) return result(to, "Placeholder", [], attributes);
  const fallback = constant(to, "input", dtype, [], [value]);
  return result(to, "PlaceholderWithDefault", [fallback], attributes);
};

export const constantNode: Emit<"Const"> = ({ graph, name }, { dtype, shape, values }) =>
  graph.addConstant(name, numbers(dtype, shape, values));

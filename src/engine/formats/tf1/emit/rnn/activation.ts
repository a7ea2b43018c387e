// The activation functions of recurrent cells, as far as one op of TensorFlow computes them.
import type { RecurrentActivation } from "../../../../graph/catalogue";
import { notWritable, type Emission } from "../emission";

const OPS: { readonly [Name in RecurrentActivation]?: string } = {
  tanh: "Tanh",
  sigmoid: "Sigmoid",
  relu: "Relu",
  relu6: "Relu6",
  elu: "Elu",
  selu: "Selu",
  softplus: "Softplus",
  softsign: "Softsign",
};

export function activation(to: Emission, name: RecurrentActivation): string {
  const op = OPS[name];
  if (op === undefined)
    throw notWritable(to, `no op of TensorFlow computes its activation ${name}`);
  return op;
}

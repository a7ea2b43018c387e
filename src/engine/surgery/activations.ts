// The activation functions that a person may choose, as catalogue ops.
import { z } from "zod";
import type { EditQuestion } from "../../protocol/plan";
import type { RecurrentActivation } from "../graph/catalogue";

export const ACTIVATIONS = {
  relu: { op: "Relu", attributes: {} },
  relu6: { op: "Relu6", attributes: {} },
  elu: { op: "Elu", attributes: {} },
  selu: { op: "Selu", attributes: {} },
  leakyRelu: { op: "LeakyRelu", attributes: { alpha: 0.2 } },
  sigmoid: { op: "Sigmoid", attributes: {} },
  tanh: { op: "Tanh", attributes: {} },
  softplus: { op: "Softplus", attributes: {} },
  softmax: { op: "Softmax", attributes: {} },
} as const;
export type Activation = keyof typeof ACTIVATIONS;

export const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as [Activation, ...Activation[]];

export const ActivationSchema = z.enum(["none", ...ACTIVATION_NAMES]);

/** Those that a recurrent layer may have within, for its candidate and its cell. */
export const RECURRENT_ACTIVATIONS = {
  tanh: "tanh",
  sigmoid: "sigmoid",
  relu: "relu",
  relu6: "relu6",
  elu: "elu",
  selu: "selu",
  softplus: "softplus",
  none: "identity",
} as const satisfies Partial<Record<Activation | "none", RecurrentActivation>>;

export const activationQuestion = (field: string): EditQuestion => ({
  field,
  ask: "choice",
  prompt: "Its activation function",
  choices: [
    ...ACTIVATION_NAMES.map((value) => ({ value, label: ACTIVATIONS[value].op, detail: "" })),
    { value: "none", label: "None", detail: "The layer stays linear" },
  ],
});

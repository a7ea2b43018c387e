// What the command for layer settings asks.
import type { EditQuestion } from "../../protocol/plan";
import type { Layer, Model } from "../graph/model";
import { activationQuestion } from "./activations";
import { dropoutOf, normsOf } from "./layerParts";
import { dropoutQuestion } from "./questions";
import { select } from "./select";

interface Setting {
  readonly label: string;
  readonly detail: string;
  readonly question: EditQuestion;
  /** Whether a layer has what is set; weights have the others. */
  readonly fits?: (model: Model, layer: Layer) => boolean;
}

const numberQuestion = (field: string, prompt: string, suggestion: number): EditQuestion => ({
  field,
  ask: "number",
  prompt,
  min: 0,
  max: 1000,
  suggestion,
  fractions: true,
});

const SETTINGS: Readonly<Record<string, Setting>> = {
  activation: {
    label: "Activation",
    detail: "The function behind the layer",
    question: activationQuestion("activation"),
    fits: ({ roles }, { output }) => output !== undefined && output !== roles.output,
  },
  dropout: {
    label: "Dropout rate",
    detail: "The share of units that training drops",
    question: dropoutQuestion("dropout"),
    fits: (model, layer) => dropoutOf(model, layer) !== undefined,
  },
  batchNorm: {
    label: "Batch norm",
    detail: "Whether it trains, or stays as it is",
    question: {
      field: "batchNorm",
      ask: "choice",
      prompt: "What its batch norm does in training",
      choices: [
        { value: "train", label: "Train", detail: "Normalizes by the batch, and follows it" },
        { value: "inference", label: "Stay as it is", detail: "Normalizes as after training" },
      ],
    },
    fits: (model, layer) => normsOf(model, layer).length > 0,
  },
  learningRate: {
    label: "Learning rate",
    detail: "Of this layer's weights alone",
    question: numberQuestion("learningRate", "Learning rate of its weights", 0.001),
  },
  l2: {
    label: "L2 regularization",
    detail: "Of this layer's kernels alone",
    question: numberQuestion(
      "l2",
      "L2 regularization of its kernels: the share of each weight that is added to its gradient",
      0.0001,
    ),
  },
};

export function questions(model: Model, given: Readonly<Record<string, unknown>>): EditQuestion[] {
  const { layer: name } = given;
  if (typeof name !== "string")
    return [
      {
        field: "layer",
        ask: "pattern",
        prompt: "Layer to set, or a pattern that matches whole names",
        candidates: model.layers.map((layer) => layer.name),
      },
    ];
  const setting = given["?setting"];
  if (typeof setting === "string") return [SETTINGS[setting].question];
  const { layers } = select(model, name);
  return [
    {
      field: "?setting",
      ask: "choice",
      prompt: `What to set in ${name}`,
      choices: Object.entries(SETTINGS)
        .filter(([, { fits }]) => fits === undefined || layers.some((layer) => fits(model, layer)))
        .map(([value, { label, detail }]) => ({ value, label, detail })),
    },
  ];
}

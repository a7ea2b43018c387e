// A network of another format in the form that TensorFlow 1 has: the same function, written in its ops and names.
import type { Model } from "../../../graph/model";
import type { Normalizer } from "../../../graph/normalizer";
import { ancestors } from "../../../graph/order";
import { reinfer } from "../../../graph/reinfer";
import { channelsLast } from "./channels";
import { scopedNames } from "./names";
import { isMask, withoutMasks } from "./masks";
import { withVariances } from "./norms";
import { joinedKernels } from "./recurrent";
import { isPerStep, rowsOfSteps } from "./steps";
import { withoutTransposes } from "./transposes";

/**
 * `model` without what only its own file needs: origins, aliases and the state of its optimizer. Throws `unsupported-op`
 * where TensorFlow has no such op.
 */
export function adopted(model: Model): Model {
  const variables = new Map([...model.variables].filter(([, { role }]) => role !== "slot"));
  const own: Model = { ...model, variables, aliases: new Map() };
  const form = [
    withoutMasks,
    rowsOfSteps,
    withoutTransposes,
    channelsLast,
    withVariances,
    joinedKernels,
    scopedNames,
    needed,
  ];
  return reinfer(form.reduce((now, pass) => pass(now), own));
}

/** What of `model` is in no checkpoint of TensorFlow. */
export function leftOut(model: Model): readonly string[] {
  const { variables, nodes, normalizer } = model;
  const hasState = [...variables.values()].some(({ role }) => role === "slot");
  const hasMasks = [...nodes.values()].some((node) => isMask(model, node));
  const hasSteps = [...nodes.values()].some((node) => isPerStep(model, node));
  return [
    ...(hasState
      ? ["The state of the updater is left out: TensorFlow's optimizers start with a new one."]
      : []),
    ...(hasMasks
      ? [
          "Masks of padding are left out: feed sequences of one length, or lengths to a program of your own.",
        ]
      : []),
    ...(hasSteps
      ? [
          "The loss is the mean over all steps of all samples, where Deeplearning4j adds up the steps of a sample: loss and gradients are smaller by the number of steps, so the same training needs a learning rate that is larger by it.",
        ]
      : []),
    ...(normalizer === undefined
      ? []
      : [`The normalizer is left out. Feed what it made of samples: ${normalized(normalizer)}.`]),
  ];
}

/** "(x − mean) / std, where mean = [2, 3] and std = [1, 1]" */
function normalized(normalizer: Normalizer): string {
  const list = (numbers: readonly number[]): string =>
    numbers.length > MOST_NUMBERS
      ? `${numbers.length} numbers, one per feature`
      : `[${numbers.map((each) => Number(each.toPrecision(9))).join(", ")}]`;
  switch (normalizer.kind) {
    case "standardize":
      return `(x − mean) / std, where mean = ${list(normalizer.mean)} and std = ${list(normalizer.std)}`;
    case "minMax": {
      const { min, max, from, to } = normalizer;
      return `${from} + ${to - from} · (x − min) / (max − min), where min = ${list(min)} and max = ${list(max)}`;
    }
    case "unknown":
      return "it is of a kind that Graft does not know";
  }
}

/** More are not for reading. */
const MOST_NUMBERS = 32;

/** What output and loss need, as nodes that no op of a file stands for. */
function needed(model: Model): Model {
  const { output, loss } = model.roles;
  const names = ancestors(
    model,
    [output, loss].filter((name) => name !== undefined),
  );
  const nodes = [...model.nodes.values()].filter(({ name }) => names.has(name));
  const layers = model.layers.map((layer) => ({
    ...layer,
    nodes: layer.nodes.filter((name) => names.has(name)),
  }));
  return {
    ...model,
    layers,
    nodes: new Map(nodes.map((node) => [node.name, { ...node, origin: [] }])),
  };
}

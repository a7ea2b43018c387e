// Replace the output: fresh weights for a new set of classes. Layer and variable names stay where its connections do, so
// that the owner's program goes on fetching the same names.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import type { EditQuestion } from "../../protocol/plan";
import type { Model, Node } from "../graph/model";
import { kernelOf } from "../graph/units";
import { classCount, ClassesSchema } from "./classNames";
import { comparisonOf, LOSSES, withComparison, type LossName } from "./comparison";
import { detached } from "./detach";
import { describeNew, describeSizes, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { headName, withHead, type NewHead } from "./head";
import { InitializerSchema } from "./initializers";
import {
  classGroup,
  focusedOn,
  headFor,
  HEADS,
  headsFor,
  outputCandidates,
  outputGroup,
  outputLayers,
  outputOf,
  type Head,
} from "./output";
import {
  comparingActivation,
  logitsOf,
  OUTPUT_ACTIVATIONS,
  withOutputActivation,
} from "./outputActivation";
import { regroup } from "./regroup";
import { listNames } from "./select";

const keysOf = <Key extends string>(table: Readonly<Record<Key, unknown>>) =>
  Object.keys(table) as [Key, ...Key[]];

export const ReplaceOutputSchema = z.strictObject({
  classes: ClassesSchema.describe(
    "How many classes the new output has, or their names in index order.",
  ),
  output: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The layer or op of the output to replace, where the graph has several. It becomes the output that is trained; the others stay as they are, and of the loss only its part counts.",
    ),
  activation: z
    .enum(OUTPUT_ACTIVATIONS)
    .optional()
    .describe(
      "The activation function behind the logits. One that is there becomes this one and keeps its name; without one, softmax and sigmoid are added. By default it stays what it is.",
    ),
  loss: z
    .enum(keysOf(LOSSES))
    .optional()
    .describe(
      "What training minimizes, as the mean over samples (and units); of sequences with a mask, as the sum over the steps that are there. By default what the graph has; otherwise its loss is rebuilt under the same name, and other terms of it, such as regularization, stay. sparseSoftmaxCrossEntropy takes class indices, softmaxCrossEntropy one-hot rows, sigmoidCrossEntropy and meanSquaredError a number for each unit; where the graph's placeholder of the labels does not take these, there is a new one, graft/labels.",
    ),
  init: InitializerSchema.optional(),
  connections: z
    .enum(["keep", "replace"])
    .optional()
    .describe(
      "keep (the default): the new output takes the old one's place and names, and whatever read the old one (softmax, loss, metrics) reads the new one. replace: the old output is taken out with all that reads it, and a new dense layer, logits, reads what it read.",
    ),
  head: z
    .enum(keysOf(HEADS))
    .optional()
    .describe(
      "For a network that ends in features and not in classes: a new dense layer, logits, behind the present output (dense; of a sequence, for every step), with global average pooling between where that is a feature map (pooling), or for the last step of a sequence alone (lastStep). All layers stay.",
    ),
});
type Spec = z.infer<typeof ReplaceOutputSchema>;

function apply(model: Model, spec: Spec, key: string): Model {
  const focused = focusedOn(model, spec.output);
  const replaced = replacedUnits(focused, spec, key);
  const loss = lossAfter(focused, spec);
  const compared = loss === undefined ? replaced : compare(replaced, loss, focused, spec);
  const activated =
    spec.activation === undefined ? compared : withOutputActivation(compared, spec.activation);
  const settled = loss === "meanSquaredError" ? comparingActivation(activated) : activated;
  return spec.connections === "replace" ? withoutOld(settled, focused) : settled;
}

function replacedUnits(model: Model, spec: Spec, key: string): Model {
  const classes = classCount(spec.classes);
  const init = spec.init ?? "glorotUniform";
  const head = newHead(model, spec);
  if (head !== undefined) return withHead(model, { ...head, classes, init, key });
  return regroup(model, outputGroup(model), {
    units: Array<undefined>(classes).fill(undefined),
    makes: init,
    reads: "zeros",
    train: "all",
    key,
  });
}

/** The new layer that the edit puts behind features, where it does. */
function newHead(model: Model, spec: Spec): Pick<NewHead, "head" | "from"> | undefined {
  if (spec.connections === "replace") {
    if (spec.head !== undefined)
      throw new GraftError(
        "invalid-edit",
        `"head" puts a layer behind the output and keeps it; "connections": "replace" takes the output out. Use one of them.`,
      );
    const from = featuresOf(outputProducer(model));
    return { head: headFor(model, from), from };
  }
  return spec.head === undefined ? undefined : { head: spec.head, from: outputOf(model) };
}

/** The one product that makes the output's units. */
function outputProducer(model: Model): Node {
  const { variables } = classGroup(model);
  const kernels = new Set(variables.filter(({ makes }) => makes).map(({ variable }) => variable));
  const producers = [...model.nodes.values()].filter((node) =>
    kernels.has(kernelOf(model, node) ?? ""),
  );
  if (producers.length === 1) return producers[0];
  throw new GraftError(
    "invalid-edit",
    `The output is made by ${producers.length === 0 ? "no dense, convolution or recurrent layer" : listNames(producers.map(({ name }) => name))}, so there is not one layer to take out. Use "connections": "keep".`,
  );
}

const featuresOf = ({ name, inputs: [from] }: Node): string => {
  if ("node" in from) return from.node;
  throw new GraftError("invalid-edit", `${name} reads a variable, not features of samples.`);
};

/** The loss to rebuild; undefined where the graph's own serves. */
function lossAfter(model: Model, spec: Spec): LossName | undefined {
  const now = comparisonOf(model);
  const isNew = spec.head !== undefined || spec.connections === "replace";
  if (isNew) return spec.loss ?? now ?? "sparseSoftmaxCrossEntropy";
  return spec.loss === now ? undefined : spec.loss;
}

/** `model` with a loss of the kind `loss`; in `before`, another output was compared. */
function compare(model: Model, loss: LossName, before: Model, spec: Spec): Model {
  const was = outputOf(before);
  const logits = model.roles.output === was ? logitsOf(model) : model.roles.output!;
  const compared = { ...model, roles: { ...model.roles, output: logits } };
  return withComparison(compared, loss, was, classCount(spec.classes));
}

/** Without the output of `before` and everything that reads it. */
function withoutOld(model: Model, before: Model): Model {
  const { name } = outputProducer(before);
  return model.nodes.has(name) ? detached(model, new Set([name]), name) : model;
}

/** What the edit replaces or adds, for messages. */
function layersOf(model: Model, spec: Spec): string[] {
  const focused = focusedOn(model, spec.output);
  return newHead(focused, spec) === undefined
    ? outputLayers(focused, outputGroup(focused))
    : [headName(focused)];
}

/** The heads that a command offers: none where the output's units are classes already. */
function headsOffered(model: Model): readonly Head[] {
  try {
    outputGroup(model);
    return [];
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return headsFor(model.shapes.get(outputOf(model)) ?? []);
  }
}

function questions(model: Model, given: Readonly<Record<string, unknown>>): EditQuestion[] {
  const several = outputCandidates(model);
  const { output } = given;
  if (several.length > 1 && typeof output !== "string")
    return [
      {
        field: "output",
        ask: "layer",
        prompt: "Which output to replace; the others stay",
        candidates: several,
      },
    ];
  const focused = focusedOn(model, typeof output === "string" ? output : undefined);
  const heads = headsOffered(focused);
  const now = heads.length > 0 ? "" : ` (now ${outputGroup(focused).units})`;
  return [
    ...(heads.length === 0 || "head" in given
      ? []
      : [
          {
            field: "head",
            ask: "choice" as const,
            prompt: "The network ends in features, not in classes. What comes behind them",
            choices: heads.map((value) => ({ value, ...HEADS[value] })),
          },
        ]),
    ...("classes" in given
      ? []
      : [
          {
            field: "classes",
            ask: "classes" as const,
            least: 2 as const,
            prompt: `Number of classes, or their names separated by commas${now}`,
          },
        ]),
  ];
}

export const replaceOutput: EditKind<Spec> = {
  effect: () => "changed",
  schema: ReplaceOutputSchema.describe(EDIT_COMMANDS.replaceOutput.does),
  apply,
  touches: layersOf,
  describe: (before, after, spec) => {
    const [layer] = layersOf(before, spec);
    const sizes = [describeSizes(before, after), describeNew(before, after)]
      .filter(Boolean)
      .join("; ");
    const focused = focusedOn(before, spec.output);
    const loss = lossAfter(focused, spec);
    const parts = [
      sizes === "" ? `${layer ?? "the output"} starts from fresh numbers` : sizes,
      `${classCount(spec.classes)} new classes`,
      ...(focused.roles.loss === before.roles.loss || focused.roles.loss === undefined
        ? []
        : [`of the loss only ${focused.roles.loss} counts`]),
      ...(spec.activation === undefined ? [] : [`their activation is ${spec.activation}`]),
      ...(loss === undefined
        ? []
        : [`the loss is ${loss}, labels are fed to ${after.roles.labels}`]),
      describeTraining(after),
    ];
    return `${parts.join("; ")}.`;
  },
  questions,
};

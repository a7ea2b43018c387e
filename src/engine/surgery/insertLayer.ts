// Insert a layer between two others, before the output, or behind it.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import type { EditQuestion } from "../../protocol/plan";
import { channelsAxis } from "../graph/channels";
import { describeLayer, layerSizes } from "../graph/layers";
import type { Initializer, Model, Node } from "../graph/model";
import { dataInputs } from "../graph/recurrent";
import { unitGroup, unitProducer } from "../graph/units";
import { ACTIVATIONS, activationQuestion } from "./activations";
import { describeSizes, describeTraining } from "./describe";
import type { EditKind, FunctionEffect, Questions } from "./edit";
import { initializerQuestion } from "./initializers";
import { build, kindOf, NewLayerSchema, settingOf, type Built } from "./newLayer";
import { fitting, inputOf, outputOf, placedLayers, refuseShared } from "./place";
import { dropoutQuestion } from "./questions";
import { regroup } from "./regroup";
import { freeName, readersOf, refuseTaken, spliced, withLayer } from "./rewire";
import { findLayer } from "./select";

export const InsertLayerSchema = z
  .strictObject({
    after: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The layer that the new one reads, behind its activation function. Everything that read this layer reads the new one. Behind the output, the new layer becomes the output.",
      ),
    before: z
      .string()
      .min(1)
      .optional()
      .describe("The layer that reads the new one, instead of what it reads now."),
    layer: NewLayerSchema,
    name: z
      .string()
      .min(1)
      .optional()
      .describe("Its name, which no layer, op or variable has yet; that of its kind otherwise."),
  })
  .refine(({ after, before }) => (after === undefined) !== (before === undefined), {
    error: 'expected either "after" or "before", with the name of a layer',
  });
type Spec = z.infer<typeof InsertLayerSchema>;

/** Between which nodes a layer goes. */
interface Gap {
  readonly from: string;
  /** Which readers of `from` read the new layer. */
  readonly takes: (reader: Node) => boolean;
  /** The layer that it follows in the list. */
  readonly behind: string | undefined;
  readonly becomesOutput: boolean;
}

/** What only asks how long a sequence is goes on asking the old one: a new layer may ask it in turn. */
const readsData = (reader: Node): boolean => dataInputs(reader).length > 0;

function gapOf(model: Model, { after, before }: Pick<Spec, "after" | "before">): Gap {
  if (after !== undefined) {
    const from = outputOf(model, findLayer(model, after));
    const becomesOutput = model.roles.output === from;
    return { from, takes: readsData, behind: after, becomesOutput };
  }
  const layer = findLayer(model, before!);
  const behind = model.layers[model.layers.indexOf(layer) - 1]?.name;
  const takes = (reader: Node) => readsData(reader) && layer.nodes.includes(reader.name);
  const from = inputOf(model, layer);
  const indexed = readersOf(model, from).find(
    (reader) => takes(reader) && (reader.op === "Gather" || reader.op === "OneHot"),
  );
  if (indexed === undefined) return { from, takes, behind, becomesOutput: false };
  throw new GraftError(
    "invalid-edit",
    `${layer.name} reads indices, which no layer can make. Insert the new one behind it.`,
  );
}

/** "batch_normalization" as Keras and TensorFlow name it; others as their kind. */
const defaultName = (setting: string): string =>
  setting === "batchNorm" ? "batch_normalization" : setting;

function nameOf(model: Model, { name, layer }: Spec): string {
  if (name === undefined) return freeName(model, defaultName(settingOf(layer)));
  refuseTaken(model, name);
  return name;
}

function built(model: Model, spec: Spec, key: string): Built & { readonly name: string } {
  const { from } = gapOf(model, spec);
  const name = nameOf(model, spec);
  const shape = model.shapes.get(from) ?? [];
  return { name, ...build(spec.layer, { model, name, from, shape, key }) };
}

function apply(model: Model, spec: Spec, key: string): Model {
  const gap = gapOf(model, spec);
  const { name, block, units } = built(model, spec, key);
  const output = block.nodes.at(-1)!.name;
  const inserted = spliced(model, gap.from, block, gap.takes);
  const layer = {
    name,
    kind: kindOf(spec.layer),
    nodes: block.nodes.map((node) => node.name),
    variables: block.variables.map((variable) => variable.name),
    output,
  };
  const roles = gap.becomesOutput ? { ...model.roles, output } : model.roles;
  const after = fitting(
    withLayer({ ...inserted, roles }, layer, gap.behind),
    model,
    `${name} cannot be inserted here`,
    "Insert it at another place.",
  );
  if (units === undefined) return after;

  const group = unitGroup(after, unitProducer(after, layer.nodes)!, name);
  refuseShared(
    after,
    group,
    new Set(layer.variables),
    (others) =>
      `The units of ${name} are those of ${others}, too, so there must be ${group.units} of them. Leave "units" out, or insert it at another place.`,
  );
  return regroup(after, group, {
    units: Array<undefined>(units).fill(undefined),
    makes: initOf(spec),
    reads: "glorotUniform",
    train: "all",
    key,
  });
}

function initOf({ layer }: Pick<Spec, "layer">): Initializer {
  if ("dense" in layer) return layer.dense.init;
  if ("conv2d" in layer) return layer.conv2d.init;
  if ("lstm" in layer) return layer.lstm.init;
  return "gru" in layer ? layer.gru.init : "glorotUniform";
}

function describe(before: Model, after: Model, spec: Spec): string {
  const { name, keeps } = built(before, spec, "");
  const layer = findLayer(after, name);
  const what = `${describeLayer(after, layer)} ${layerSizes(after, layer)}`.trim();
  const where = spec.after === undefined ? `before ${spec.before}` : `behind ${spec.after}`;
  const sizes = describeSizes(before, after);
  const effect = [
    ...(sizes === "" ? [] : [`${sizes}, with fresh numbers for the new layer's units`]),
    keeps
      ? "the network computes what it did before"
      : "what lies behind it reads other numbers than it was trained on",
    ...(gapOf(before, spec).becomesOutput ? ["it is the output now"] : []),
  ];
  return `${name} (${what}) is inserted ${where}; ${effect.join("; ")}; ${describeTraining(after)}.`;
}

const questions =
  (side: "after" | "before"): Questions =>
  (model, given) => {
    if (given[side] === undefined)
      return [
        {
          field: side,
          ask: "layer",
          prompt: `Layer to insert the new one ${side === "after" ? "behind" : "before"}`,
          candidates: placedLayers(model),
        },
      ];
    const { from } = gapOf(model, given as Pick<Spec, "after" | "before">);
    const shape = model.shapes.get(from) ?? [];
    if (given["layer"] === undefined) return [whichLayer(shape.length)];
    const kind = Object.keys(given["layer"] as object)[0];
    const answered = (field: string) => given[`layer.${kind}.${field}`];
    const asIdentity = () => {
      const layer = {
        [kind]: { units: answered("units"), activation: answered("activation"), init: "identity" },
      };
      const spec = InsertLayerSchema.parse({ [side]: given[side], layer });
      return apply(model, spec, "");
    };
    const units = shape[channelsAxis(model, from)];
    return settings(kind, units, () => isPossible(asIdentity));
  };

type Choice = Extract<EditQuestion, { readonly ask: "choice" }>["choices"][number];
const choice = (value: Choice["value"], label: string, detail: string): Choice => ({
  value,
  label,
  detail,
});

const DENSE = choice({ dense: {} }, "Dense layer", "A kernel and a bias");

/** Layers with weights that take tensors of so many axes; of others, a dense one. */
const WEIGHED: Readonly<Record<number, readonly Choice[]>> = {
  3: [
    choice({ lstm: {} }, "LSTM", "Reads the sequence, and hands on one of its units"),
    choice({ lstm: { peepholes: true } }, "LSTM with peepholes", "DL4J's GravesLSTM"),
    choice({ gru: {} }, "GRU", "TensorFlow 1's GRUCell"),
    choice({ dense: {} }, "Dense layer", "The same kernel and bias for every step"),
  ],
  4: [choice({ conv2d: {} }, "Convolution", "Kernels that slide over the image, and a bias")],
};

const whichLayer = (axes: number): EditQuestion => ({
  field: "layer",
  ask: "choice",
  prompt: "What to insert",
  choices: [
    ...(WEIGHED[axes] ?? [DENSE]),
    choice({ batchNorm: {} }, "Batch normalization", "Changes nothing until it trains"),
    choice({ dropout: {} }, "Dropout", "Drops units while training; predictions stay"),
    ...Object.entries(ACTIVATIONS).map(([activation, { op }]) =>
      choice({ activation }, `Activation: ${op}`, "A function of each number alone"),
    ),
  ],
});

function isPossible(edit: () => unknown): boolean {
  try {
    edit();
    return true;
  } catch (error) {
    if (error instanceof GraftError) return false;
    throw error;
  }
}

/** `fitsIdentity`: whether the layer that was answered so far can start as the identity. */
function settings(kind: string, units: number, fitsIdentity: () => boolean): EditQuestion[] {
  if (kind === "dropout") return [dropoutQuestion("layer.dropout.rate")];
  if (!["dense", "conv2d", "lstm", "gru"].includes(kind)) return [];
  const howMany: EditQuestion = {
    field: `layer.${kind}.units`,
    ask: "number",
    prompt: `How many units it has; with another number than ${units}, what reads them starts afresh`,
    min: 1,
    max: 1_000_000,
    suggestion: units,
  };
  if (kind === "lstm" || kind === "gru") return [howMany];
  return [
    howMany,
    activationQuestion(`layer.${kind}.activation`),
    initializerQuestion(`layer.${kind}.init`, [
      ...(fitsIdentity() ? (["identity"] as const) : []),
      "glorotUniform",
      "heNormal",
    ]),
  ];
}

function effectOf({ layer }: Spec): FunctionEffect {
  if ("batchNorm" in layer || "dropout" in layer) return "kept";
  return initOf({ layer }) === "identity" ? "kept" : "changed";
}

export const insertLayer: EditKind<Spec> = {
  effect: effectOf,
  schema: InsertLayerSchema.describe(EDIT_COMMANDS.insertLayer.does),
  apply,
  touches: (model, spec) => [nameOf(model, spec)],
  describe,
  questions: questions("after"),
  variants: { insertLayerBefore: questions("before") },
  inverse: (before, spec) =>
    built(before, spec, "").units === undefined
      ? { removeLayer: { layer: nameOf(before, spec) } }
      : undefined,
};

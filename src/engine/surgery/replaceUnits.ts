// Replace the units of a layer by others, of another number: DL4J's nOutReplace. The layer and what reads it start afresh.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { InitializerSchema } from "./initializers";
import type { Model } from "../graph/model";
import { describeSizes, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { layerQuestion } from "./questions";
import { regroup } from "./regroup";
import { describeCoupling, hiddenLayer, layersOf, unitLayers } from "./unitLayers";

export const ReplaceUnitsSchema = z.strictObject({
  layer: z
    .string()
    .min(1)
    .describe("The dense, convolution or recurrent layer that gets other units."),
  units: z.int().min(1).max(1_000_000).describe("How many units it has then."),
  init: InitializerSchema.optional().describe("What the layer's own kernel starts from."),
  initNext: InitializerSchema.optional().describe(
    "What the kernels that read the layer start from.",
  ),
});
type Spec = z.infer<typeof ReplaceUnitsSchema>;

const apply = (model: Model, spec: Spec, key: string): Model =>
  regroup(model, hiddenLayer(model, spec.layer).group, {
    units: Array<undefined>(spec.units).fill(undefined),
    makes: spec.init ?? "glorotUniform",
    reads: spec.initNext ?? "glorotUniform",
    train: "all",
    key,
  });

export const replaceUnits: EditKind<Spec> = {
  effect: () => "changed",
  schema: ReplaceUnitsSchema.describe(EDIT_COMMANDS.replaceUnits.does),
  apply,
  touches: (model, spec) => layersOf(model, hiddenLayer(model, spec.layer).group.variables),
  describe: (before, after, spec) =>
    `${describeSizes(before, after) || `${spec.layer} starts from fresh numbers`}; ${describeCoupling(before, hiddenLayer(before, spec.layer))}its trained numbers and those that read them are given up; ${describeTraining(after)}.`,
  questions: (model, given) => [
    ...layerQuestion(given, "Layer that gets other units", unitLayers(model)),
    {
      field: "units",
      ask: "number",
      prompt: "How many units it has then",
      min: 1,
      max: 1_000_000,
    },
  ],
};

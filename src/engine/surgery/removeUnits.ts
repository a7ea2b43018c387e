// Remove units of a layer, with every number that depends on them alone.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import type { Model } from "../graph/model";
import { describeSizes, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { layerQuestion } from "./questions";
import { allUnits, regroup } from "./regroup";
import {
  describeCoupling,
  layersOf,
  layersWithUnits,
  unitLayer,
  unitsIn,
  UnitsSchema,
} from "./unitLayers";

export const RemoveUnitsSchema = z.strictObject({
  layer: z
    .string()
    .min(1)
    .describe(
      "The dense, convolution or recurrent layer that loses units; of the output, these are classes.",
    ),
  units: UnitsSchema,
});
type Spec = z.infer<typeof RemoveUnitsSchema>;

function apply(model: Model, spec: Spec, key: string): Model {
  const { group } = unitLayer(model, spec.layer);
  const gone = new Set(unitsIn(spec.units, group.units, spec.layer));
  const units = allUnits(group).filter((unit) => !gone.has(unit));
  if (units.length === 0)
    throw new GraftError(
      "invalid-edit",
      `${spec.layer} would have no unit left. Use removeLayer to take the whole layer out.`,
    );
  return regroup(model, group, { units, makes: "zeros", reads: "zeros", train: "all", key });
}

export const removeUnits: EditKind<Spec> = {
  effect: () => "changed",
  schema: RemoveUnitsSchema.describe(EDIT_COMMANDS.removeUnits.does),
  apply,
  touches: (model, spec) => layersOf(model, unitLayer(model, spec.layer).group.variables),
  describe: (before, after, spec) =>
    `${describeSizes(before, after)}; ${describeCoupling(before, unitLayer(before, spec.layer))}the other units keep their numbers; ${describeTraining(after)}.`,
  questions: (model, given) => [
    ...layerQuestion(given, "Layer that loses units", layersWithUnits(model)),
    {
      field: "units",
      ask: "units",
      prompt: "Units to remove, by number, such as 0-3, 7",
    },
  ],
};

// Add classes to the output: the old ones keep their numbers, and so their logits.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import type { Model } from "../graph/model";
import { classCount, ClassesSchema } from "./classNames";
import { describeSizes, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { freezeAll } from "./freeze";
import { InitializerSchema } from "./initializers";
import { allUnits, regroup } from "./regroup";
import { outputGroup, outputLayers } from "./output";
import { hasAverages } from "./unitLayers";

export const AddClassesSchema = z.strictObject({
  classes: ClassesSchema.describe(
    "How many classes to add behind the old ones, or their names in index order.",
  ),
  init: InitializerSchema.optional(),
  train: z
    .enum(["new", "all"])
    .default("new")
    .describe(
      "new: only the numbers of the new classes train; everything else is frozen, so that the old logits stay bit for bit. all: what trained before goes on training too.",
    ),
});
type Spec = z.infer<typeof AddClassesSchema>;

function apply(model: Model, spec: Spec, key: string): Model {
  const group = outputGroup(model);
  const more = Array<undefined>(classCount(spec.classes)).fill(undefined);
  return regroup(spec.train === "new" ? freezeAll(model) : model, group, {
    units: [...allUnits(group), ...more],
    makes: spec.init ?? "glorotUniform",
    reads: "zeros",
    train: spec.train,
    key,
  });
}

export const addClasses: EditKind<Spec> = {
  effect: () => "extended",
  schema: AddClassesSchema.describe(EDIT_COMMANDS.addClasses.does),
  apply,
  touches: (model) => outputLayers(model, outputGroup(model)),
  describe: (before, after, spec) =>
    `${describeSizes(before, after)}; the old classes keep their numbers${spec.train === "new" ? ", and nothing but the new ones trains" : ""}; ${describeTraining(after)}.`,
  inverse: (before, { classes, train }) => {
    const group = outputGroup(before);
    const [layer] = outputLayers(before, group);
    if (train === "new" || layer === undefined || hasAverages(before, group)) return undefined;
    const last = group.units + classCount(classes) - 1;
    return { removeUnits: { layer, units: `${group.units}-${last}` } };
  },
  questions: (model, given) => [
    ...("classes" in given
      ? []
      : [
          {
            field: "classes",
            ask: "classes" as const,
            least: 1 as const,
            prompt: `Number of new classes, or their names separated by commas (there are ${outputGroup(model).units})`,
          },
        ]),
    {
      field: "train",
      ask: "choice",
      prompt: "What trains",
      choices: [
        {
          value: "new",
          label: "Only the new classes",
          detail: "Everything else is frozen; the old logits stay bit for bit",
        },
        {
          value: "all",
          label: "Everything that trained before",
          detail: "The old classes learn on, together with the new ones",
        },
      ],
    },
  ],
};

// Fresh values for layers or variables: shapes and names stay.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import {
  isWeight,
  layersIn,
  listNames,
  NAMES,
  selectAll,
  selectWeights,
  weightLayers,
  type Selection,
} from "./select";
import type { Model, Variable } from "../graph/model";
import { wholeRegion } from "../graph/model";
import { describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { initializerQuestion, InitializerSchema } from "./initializers";
import { fresh } from "./fresh";
import { changed } from "./rewire";

export const ReinitializeSchema = z.strictObject({
  layers: z
    .union(NAMES)
    .describe("What starts afresh: layers with all their numbers, or single variables."),
  init: InitializerSchema.optional().describe(
    "What the kernels start from. Biases start from zero, batch norms from scale 1 and offset 0.",
  ),
});
type Spec = z.infer<typeof ReinitializeSchema>;

const selected = (model: Model, { layers }: Spec): Selection =>
  selectAll(model, layers, selectWeights);

function apply(model: Model, spec: Spec, key: string): Model {
  const { layers, weights } = selected(model, spec);
  const ofLayers = new Set(layers.flatMap(({ variables }) => variables));
  const starting = new Set(weights.map(({ name }) => name));
  const variables = [...model.variables.values()].flatMap((variable): Variable[] => {
    const { name, of, role, shape } = variable;
    const isState = role === "slot" && of !== undefined && starting.has(of);
    const isOwn = starting.has(name) || (role === "statistic" && ofLayers.has(name));
    if (!isOwn && !isState) return [];
    const kernels = isState ? "zeros" : (spec.init ?? "glorotUniform");
    const value = fresh(model, variable, { shape, whole: shape, weights: kernels, key });
    return [{ ...variable, value, trainable: isWeight(variable) ? [wholeRegion(shape)] : [] }];
  });
  return changed(model, { variables });
}

export const reinitialize: EditKind<Spec> = {
  effect: () => "changed",
  schema: ReinitializeSchema.describe(EDIT_COMMANDS.reinitialize.does),
  apply,
  touches: (model, spec) => layersIn(model, selected(model, spec)),
  describe: (before, after, spec) => {
    const names = layersIn(before, selected(before, spec));
    return `${listNames(names)} ${names.length === 1 ? "starts" : "start"} from fresh numbers and ${names.length === 1 ? "trains" : "train"}; ${describeTraining(after)}.`;
  },
  questions: (model) => [
    {
      field: "layers",
      ask: "pattern",
      prompt: "Layer to start afresh, or a pattern that matches whole names",
      candidates: weightLayers(model),
    },
    initializerQuestion("init", ["glorotUniform", "heNormal", "zeros"]),
  ],
};

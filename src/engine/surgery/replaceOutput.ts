// Replace the output: fresh weights for a new set of classes. Layer and variable names stay, so that the
// owner's program goes on fetching the same names.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import type { UnitGroup } from "../graph/coupling/group";
import { layerOf } from "../graph/layers";
import type { Model, Node } from "../graph/model";
import { ancestors } from "../graph/order";
import { kernelOf, unitGroup } from "../graph/units";
import { classCount, ClassesSchema } from "./classNames";
import { describeSizes, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { InitializerSchema } from "./initializers";
import { regroup } from "./regroup";
import { listNames } from "./select";

export const ReplaceOutputSchema = z.strictObject({
  classes: ClassesSchema.describe(
    "How many classes the new output has, or their names in index order.",
  ),
  init: InitializerSchema.optional(),
});
type Spec = z.infer<typeof ReplaceOutputSchema>;

/** The node that makes the logits' units: the last product before the output. */
export function outputProducer(model: Model): Node {
  const { output, ambiguous } = model.roles;
  if (output === undefined)
    throw new GraftError(
      ambiguous ? "ambiguous-graph" : "no-graph",
      ambiguous
        ? `The graph has several candidates for its ${ambiguous.role}: ${ambiguous.candidates.join(", ")}. Choose one with "graph": { "${ambiguous.role}": … }.`
        : `The checkpoint has no graph, so its output is not known. Put the .meta file that was saved with it beside it.`,
    );
  const layer = layerOf(model, output);
  const above = ancestors(model, [output]);
  const producers = [...model.nodes.values()].filter(
    (node) =>
      above.has(node.name) &&
      kernelOf(node) !== undefined &&
      (layer === undefined || layer.nodes.includes(node.name)),
  );
  const last = producers.at(-1);
  if (last !== undefined) return last;
  throw new GraftError(
    "invalid-edit",
    `The output ${output} does not come from a dense or convolution layer, so its classes cannot be replaced.`,
  );
}

/** The units of the output's classes. Throws where other layers read them too. */
export function outputGroup(model: Model): UnitGroup {
  const producer = outputProducer(model);
  const group = unitGroup(model, producer, layerOf(model, producer.name)?.name ?? producer.name);
  const readers = group.variables.filter(({ reads }) => reads).map(({ variable }) => variable);
  if (!group.reachesOutput || readers.length > 0)
    throw new GraftError(
      "invalid-edit",
      `The output's units also feed ${listNames(readers)}, so the output cannot be replaced alone.`,
    );
  return group;
}

const apply = (model: Model, spec: Spec, key: string): Model =>
  regroup(model, outputGroup(model), {
    units: Array<undefined>(classCount(spec.classes)).fill(undefined),
    makes: spec.init ?? "glorotUniform",
    reads: "zeros",
    train: "all",
    key,
  });

export const replaceOutput: EditKind<Spec> = {
  schema: ReplaceOutputSchema.describe(EDIT_COMMANDS.replaceOutput.does),
  apply,
  touches: (model) => {
    const layer = layerOf(model, outputProducer(model).name);
    return layer === undefined ? [] : [layer.name];
  },
  describe: (before, after, spec) => {
    const sizes = describeSizes(before, after);
    const layer = layerOf(before, outputProducer(before).name)?.name ?? "the output";
    const change = sizes === "" ? `${layer} starts from fresh numbers` : sizes;
    return `${change}; ${classCount(spec.classes)} new classes; ${describeTraining(after)}.`;
  },
  questions: (model, given) =>
    "classes" in given
      ? []
      : [
          {
            field: "classes",
            ask: "classes",
            least: 2 as const,
            prompt: `Number of classes, or their names separated by commas (now ${outputGroup(model).units})`,
          },
        ],
};

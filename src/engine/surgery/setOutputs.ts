// Choose outputs: a hidden layer becomes one, to extract features or to put a new output behind it.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import type { Model } from "../graph/model";
import { ancestors } from "../graph/order";
import { knownLosses, focusedRoles, logitsBefore } from "../graph/roles";
import { describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { layerOf } from "../graph/layers";
import { namedNode } from "./output";
import { pruned } from "./rewire";
import { listNames } from "./select";

const Name = z.string().min(1).describe("A layer (its last activation) or an op.");

export const SetOutputsSchema = z.strictObject({
  outputs: z
    .union([Name, z.array(Name).min(1)])
    .describe(
      "What the network computes. The first is the output that is predicted and trained: the logits, where it is a softmax.",
    ),
  keep: z
    .boolean()
    .default(false)
    .describe(
      "Keep the layers that no output needs. By default they are left out, of what is saved too.",
    ),
});
type Spec = z.infer<typeof SetOutputsSchema>;

function apply(model: Model, spec: Spec): Model {
  const named = [spec.outputs].flat().map((name) => namedNode(model, name));
  const [first] = named;
  const known = knownLosses(model.roles);
  const logits = logitsBefore(model, first);
  const isOld = logits === model.roles.output;
  const candidates = [logits, first].map((output) => focusedRoles(model, known, output));
  const roles = isOld
    ? model.roles
    : (candidates.find(({ loss }) => loss !== undefined) ?? focusedRoles(model, [], first));
  const chosen = { ...model, roles };
  return spec.keep ? chosen : pruned(chosen, model.nodes.keys(), named);
}

/** The layers that are left out. */
const leftOut = (before: Model, after: Model): string[] => {
  const still = new Set(after.layers.map(({ name }) => name));
  return before.layers.map(({ name }) => name).filter((name) => !still.has(name));
};

export const setOutputs: EditKind<Spec> = {
  effect: () => "changed",
  schema: SetOutputsSchema.describe(EDIT_COMMANDS.setOutputs.does),
  apply,
  touches: (model, { outputs }) =>
    [outputs].flat().flatMap((name) => layerOf(model, namedNode(model, name))?.name ?? []),
  describe: (before, after, { outputs }) => {
    const gone = leftOut(before, after);
    return `${listNames([outputs].flat())} ${[outputs].flat().length === 1 ? "is the output" : "are the outputs"}; ${gone.length === 0 ? "all layers stay" : `${listNames(gone)} ${gone.length === 1 ? "is" : "are"} left out`}; ${describeTraining(after)}.`;
  },
  questions: (model, given) => {
    const inside = ancestors(
      model,
      model.roles.output === undefined ? model.nodes.keys() : [model.roles.output],
    );
    return "outputs" in given
      ? []
      : [
          {
            field: "outputs",
            ask: "layer",
            prompt: "Layer that becomes the output; what comes behind it is left out",
            candidates: model.layers
              .filter(({ output }) => output !== undefined && inside.has(output))
              .map(({ name }) => name),
          },
        ];
  },
};

// Replace the output: fresh weights for a new set of classes. Layer and variable names stay, so that the
// owner's program goes on fetching the same names.
import { z } from "zod";
import { GraftError } from "../../protocol/errors";
import { ClassNamesSchema } from "./classNames";
import { layerOf } from "../graph/layers";
import { wholeRegion, type Model, type Node, type Variable } from "../graph/model";
import { ancestors } from "../graph/order";
import { unitGroup, type UnitAxis } from "../graph/units";
import { describeSizes, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { fresh, resized } from "./resize";

const InitSchema = z
  .enum(["glorotUniform", "heNormal", "zeros"])
  .describe("What the new weights start from. Biases start from zero.");

export const ReplaceOutputSchema = z.strictObject({
  classes: z
    .union([z.int().min(1).max(1_000_000), ClassNamesSchema])
    .describe("How many classes the new output has, or their names in index order."),
  init: InitSchema.optional(),
});
type Spec = z.infer<typeof ReplaceOutputSchema>;

export const classCount = (spec: Spec): number =>
  typeof spec.classes === "number" ? spec.classes : spec.classes.length;

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
      (node.op === "MatMul" || node.op === "Conv2D") &&
      node.inputs[1] !== undefined &&
      "variable" in node.inputs[1] &&
      (layer === undefined || layer.nodes.includes(node.name)),
  );
  const last = producers.at(-1);
  if (last !== undefined) return last;
  throw new GraftError(
    "invalid-edit",
    `The output ${output} does not come from a dense or convolution layer, so its classes cannot be replaced.`,
  );
}

function apply(model: Model, spec: Spec, key: string): Model {
  const classes = classCount(spec);
  const group = unitGroup(model, outputProducer(model));
  if (!group.reachesOutput || group.readers.length > 0)
    throw new GraftError(
      "invalid-edit",
      `The output's units also feed ${group.readers.map((reader) => reader.variable).join(", ")}, so the output cannot be replaced alone.`,
    );
  const init = spec.init ?? "glorotUniform";
  const replace = (axis: UnitAxis): Variable => {
    const variable = model.variables.get(axis.variable)!;
    const shape = resized(variable.shape, axis.axis, classes);
    const value = fresh(model, variable, shape, init, key);
    return { ...variable, shape, value, trainable: [wholeRegion(shape)] };
  };
  const variables = new Map(model.variables);
  for (const axis of group.own) variables.set(axis.variable, replace(axis));
  return withClasses({ ...model, variables }, group.units, classes, group.behindOutput);
}

/** Follows the number of classes into what names it behind the output: reshapes, one-hot labels, their placeholder. */
function withClasses(
  model: Model,
  before: number,
  classes: number,
  reshapes: readonly string[],
): Model {
  const nodes = new Map(model.nodes);
  for (const name of reshapes) {
    const node = nodes.get(name)!;
    if (node.op !== "Reshape") continue;
    const shape = [...node.attributes.shape.slice(0, -1), classes];
    nodes.set(name, { ...node, attributes: { shape } });
  }
  const { labels, loss, output } = model.roles;
  const shapes = new Map(model.shapes);
  if (labels !== undefined) {
    const shape = model.shapes.get(labels);
    if (shape !== undefined && shape.length > 1 && shape.at(-1) === before)
      shapes.set(labels, resized(shape, shape.length - 1, classes));
  }
  const behind = loss === undefined ? new Set<string>() : ancestors(model, [loss]);
  // The network's own sizes below the output may happen to be the number of classes.
  for (const name of ancestors(model, [output!])) behind.delete(name);
  for (const node of model.nodes.values()) {
    if (!behind.has(node.name) || node.inputs.some((input) => "variable" in input)) continue;
    if (node.op === "OneHot" && node.attributes.depth === before)
      nodes.set(node.name, { ...node, attributes: { ...node.attributes, depth: classes } });
    // The labels' own reshape to [-1, classes], beside the one of the logits.
    if (node.op === "Reshape" && node.attributes.shape.at(-1) === before && reshapes.length > 0)
      nodes.set(node.name, {
        ...node,
        attributes: { shape: [...node.attributes.shape.slice(0, -1), classes] },
      });
  }
  return { ...model, nodes, shapes };
}

export const replaceOutput: EditKind<Spec> = {
  title: "Replace Output",
  schema: ReplaceOutputSchema.describe("Fresh output weights for new classes."),
  apply,
  touches: (model) => {
    const layer = layerOf(model, outputProducer(model).name);
    return layer === undefined ? [] : [layer.name];
  },
  describe: (before, after, spec) => {
    const sizes = describeSizes(before, after);
    const layer = layerOf(before, outputProducer(before).name)?.name ?? "the output";
    const change = sizes === "" ? `${layer} starts from fresh numbers` : sizes;
    return `${change}; ${classCount(spec)} new classes; ${describeTraining(after)}.`;
  },
  questions: (model, given) =>
    "classes" in given
      ? []
      : [
          {
            field: "classes",
            ask: "classes",
            prompt: `Number of classes, or their names separated by commas (now ${unitGroup(model, outputProducer(model)).units})`,
          },
        ],
};

// A loss for a graph that has none: softmax cross-entropy on its output, for each step of sequences.
import { GraftError } from "../../protocol/errors";
import { modelInputs } from "./inputs";
import type { Model, Node } from "./model";
import { formatShape } from "./shapes";

const LABELS = "graft/labels";
const PER_SAMPLE = "graft/cross_entropy";
const LOSS = "graft/loss";
/** Of sequences: which labels count. */
const MASK = "graft/labelsMask";
const COUNTED = "graft/counted";

/** Said of a model without nodes. */
export const NO_GRAPH =
  "The checkpoint has no graph (no .meta file beside it), so it can be inspected but not run. Save it again with write_meta_graph=True.";

/** `model` with a loss and labels. Throws `ambiguous-graph` where the recipe has to choose. */
export function withLoss(model: Model): Model {
  const { roles } = model;
  if (roles.loss !== undefined && roles.labels !== undefined && roles.output !== undefined)
    return model;
  if (roles.ambiguous !== undefined)
    throw new GraftError(
      "ambiguous-graph",
      `The network has several candidates for its ${roles.ambiguous.role}: ${roles.ambiguous.candidates.join(", ")}. Choose one with "graph": { "${roles.ambiguous.role}": … }.`,
    );
  if (roles.output === undefined)
    throw new GraftError(
      model.nodes.size === 0 ? "no-graph" : "ambiguous-graph",
      model.nodes.size === 0
        ? NO_GRAPH
        : `No output was found in the network. Name the op of the logits with "graph": { "output": … }.`,
    );
  // One class is always right: such a network would seem perfect and learn nothing.
  if (model.shapes.get(roles.output)?.at(-1) === 1)
    throw new GraftError(
      "ambiguous-graph",
      `The network has no loss, and its output ${roles.output} has one unit: classes need two or more, and how far a number is off it does not say. Replace the output, with "loss": "meanSquaredError" for numbers.`,
    );
  const shape = model.shapes.get(roles.output) ?? [-1];
  const perStep = shape.length === 3 && modelInputs(model).some(({ sequence }) => sequence);
  if (shape.length > 2 && !perStep)
    throw new GraftError(
      "ambiguous-graph",
      `The network has no loss, and its output ${roles.output} holds no classes: it is ${formatShape(shape)}. Put classes behind it with { "replaceOutput": { "classes": …, "head": ${shape.length === 3 ? '"dense" or "lastStep"' : '"pooling"'} } }, or name another output with "graph": { "output": … }.`,
    );
  const nodes = new Map<string, Node>(model.nodes);
  const add = (node: Node) => nodes.set(node.name, node);
  const named = (name: string, inputs: readonly string[]) => ({
    name,
    inputs: inputs.map((node) => ({ node })),
    origin: [],
  });
  add({ ...named(LABELS, []), op: "Placeholder", attributes: { dtype: "int64" } });
  add({
    ...named(PER_SAMPLE, [roles.output, LABELS]),
    op: "SparseSoftmaxCrossEntropy",
    attributes: {},
  });
  const labels = [-1, ...shape.slice(1, -1)];
  const shapes = new Map(model.shapes).set(LABELS, labels).set(PER_SAMPLE, labels);
  if (perStep) {
    add({ ...named(MASK, []), op: "Placeholder", attributes: { dtype: "float32", value: 1 } });
    add({ ...named(COUNTED, [PER_SAMPLE, MASK]), op: "Mul", attributes: {} });
    shapes.set(MASK, labels).set(COUNTED, labels);
  }
  const axes = perStep ? [0, 1] : [0];
  const each = perStep ? COUNTED : PER_SAMPLE;
  add({ ...named(LOSS, [each]), op: "Mean", attributes: { axes, keepDims: false } });
  shapes.set(LOSS, []);
  return { ...model, nodes, shapes, roles: { ...roles, labels: LABELS, loss: LOSS } };
}

// Where a layer lies in the graph: what it reads, and what it hands on.
import { GraftError } from "../../protocol/errors";
import type { UnitGroup } from "../graph/coupling/group";
import { elements, type Layer, type Model, type Shape } from "../graph/model";
import { dataInputs } from "../graph/recurrent";
import { reinfer } from "../graph/reinfer";
import { listNames } from "./select";

/** Nodes that depend on what samples are fed to, these included. */
export function fromInputs(model: Model): ReadonlySet<string> {
  const reached = new Set<string>(model.roles.inputs);
  for (const node of model.nodes.values())
    if (node.inputs.some((input) => "node" in input && reached.has(input.node)))
      reached.add(node.name);
  return reached;
}

/** The node that `layer` reads. Throws where there are several, or none. */
export function inputOf(model: Model, layer: Layer): string {
  const own = new Set(layer.nodes);
  const samples = fromInputs(model);
  const read = layer.nodes
    .flatMap((name) => dataInputs(model.nodes.get(name)!))
    .flatMap((input) => ("node" in input ? [input.node] : []))
    .filter((name) => !own.has(name) && samples.has(name));
  const [input, ...more] = new Set(read);
  if (input !== undefined && more.length === 0) return input;
  throw new GraftError(
    "invalid-edit",
    input === undefined
      ? `${layer.name} reads nothing that samples are fed to, so it has no place in the graph.`
      : `${layer.name} reads several inputs: ${listNames([input, ...more])}. Choose a layer with one.`,
  );
}

/**
 * The node that `layer` hands on; of the last one, the logits: a softmax behind them belongs to the loss. Throws where
 * Graft does not know it.
 */
export function outputOf({ roles }: Model, layer: Layer): string {
  if (roles.output !== undefined && layer.nodes.includes(roles.output)) return roles.output;
  if (layer.output !== undefined) return layer.output;
  throw new GraftError(
    "invalid-edit",
    `Graft does not know which op is the output of ${layer.name} (${layer.kind}).`,
  );
}

/** Layers whose place in the graph is known. */
export const placedLayers = (model: Model): string[] =>
  model.layers.filter(({ output }) => output !== undefined).map(({ name }) => name);

/**
 * The model with the shapes that it has now. Throws `invalid-edit` where its parts, which did `before`, do not fit together
 * any more.
 */
export function fitting(model: Model, before: Model, what: string, instead: string): Model {
  let after: Model;
  try {
    after = reinfer(model);
  } catch (cause) {
    if (!(cause instanceof GraftError) || cause.code !== "shape-mismatch") throw cause;
    throw new GraftError("invalid-edit", `${what}: ${cause.message} ${instead}`, { cause });
  }
  const were = mixedSamples(before);
  for (const [name, [is, becomes]] of mixedSamples(after))
    if (!were.has(name))
      throw new GraftError(
        "invalid-edit",
        `${what}: ${name} would put ${is} numbers a sample into rows of ${becomes}. ${instead}`,
      );
  return after;
}

/** Numbers in a row of a batch of any size; 0 where that is not known. */
const rowNumbers = (shape: Shape | undefined): number =>
  shape?.[0] === -1 && shape.slice(1).every((size) => size > 0) ? elements(shape.slice(1)) : 0;

/** Reshapes by which a batch has another number of rows, with the numbers of a row before and behind them. */
function mixedSamples({ nodes, shapes }: Model): Map<string, readonly [number, number]> {
  const found = new Map<string, readonly [number, number]>();
  for (const { name, op, inputs } of nodes.values()) {
    if (op !== "Reshape" || !("node" in inputs[0])) continue;
    const both = [shapes.get(inputs[0].node), shapes.get(name)];
    const [is, becomes] = both.map(rowNumbers);
    if (is > 0 && becomes > 0 && is !== becomes) found.set(name, [is, becomes]);
  }
  return found;
}

/** Refuses to start a group afresh where kernels other than `own` make its units, too: they would be lost. */
export function refuseShared(
  model: Model,
  group: UnitGroup,
  own: ReadonlySet<string>,
  refusal: (others: string) => string,
): void {
  const others = group.variables
    .filter(({ variable, makes }) => makes && !own.has(variable))
    .map(({ variable }) => variable)
    .filter((name) => model.variables.get(name)!.shape.length > 1);
  if (others.length > 0) throw new GraftError("invalid-edit", refusal(listNames(others)));
}

// Taking nodes out of the graph, with everything that cannot do without them.
import { GraftError } from "../../protocol/errors";
import type { Model, Node, Ref } from "../graph/model";
import { fromInputs } from "./place";
import { changed, pruned } from "./rewire";

export interface Loss {
  /** The nodes that go. */
  readonly gone: ReadonlySet<string>;
  /** Nodes that lose some of their inputs and work with the others. */
  readonly left: readonly Node[];
}

/**
 * What goes with `seeds` and `variables`: everything that reads them, but for sums and joins, which keep what is left. A
 * bias that was added to samples is nothing to be kept without them.
 */
export function lossOf(
  model: Model,
  seeds: ReadonlySet<string>,
  variables: ReadonlySet<string> = new Set(),
): Loss {
  const gone = new Set(seeds);
  const left: Node[] = [];
  const samples = fromInputs(model);
  const isOfSamples = (ref: Ref) => "node" in ref && samples.has(ref.node);
  const isLive = (ref: Ref) => ("node" in ref ? !gone.has(ref.node) : !variables.has(ref.variable));
  for (const node of model.nodes.values()) {
    if (gone.has(node.name)) continue;
    const inputs = node.inputs.filter(isLive);
    if (inputs.length === node.inputs.length) continue;
    const isJoin = node.op === "Add" || node.op === "Concat";
    const works =
      isJoin && inputs.length > 0 && inputs.some(isOfSamples) === node.inputs.some(isOfSamples);
    if (!works) gone.add(node.name);
    else if (inputs.length > 1) left.push({ ...node, inputs });
    else left.push({ ...node, op: "Identity", attributes: {}, inputs });
  }
  return { gone, left };
}

/**
 * The model without `seeds`, what goes with them, and the variables that only they used: penalties on these variables
 * leave the loss. Throws `invalid-edit` where the loss or the output would go.
 */
export function detached(model: Model, seeds: ReadonlySet<string>, name: string): Model {
  const variables = ownVariables(model, lossOf(model, seeds).gone);
  const { gone, left } = lossOf(model, seeds, variables);
  const { loss, output } = model.roles;
  for (const needed of [loss, output])
    if (needed !== undefined && gone.has(needed))
      throw new GraftError(
        "invalid-edit",
        `Without ${name} nothing would be left of ${needed}, the ${needed === loss ? "loss" : "output"} of the network.`,
      );
  return pruned(changed(model, { nodes: left }), gone);
}

/** Variables of `nodes` that no other layer uses; a penalty may. */
export function ownVariables(model: Model, nodes: ReadonlySet<string>): Set<string> {
  const samples = fromInputs(model);
  const used = new Set<string>();
  const shared = new Set<string>();
  for (const node of model.nodes.values())
    for (const input of node.inputs) {
      if (!("variable" in input)) continue;
      if (nodes.has(node.name)) used.add(input.variable);
      else if (samples.has(node.name)) shared.add(input.variable);
    }
  return new Set([...used].filter((name) => !shared.has(name)));
}

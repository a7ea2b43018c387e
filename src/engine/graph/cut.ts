// The cut between what is computed once per sample and what is trained.
import { GraftError } from "../../protocol/errors";
import { isFrozen, type Model, type Node, type Shape } from "./model";
import { ancestors } from "./order";
import { givesTimeFirst } from "./timeMajor";

export interface Cut {
  /** The frozen nodes whose outputs are kept: the bottlenecks. Empty when training starts at the inputs. */
  readonly bottlenecks: readonly string[];
  /** Nodes above the cut: run in every step. */
  readonly tail: ReadonlySet<string>;
}

/**
 * Ops that go with what they feed. Caching behind a dropout would freeze one mask; behind a reshape it would save
 * nothing, and there may be no row per sample.
 */
const goesWithConsumer = (node: Node): boolean => node.op === "Dropout" || node.op === "Reshape";

/**
 * Cuts the part of the graph that `targets` (loss and output) need. Above the cut is what depends on a variable
 * that trains, and what depends on the labels. Everything else that depends on an input lies below.
 */
export function cut(model: Model, targets: readonly string[]): Cut {
  const needed = ancestors(model, targets);
  const tail = new Set<string>();
  const fromInput = new Set<string>(model.roles.inputs.filter((name) => needed.has(name)));
  for (const node of model.nodes.values()) {
    if (!needed.has(node.name)) continue;
    if (node.name === model.roles.labels) tail.add(node.name);
    for (const input of node.inputs) {
      if ("node" in input) {
        if (tail.has(input.node)) tail.add(node.name);
        if (fromInput.has(input.node)) fromInput.add(node.name);
      } else if (!isFrozen(model.variables.get(input.variable)!)) tail.add(node.name);
    }
  }
  raise(model, needed, tail);
  const bottlenecks = new Set<string>();
  const border = (name: string) => {
    if (fromInput.has(name) && !tail.has(name)) bottlenecks.add(name);
  };
  for (const node of model.nodes.values())
    if (tail.has(node.name))
      for (const input of node.inputs) if ("node" in input) border(input.node);
  for (const target of targets) border(target);
  // What only constants decide is run with the tail.
  for (const name of needed) if (!fromInput.has(name)) tail.add(name);
  // An input itself is no bottleneck: there is nothing to save.
  const kept = [...bottlenecks].filter((name) => !model.roles.inputs.includes(name));
  return { bottlenecks: kept, tail };
}

/** Moves above the cut what goes with its consumers, where all of them lie there, and what has no row for each sample. */
function raise(model: Model, needed: ReadonlySet<string>, tail: Set<string>): void {
  const nodes = [...model.nodes.values()].filter((node) => needed.has(node.name)).reverse();
  for (const node of nodes) {
    // With time before the samples there is no row for each of them.
    const hasNoRows = givesTimeFirst(model, node.name);
    if (tail.has(node.name) || !(hasNoRows || goesWithConsumer(node))) continue;
    const readers = nodes
      .filter((other) => other.inputs.some((input) => "node" in input && input.node === node.name))
      .map((reader) => tail.has(reader.name));
    if (hasNoRows ? readers.includes(true) : readers.length > 0 && !readers.includes(false))
      tail.add(node.name);
  }
}

/** Whether a node's output has a batch axis, and sizes that are known beside it. */
export function hasSampleShape(model: Model, name: string): boolean {
  const shape = model.shapes.get(name);
  return shape !== undefined && shape.length > 0 && shape.slice(1).every((size) => size >= 0);
}

/** Shape of one sample of a node's output. Throws where the output has no batch axis. */
export function sampleShape(model: Model, name: string): Shape {
  const shape = model.shapes.get(name);
  if (hasSampleShape(model, name)) return shape!.slice(1);
  throw new GraftError(
    "shape-mismatch",
    `The size of ${name} for one sample is not known (${shape?.join(" × ") ?? "no shape"}), so it cannot be cached.`,
  );
}

// Parts of a layer that settings change: its activation function, its dropout, its batch norm.
import { GraftError } from "../../protocol/errors";
import { layerOf } from "../graph/layers";
import type { Layer, Model, Node, Variable } from "../graph/model";
import {
  ACTIVATION_NAMES,
  ACTIVATIONS,
  RECURRENT_ACTIVATIONS,
  type Activation,
} from "./activations";
import { outputOf } from "./place";
import { readersOf } from "./rewire";
import { listNames } from "./select";

const isActivation = (op: string): boolean =>
  op === "Identity" || Object.values(ACTIVATIONS).some((each) => each.op === op);

/** The activation function of a layer: its output, or the one op of no other layer that reads it. */
export function activationNode(model: Model, layer: Layer): Node | undefined {
  const output = outputOf(model, layer);
  const [reader, ...more] = readersOf(model, output);
  const isNext = reader && more.length === 0 && layerOf(model, reader.name) === undefined;
  const last = isNext && output !== model.roles.output ? [reader] : [];
  return [model.nodes.get(output)!, ...last].find(({ op }) => isActivation(op));
}

export type Cell = Node<"LSTM" | "GRU">;

/** The recurrent ops of a layer: two, where it runs both ways. */
export const cellsOf = (model: Model, layer: Layer): Cell[] =>
  layer.nodes
    .map((name) => model.nodes.get(name)!)
    .filter((node) => node.op === "LSTM" || node.op === "GRU");

/** The activation function of a layer by name; undefined where it has none, or one that no setting says. */
export function activationOf(model: Model, layer: Layer): Activation | "none" | undefined {
  const [cell] = cellsOf(model, layer);
  if (cell !== undefined) {
    const { activation } = cell.attributes;
    const known = Object.entries(RECURRENT_ACTIVATIONS).find(([, each]) => each === activation);
    return known?.[0] as Activation | "none" | undefined;
  }
  const node = activationNode(model, layer);
  if (node?.op === "Identity") return "none";
  const attributes = JSON.stringify(node?.attributes);
  return ACTIVATION_NAMES.find(
    (name) =>
      ACTIVATIONS[name].op === node?.op &&
      JSON.stringify(ACTIVATIONS[name].attributes) === attributes,
  );
}

/** The dropout of a layer: one of its nodes, or what reads its output, behind activation or pooling perhaps. */
export function dropoutOf(model: Model, layer: Layer): Node | undefined {
  const own = layer.nodes.map((name) => model.nodes.get(name)!);
  const found = own.find(({ op }) => op === "Dropout");
  if (found !== undefined || layer.output === undefined) return found;
  for (let at = layer.output; ;) {
    const readers = readersOf(model, at);
    const dropout = readers.find(({ op }) => op === "Dropout");
    const [next, ...more] = readers;
    if (dropout !== undefined || next === undefined || more.length > 0) return dropout;
    const passes = PASSING.has(next.op) || isActivation(next.op);
    if (!passes || layerOf(model, next.name) !== undefined) return undefined;
    at = next.name;
  }
}

const PASSING: ReadonlySet<string> = new Set(["MaxPool", "AvgPool", "Reshape"]);

/** The batch norms of a layer. */
export const normsOf = (model: Model, layer: Layer): Node[] =>
  layer.nodes.map((name) => model.nodes.get(name)!).filter(({ op }) => op === "BatchNorm");

/** Scale and offset of a layer's batch norms. Throws where there are none. */
export function normWeights(model: Model, layer: Layer): Variable[] {
  const norms = normsOf(model, layer);
  const own = norms
    .flatMap(({ inputs }) => inputs.slice(1, 3))
    .flatMap((input) => ("variable" in input ? [model.variables.get(input.variable)!] : []));
  if (own.length > 0) return own;
  const others = model.layers.filter((each) => normsOf(model, each).length > 0);
  throw new GraftError(
    "invalid-edit",
    norms.length > 0
      ? `The batch norm of ${layer.name} has neither a scale nor an offset to train or to hold.`
      : `${layer.name} has no batch norm. Layers with one: ${listNames(others.map(({ name }) => name))}.`,
  );
}

/** Placeholders that feed the rates of dropouts. */
export const fedRates = ({ nodes }: Model): string[] =>
  [...nodes.values()].flatMap((node) => {
    if (node.op !== "Dropout") return [];
    const { attributes } = node;
    if ("rateFrom" in attributes) return [attributes.rateFrom];
    return "keepProbabilityFrom" in attributes ? [attributes.keepProbabilityFrom] : [];
  });

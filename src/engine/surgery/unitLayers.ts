// Layers whose units edits can change, and the words in which edits name units.
import { z } from "zod";
import { GraftError } from "../../protocol/errors";
import type { TiedVariable, UnitGroup } from "../graph/coupling/group";
import type { Layer, Model } from "../graph/model";
import { joinedWays, layerGroup, unitProducer } from "../graph/units";
import { findLayer, listNames } from "./select";

/** Layers with units of their own, those of the output among them. */
export const layersWithUnits = (model: Model): string[] =>
  model.layers
    .filter(({ nodes }) => unitProducer(model, nodes) !== undefined)
    .map(({ name }) => name);

/** Layers with units of their own that are not the classes of the output. */
export const unitLayers = (model: Model): string[] =>
  model.layers
    .filter(
      (layer) =>
        layer.output !== model.roles.output &&
        unitProducer(model, layer.nodes) !== undefined &&
        !isKept(model, layer),
    )
    .map((layer) => layer.name);

/** Whether a layer belongs to a branch that is kept as it was. */
export const isKept = (model: Model, layer: Layer): boolean =>
  layer.variables.some((name) => model.variables.get(name)!.role === "kept");

export interface UnitLayer {
  readonly layer: Layer;
  readonly group: UnitGroup;
}

/** The layer `name` with what its units couple. Throws where it has none, naming layers that do. */
export function unitLayer(model: Model, name: string): UnitLayer {
  const layer = findLayer(model, name);
  const producer = unitProducer(model, layer.nodes);
  if (producer === undefined)
    throw new GraftError(
      "invalid-edit",
      `${name} is ${layer.kind} and has no units of its own. Layers with units: ${listNames(unitLayers(model))}.`,
    );
  return { layer, group: layerGroup(model, layer, producer) };
}

/** As `unitLayer`, of a layer inside the network. */
export function hiddenLayer(model: Model, name: string): UnitLayer {
  const found = unitLayer(model, name);
  if (isKept(model, found.layer))
    throw new GraftError(
      "invalid-edit",
      `${name} belongs to the branch that is kept as it was. Layers to change: ${listNames(unitLayers(model))}.`,
    );
  if (found.group.reachesOutput)
    throw new GraftError(
      "invalid-edit",
      `The units of ${name} are the classes of the output. Use addClasses for more of them, or replaceOutput for others.`,
    );
  if (!found.group.variables.some(({ reads }) => reads))
    throw new GraftError(
      "invalid-edit",
      `Nothing reads the units of ${name}: they are an output of the graph. Choose a layer before it: ${listNames(unitLayers(model).filter((each) => each !== name))}.`,
    );
  return found;
}

/** Layers that have a number for each unit, or read them. */
export function layersOf(model: Model, axes: readonly TiedVariable[]): string[] {
  const names = new Set(axes.map((axis) => axis.variable));
  return model.layers
    .filter((layer) => layer.variables.some((name) => names.has(name)))
    .map((layer) => layer.name);
}

/**
 * "conv1, bn1 and conv2 change together": layers that an edit resizes beside the one it names and those that read it; and
 * that a layer has each unit both ways.
 */
export function describeCoupling(model: Model, { layer, group }: UnitLayer): string {
  const making = layersOf(
    model,
    group.variables.filter(({ makes }) => makes),
  ).filter((name) => name !== layer.name);
  const isBothWays = joinedWays(model, layer.nodes) !== undefined;
  const ways = isBothWays ? `${layer.name} has each unit once in either direction; ` : "";
  if (making.length === 0) return ways;
  return `${ways}${listNames(making)} ${making.length === 1 ? "has" : "have"} the same units and ${making.length === 1 ? "changes" : "change"} too; `;
}

/** Whether moving averages are kept of what holds the units: they are dropped when it is resized. */
export const hasAverages = (model: Model, { variables }: UnitGroup): boolean =>
  [...model.variables.values()].some(
    ({ role, of }) => role === "average" && variables.some(({ variable }) => variable === of),
  );

const RANGES = /^\s*\d+(\s*-\s*\d+)?(\s*,\s*\d+(\s*-\s*\d+)?)*\s*$/;

/** "0-3, 7" */
export const UnitsSchema = z
  .string()
  .regex(RANGES, { error: 'expected unit numbers such as "0-3, 7"' })
  .describe('Units by number, counted from 0: "0-3, 7".');

/** The units that `text` names, ascending, each once. Throws `invalid-edit` for a unit that the layer has not. */
export function unitsIn(text: string, count: number, name: string): number[] {
  const units = new Set<number>();
  for (const range of text.split(",")) {
    const [from, to = from] = range.split("-").map(Number);
    if (to < from)
      throw new GraftError(
        "invalid-edit",
        `Units ${range.trim()} run backwards: write ${to}-${from}.`,
      );
    if (to >= count)
      throw new GraftError(
        "invalid-edit",
        `${name} has ${count} units, 0 to ${count - 1}; there is no unit ${to}.`,
      );
    for (let unit = from; unit <= to; unit++) units.add(unit);
  }
  return [...units].sort((a, b) => a - b);
}

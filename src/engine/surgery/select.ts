// Naming layers and variables: by name, or by a pattern that matches a whole name.
import * as vm from "node:vm";
import { z } from "zod";
import { GraftError } from "../../protocol/errors";
import type { Layer, Model, Variable } from "../graph/model";
import { isTrainableType } from "../graph/dtypes";
import { layerAncestors } from "../graph/layers";
import { ancestors } from "../graph/order";

export interface Selection {
  readonly layers: readonly Layer[];
  /** The weights that are named, directly or through their layer. */
  readonly weights: readonly Variable[];
}

const NameSchema = z
  .string()
  .min(1)
  .describe(
    "A layer or variable, by name or by a regular expression that matches the whole name: hidden[12] takes hidden1 and hidden2, never hidden10.",
  );

/** One name or pattern, or several. */
export const NAMES = [NameSchema, z.array(NameSchema).min(1)] as const;
export type Names = string | readonly string[];

/** Variables that gradient training may change. */
export const isWeight = (variable: Variable): boolean =>
  variable.role === "weight" && isTrainableType(variable.dtype);

/**
 * What `pattern` names: a regular expression over whole names, so that hidden1 never takes hidden10.
 * A name matches itself, whatever characters it has. Throws `unknown-layer` when nothing matches.
 */
export function select(model: Model, pattern: string): Selection {
  const all = [...model.layers.map((layer) => layer.name), ...model.variables.keys()];
  const matches = matching(pattern, all);
  const layers = model.layers.filter((layer) => matches.has(layer.name));
  const named = new Set(layers.flatMap((layer) => layer.variables));
  const weights = [...model.variables.values()].filter(
    (variable) => isWeight(variable) && (named.has(variable.name) || matches.has(variable.name)),
  );
  if (layers.length === 0 && weights.length === 0)
    throw new GraftError(
      "unknown-layer",
      `No layer or variable is named ${pattern}.${globHint(pattern)} The layers are ${listNames(model.layers.map((layer) => layer.name))}.`,
    );
  return { layers, weights };
}

/** What each of `names` names, in one selection; `one` selects for a name. */
export function selectAll(model: Model, names: Names, one = select): Selection {
  const selections = [names].flat().map((name) => one(model, name));
  return {
    layers: selections.flatMap((each) => each.layers),
    weights: selections.flatMap((each) => each.weights),
  };
}

/** The layer or op, and every layer that it depends on. */
export function selectUpTo(model: Model, name: string): Selection {
  const layers = layersUpTo(model, name);
  const named = new Set(layers.flatMap((each) => each.variables));
  const weights = [...model.variables.values()].filter(
    (variable) => isWeight(variable) && named.has(variable.name),
  );
  return { layers, weights };
}

/** A layer, or an op or scope that has no weights and so is no layer, such as a pool, with the layers below it. */
function layersUpTo(model: Model, name: string): readonly Layer[] {
  if (model.layers.some((layer) => layer.name === name))
    return layerAncestors(model, findLayer(model, name));
  const op = model.nodes.has(name) ? name : model.aliases.get(name);
  const scope = [...model.nodes.keys()].filter((each) => each.startsWith(`${name}/`));
  const below = ancestors(model, op === undefined ? scope : [op]);
  const layers = model.layers.filter((layer) => layer.nodes.some((node) => below.has(node)));
  return layers.length > 0 ? layers : [findLayer(model, name)];
}

/** As `select`, where it names weights. Throws `invalid-edit` where nothing that it names can train. */
export function selectWeights(model: Model, pattern: string): Selection {
  const selection = select(model, pattern);
  if (selection.weights.length > 0) return selection;
  throw new GraftError(
    "invalid-edit",
    `${pattern} has no weights that can train. Layers with such weights: ${listNames(weightLayers(model))}.`,
  );
}

/** The layers that have weights. */
export const weightLayers = (model: Model): string[] =>
  model.layers
    .filter((layer) => layer.variables.some((name) => isWeight(model.variables.get(name)!)))
    .map((layer) => layer.name);

/** The names of the layers that a selection takes, as a whole or in part. */
export function layersIn(model: Model, { layers, weights }: Selection): string[] {
  const named = new Set(weights.map((variable) => variable.name));
  return model.layers
    .filter((layer) => layers.includes(layer) || layer.variables.some((name) => named.has(name)))
    .map((layer) => layer.name);
}

export function findLayer(model: Model, name: string): Layer {
  const layer = model.layers.find((each) => each.name === name);
  if (layer !== undefined) return layer;
  throw new GraftError(
    "unknown-layer",
    `There is no layer ${name}. The layers are ${listNames(model.layers.map((each) => each.name))}.`,
  );
}

/** "hidden*" is a habit from the shell, and a regular expression that means something else. */
const globHint = (pattern: string): string =>
  /(^|[^.\])\]])\*/.test(pattern)
    ? ` A pattern is a regular expression: write ${pattern.replace(/(^|[^.\])\]])\*/g, "$1.*")} for any ending.`
    : "";

/** Names by the thousand take a millisecond; a pattern such as (a+)+b can take longer than anybody lives. */
const PATTERN_MS = 1000;

/** Which of `names` are meant: those that `pattern` is, or matches as a whole. */
function matching(pattern: string, names: readonly string[]): ReadonlySet<string> {
  const itself = names.filter((name) => name === pattern);
  if (/^[\w/-]+$/.test(pattern)) return new Set(itself);
  return new Set([...itself, ...filterNames(pattern, names)]);
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch (cause) {
    throw new GraftError(
      "invalid-edit",
      `${pattern} is neither a name nor a regular expression: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

/** Where it can be interrupted: a regular expression itself cannot. */
function filterNames(pattern: string, names: readonly string[]): readonly string[] {
  const expression = compile(pattern);
  const matches = "names.filter((name) => expression.test(name))";
  try {
    return vm.runInNewContext(matches, { names, expression }, { timeout: PATTERN_MS }) as string[];
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw cause;
    throw new GraftError(
      "invalid-edit",
      `The pattern ${pattern} takes too long to match: a repetition within a repetition, such as (a+)+, tries every way to split a name. Write it with one repetition, or list the names.`,
      { cause },
    );
  }
}

/** "a, b and c", shortened past ten. */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  if (names.length > 10) return `${names.slice(0, 9).join(", ")} and ${names.length - 9} more`;
  return names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

// Sentences about what an edit did, from the two models alone.
import { elements, trainableElements, type Model } from "../graph/model";
import { layerSizes } from "../graph/layers";
import { listNames } from "./select";

const count = (number: number): string => number.toLocaleString("en-US");

export const totalTrainable = (model: Model): number =>
  [...model.variables.values()].reduce((sum, variable) => sum + trainableElements(variable), 0);

/** "hidden3 100 → 50 becomes 100 → 58; outputs 50 → 5 becomes 58 → 5": of layers that were there before. */
export function describeSizes(before: Model, after: Model): string {
  return after.layers
    .flatMap((layer) => {
      const old = before.layers.find((each) => each.name === layer.name);
      if (old === undefined) return [];
      const [was, is] = [layerSizes(before, old), layerSizes(after, layer)];
      return was === is ? [] : [`${layer.name} ${was} becomes ${is}`];
    })
    .join("; ");
}

/** "logits 5 → 2 is new" */
export const describeNew = (before: Model, after: Model): string =>
  after.layers
    .filter(({ name }) => !before.layers.some((each) => each.name === name))
    .map((layer) => `${layer.name} ${layerSizes(after, layer)} is new`)
    .join("; ");

/** "848 numbers will train in all." */
export const describeTraining = (after: Model): string =>
  `${count(totalTrainable(after))} numbers will train in all`;

/**
 * What is frozen now and trained before, or the other way round: layers by their names; of one that trains in part then,
 * the weights that changed, or the `units` that the edit names.
 */
export function describeFreezing(before: Model, after: Model, units?: string): string {
  const frozen: string[] = [];
  const thawed: string[] = [];
  const whole: string[] = [];
  const partly: string[] = [];
  const sort = (name: string, weights: readonly string[]): void => {
    const [was, is] = [before, after].map((model) => training(model, weights));
    if (was.trains === is.trains) return;
    if (is.trains === 0) frozen.push(name);
    else if (is.trains === is.all) (was.trains === 0 ? thawed : whole).push(name);
    else if (units !== undefined) partly.push(name);
    // Without units, an edit freezes or trains weights whole: it goes no deeper than this.
    else for (const weight of weights) sort(weight, [weight]);
  };
  for (const layer of after.layers) sort(layer.name, layer.variables.filter(isWeightIn(after)));
  const owned = new Set(after.layers.flatMap(({ variables }) => variables));
  for (const name of [...after.variables.keys()].filter(isWeightIn(after)))
    if (!owned.has(name)) sort(name, [name]);
  const verb = (names: readonly string[], one: string, more: string) =>
    names.length === 1 ? one : more;
  const isOne = /^\s*\d+\s*$/.test(units ?? "");
  const freezes = totalTrainable(after) < totalTrainable(before);
  const parts = [
    frozen.length > 0 ? `${listNames(frozen)} ${verb(frozen, "is", "are")} frozen` : "",
    thawed.length > 0 ? `${listNames(thawed)} will train` : "",
    whole.length > 0 ? `${listNames(whole)} ${verb(whole, "trains", "train")} whole` : "",
    partly.length > 0
      ? `${isOne ? "unit" : "units"} ${units} of ${listNames(partly)} ${freezes ? `${isOne ? "is" : "are"} frozen` : "will train"}`
      : "",
  ].filter(Boolean);
  return parts.length > 0 ? parts.join("; ") : "nothing changes";
}

const isWeightIn = (model: Model) => (name: string) => model.variables.get(name)!.role === "weight";

/** How many numbers of some weights train, and how many they are. */
function training(model: Model, weights: readonly string[]): { trains: number; all: number } {
  const variables = weights.map((name) => model.variables.get(name)!);
  return {
    trains: variables.reduce((sum, variable) => sum + trainableElements(variable), 0),
    all: variables.reduce((sum, { shape }) => sum + elements(shape), 0),
  };
}

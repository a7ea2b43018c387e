// Sentences about what an edit did, from the two models alone.
import { isFrozen, trainableElements, type Model } from "../graph/model";
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

/** Which layers are frozen now and were not before, or the other way round. */
export function describeFreezing(before: Model, after: Model): string {
  const changed = (frozenNow: boolean) =>
    after.layers
      .filter((layer) =>
        layer.variables.some((name) => {
          const was = before.variables.get(name);
          const is = after.variables.get(name);
          if (was === undefined || is === undefined || is.role !== "weight") return false;
          return isFrozen(was) !== frozenNow && isFrozen(is) === frozenNow;
        }),
      )
      .map((layer) => layer.name);
  const frozen = changed(true);
  const thawed = changed(false);
  const verb = (names: readonly string[]) => (names.length === 1 ? "is" : "are");
  const parts = [
    frozen.length > 0 ? `${listNames(frozen)} ${verb(frozen)} frozen` : "",
    thawed.length > 0 ? `${listNames(thawed)} will train` : "",
  ].filter(Boolean);
  return parts.length > 0 ? parts.join("; ") : "nothing changes";
}

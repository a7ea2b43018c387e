// A model for what the headers of a recipe's data tell: for plans and measures, before anything is read.
import * as path from "node:path";
import { type DataDescription, describeData } from "../data/describe";
import { fitTo } from "../graph/fit";
import { lossInputs, modelInputs } from "../graph/inputs";
import type { Model, Shape } from "../graph/model";
import { labelTarget } from "../graph/target";
import { classNames } from "./classes";
import type { OpenRecipe } from "./parse";

/** What the headers of a recipe's data tell, and how models of its phases become those for it. */
export interface Headers {
  readonly description?: DataDescription;
  fit(model: Model): Model;
}

/** Reads headers alone. `model`: of a phase; the others take the same data. Throws as `describeData` and `fitTo` do. */
export async function readHeaders(
  { path: file, recipe }: Pick<OpenRecipe, "path" | "recipe">,
  model: Model,
): Promise<Headers> {
  if (recipe.data === undefined) return { fit: (each) => each };
  const classes = classNames(recipe);
  const data = { ...recipe.data, ...(classes && { classes: [...classes] }) };
  const inputs = modelInputs(model);
  const target = model.roles.loss === undefined ? undefined : labelTarget(model);
  const network = {
    ...{ inputs: [...inputs, ...lossInputs(model)], target },
    normalizer: model.normalizer,
  };
  const description = await describeData(data, path.dirname(file), network);
  const fed = new Map<string, Shape>();
  const others = new Map<string, Shape>();
  for (const [name, shape] of description.shapes)
    (inputs.some((input) => input.name === name) ? fed : others).set(name, shape);
  // Labels of steps have as many.
  const labels = model.shapes.get(model.roles.labels ?? "")?.slice(1) ?? [];
  const { steps } = description;
  if (steps !== undefined && target?.steps !== undefined && labels.length > 0)
    others.set(model.roles.labels!, labels.with(0, steps));
  return { description, fit: (each) => fitTo(each, fed, others) };
}

// Open sizes of a model, bound by the data.
import { modelInputs } from "./inputs";
import { sameShape, type Model, type Shape } from "./model";
import { reinfer } from "./reinfer";

/**
 * `model` for the data that it is fed. `inputs` and `others`: the shape of one sample, by placeholder; sizes that the graph
 * leaves open become those, and all shapes follow. Masks that are fed become inputs, and those that are not are none.
 * Throws `shape-mismatch` where something does not fit.
 */
export function fitTo(
  model: Model,
  inputs: ReadonlyMap<string, Shape>,
  others: ReadonlyMap<string, Shape> = new Map(),
): Model {
  const shapes = new Map(model.shapes);
  for (const [name, sample] of [...inputs, ...others]) {
    const before = model.shapes.get(name);
    // One axis may be a shape that the graph does not tell.
    if (before === undefined || before.length !== sample.length + 1) continue;
    const shape = before.map((size, axis) => (axis > 0 && size < 0 ? sample[axis - 1] : size));
    if (!sameShape(before, shape)) shapes.set(name, shape);
  }
  const fed = modelInputs(model).filter(({ name, optional }) => inputs.has(name) || !optional);
  const roles = { ...model.roles, inputs: fed.map(({ name }) => name) };
  const changed = [...shapes].some(([name, shape]) => shape !== model.shapes.get(name));
  return changed ? reinfer({ ...model, shapes, roles }) : { ...model, roles };
}

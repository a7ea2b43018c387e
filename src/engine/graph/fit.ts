// Open sizes of a model, bound by the data.
import { lossInputs, modelInputs } from "./inputs";
import { sameShape, type Model, type Shape } from "./model";
import { reinfer } from "./reinfer";

/**
 * `model` for the data that it is fed. `inputs` and `others`: the shape of one sample, by placeholder; sizes that the graph
 * leaves open become those, and all shapes follow. Masks that are fed become inputs; those that are not have as many steps
 * as what they are for.
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
  const known = modelInputs(model);
  const sequence = known.find(({ name, sequence: isOne }) => isOne && inputs.has(name))?.name;
  for (const { name, part, shape } of [...known, ...lossInputs(model)]) {
    const sample = part === "mask" ? inputs.get(sequence ?? "") : others.get(model.roles.labels!);
    if (part === "lengths" || part === undefined || sample === undefined) continue;
    if (shapes.get(name) === shape && shape[1] < 0) shapes.set(name, shape.with(1, sample[0]));
  }
  const fed = known.filter(({ name, optional }) => inputs.has(name) || !optional);
  const roles = { ...model.roles, inputs: fed.map(({ name }) => name) };
  const changed = [...shapes].some(([name, shape]) => shape !== model.shapes.get(name));
  return changed ? reinfer({ ...model, shapes, roles }) : { ...model, roles };
}

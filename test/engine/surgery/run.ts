// Runs edited models on numbers that depend on names only.
import { elements, sameShape, type Model } from "../../../src/engine/graph/model";
import { toFloat32 } from "../../../src/engine/graph/dtypes";
import { uniforms } from "../../../src/engine/graph/random";
import { evaluate } from "../../../src/engine/graph/value";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { usedVariables } from "../../../src/engine/graph/order";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { RecipeSchema } from "../../../src/engine/recipe/schema";

/** What the source has stored under a variable's name: uniform, of variances in [0.5, 1.5). */
export function stored(source: Model, name: string): Float32Array {
  const { shape } = source.variables.get(name)!;
  const spread = 1 / Math.sqrt(Math.max(1, elements(shape.slice(0, -1))));
  const from = /\/(variance|gamma|s)$/.test(name) ? 0.5 : -0.5;
  const scale = from > 0 ? 1 : 2 * spread;
  return uniforms(11, [name], elements(shape)).map((value) => (value + from) * scale);
}

/** The numbers of every variable that the graph of `model` reads. */
export async function numbersOf(
  source: Model,
  model: Model,
): Promise<ReadonlyMap<string, Float32Array>> {
  const read = (name: string) => Promise.resolve(new Uint8Array(stored(source, name).buffer));
  const all = await Promise.all(
    usedVariables(model).map(async (variable) => {
      const numbers = toFloat32(await evaluate(variable, read, 3), variable.dtype);
      if (numbers.length !== elements(variable.shape))
        throw new Error(`${variable.name}: ${numbers.length} numbers for ${variable.shape.join()}`);
      return [variable.name, numbers] as const;
    }),
  );
  return new Map(all);
}

/** The logits of some samples, on the backend that is set. Rows follow each other. Sequences are of several lengths. */
export async function logits(source: Model, model: Model, samples = 4): Promise<Float32Array> {
  const values = await numbersOf(source, model);
  const shape = [samples, ...model.shapes.get("x")!.slice(1)];
  return tf.tidy(() => {
    const variables = new Map(
      [...values].map(([name, numbers]) => [
        name,
        tf.tensor(numbers, [...model.variables.get(name)!.shape]),
      ]),
    );
    const x = tf.tensor(
      uniforms(5, ["x"], elements(shape)).map((value) => 2 * value - 1),
      shape,
    );
    const lengths = Array.from({ length: samples }, (_, sample) => (sample % shape[1]) + 1);
    const path = pathTo(model, [model.roles.output!]);
    const fed = new Map([
      ["x", x],
      ["lengths", tf.tensor1d(lengths)],
    ]);
    const [result] = run(path, fed, variables, INFERENCE);
    const expected = model.shapes.get(model.roles.output!)!.slice(1);
    if (!sameShape(result.shape.slice(1), expected)) throw new Error("inferred another shape");
    return result.dataSync() as Float32Array;
  });
}

export const edited = (model: Model, ...edits: readonly object[]) =>
  applyRecipe(model, RecipeSchema.parse({ checkpoint: "m", edits }));

export const largestDifference = (a: Float32Array, b: Float32Array): number => {
  if (a.length !== b.length) throw new Error(`${a.length} numbers against ${b.length}`);
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index])), 0);
};

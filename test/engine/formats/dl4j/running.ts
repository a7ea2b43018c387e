// Runs networks of Deeplearning4j's zips, and tells arrays in its own order of axes.
import { toFloat32 } from "../../../../src/engine/graph/dtypes";
import { fitTo } from "../../../../src/engine/graph/fit";
import { modelInputs } from "../../../../src/engine/graph/inputs";
import type { Model, Shape } from "../../../../src/engine/graph/model";
import { evaluate, type ReadStored } from "../../../../src/engine/graph/value";
import { trainedVariables, usedVariables } from "../../../../src/engine/graph/order";
import { INFERENCE } from "../../../../src/engine/ops/kernel";
import { pathTo, run, type Path } from "../../../../src/engine/ops/run";
import { tf, type Tensor } from "../../../../src/engine/ops/tf";

export interface Numbers {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** Of fresh numbers. */
export const SEED = 7;

/** Sequences are [batch, features, time] in Deeplearning4j. */
const turned = (x: Tensor): Tensor => (x.rank === 3 ? tf.transpose(x, [0, 2, 1]) : x);

/**
 * What `nodes` yield for inputs in Deeplearning4j's order of axes, by the name of the placeholder.
 */
export async function outputsOf(
  model: Model,
  read: ReadStored,
  inputs: Readonly<Record<string, Numbers>>,
  nodes: readonly string[],
): Promise<readonly Numbers[]> {
  const variables = await valuesOf(model, read);
  return tf.tidy(() => {
    const feeds = fedWith(inputs);
    const outputs = run(pathFor(model, nodes, feeds), feeds, variables, INFERENCE);
    return outputs.map((output) => {
      const y = turned(output);
      return { shape: y.shape, values: y.dataSync() };
    });
  });
}

/** The gradient of the loss by everything that trains, in C order. */
export async function gradientsOf(
  model: Model,
  read: ReadStored,
  inputs: Readonly<Record<string, Numbers>>,
): Promise<ReadonlyMap<string, Float32Array>> {
  const values = await valuesOf(model, read);
  const trained = trainedVariables(model).map(({ name }) => name);
  const numbers = tf.tidy(() => {
    const feeds = fedWith(inputs);
    const path = pathFor(model, [model.roles.loss!], feeds);
    const loss = (...tensors: Tensor[]): tf.Scalar => {
      const variables = new Map(values);
      trained.forEach((name, index) => variables.set(name, tensors[index]));
      return run(path, feeds, variables, INFERENCE)[0] as tf.Scalar;
    };
    const gradients = tf.grads(loss)(trained.map((name) => values.get(name)!));
    return gradients.map((gradient) => Float32Array.from(gradient.dataSync()));
  });
  return new Map(trained.map((name, index) => [name, numbers[index]]));
}

async function valuesOf(model: Model, read: ReadStored): Promise<Map<string, Tensor>> {
  const values = new Map<string, Tensor>();
  for (const variable of usedVariables(model)) {
    const { name, shape, dtype } = variable;
    const bytes = await evaluate(variable, read, SEED);
    values.set(name, tf.tensor(toFloat32(bytes, dtype), [...shape]));
  }
  return values;
}

function fedWith(inputs: Readonly<Record<string, Numbers>>): ReadonlyMap<string, Tensor> {
  const feeds = new Map<string, Tensor>();
  for (const [name, { shape, values }] of Object.entries(inputs))
    feeds.set(name, turned(tf.tensor(Float32Array.from(values), [...shape])));
  return feeds;
}

/** The path for what is fed, as executors get it. */
function pathFor(model: Model, nodes: readonly string[], feeds: ReadonlyMap<string, Tensor>): Path {
  const shapes = new Map([...feeds].map(([name, { shape }]) => [name, shape.slice(1)]));
  const isInput = ([name]: [string, Shape]) =>
    modelInputs(model).some((each) => each.name === name);
  const inputs = new Map([...shapes].filter(isInput));
  return pathTo(fitTo(model, inputs, shapes), nodes, new Set(feeds.keys()));
}

/** The node that stands for a vertex of the source: "0", "dense". */
export const nodeOf = (model: Model, vertex: string): string => model.aliases.get(vertex) ?? vertex;

/** Numbers that are neither all the same nor large. */
export function numbers(shape: readonly number[]): Numbers {
  const count = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Array.from({ length: count }, (_, i) => Math.sin(i * 0.7)) };
}

/** Something for each input, of any sizes that are open. */
export function inputsFor({ roles, shapes }: Model): Record<string, Numbers> {
  return Object.fromEntries(
    roles.inputs.map((name) => {
      const [batch, ...rest] = shapes.get(name)!.map((size, axis) => (size < 0 ? axis + 3 : size));
      // A sequence as Deeplearning4j has it: features before time.
      const shape = rest.length === 2 ? [batch, rest[1], rest[0]] : [batch, ...rest];
      return [name, numbers(shape)];
    }),
  );
}

// New layers: the nodes and variables of each kind, named as TensorFlow's layers name them.
import type { DataFormat, OpAttributes, OpName } from "../graph/catalogue";
import {
  wholeRegion,
  type Initializer,
  type Node,
  type Ref,
  type Shape,
  type Variable,
} from "../graph/model";
import { ACTIVATIONS, type Activation } from "./activations";
import { drawn, fanOf } from "./fresh";
import type { Block } from "./rewire";

/** An op of a new layer. */
export const newNode = <Op extends OpName>(
  name: string,
  op: Op,
  inputs: readonly Ref[],
  attributes: OpAttributes[Op],
): Node => ({ name, op, inputs, attributes, origin: [] }) as unknown as Node;

/** A weight that starts from `initializer`. */
export function newVariable(
  name: string,
  shape: Shape,
  initializer: Initializer,
  key: string,
  role: Variable["role"] = "weight",
): Variable {
  const fan = shape.length >= 2 ? fanOf(shape) : undefined;
  const value = drawn({ shape, key }, initializer, fan);
  const trainable = role === "weight" ? [wholeRegion(shape)] : [];
  return { name, dtype: "float32", shape, value, role, trainable };
}

/** Adds the activation function, where there is one. */
function activated(name: string, block: Block, which: Activation | undefined): Block {
  if (which === undefined) return block;
  const { nodes } = activation(name, block.nodes.at(-1)!.name, which);
  return { ...block, nodes: [...block.nodes, ...nodes] };
}

export interface NewProduct {
  readonly name: string;
  /** Whose output it reads. */
  readonly from: string;
  readonly inputs: number;
  readonly units: number;
  readonly init: Initializer;
  readonly activation?: Activation;
  readonly key: string;
}

export function dense(how: NewProduct): Block {
  const { name, from, inputs, units, init, key } = how;
  const kernel = newVariable(`${name}/kernel`, [inputs, units], init, key);
  const bias = newVariable(`${name}/bias`, [units], "zeros", key);
  const nodes = [
    newNode(`${name}/MatMul`, "MatMul", [{ node: from }, { variable: kernel.name }], {
      transposeA: false,
      transposeB: false,
    }),
    newNode(`${name}/BiasAdd`, "BiasAdd", [{ node: `${name}/MatMul` }, { variable: bias.name }], {
      dataFormat: "NHWC",
    }),
  ];
  return activated(name, { nodes, variables: [kernel, bias] }, how.activation);
}

export interface NewConvolution extends NewProduct {
  readonly window: readonly [number, number];
  readonly convolution: OpAttributes["Conv2D"];
}

export function conv2d(how: NewConvolution): Block {
  const { name, from, inputs, units, init, key, window, convolution } = how;
  const kernel = newVariable(`${name}/kernel`, [...window, inputs, units], init, key);
  const bias = newVariable(`${name}/bias`, [units], "zeros", key);
  const nodes = [
    newNode(`${name}/Conv2D`, "Conv2D", [{ node: from }, { variable: kernel.name }], convolution),
    newNode(`${name}/BiasAdd`, "BiasAdd", [{ node: `${name}/Conv2D` }, { variable: bias.name }], {
      dataFormat: convolution.dataFormat,
    }),
  ];
  return activated(name, { nodes, variables: [kernel, bias] }, how.activation);
}

/** A batch norm of `units` channels that computes nothing else until it trains. */
export interface NewNorm {
  readonly name: string;
  readonly from: string;
  readonly units: number;
  readonly rank: number;
  readonly dataFormat: DataFormat;
  readonly key: string;
}

/** What Keras' batch normalization has. */
const NORM = { epsilon: 0.001, momentum: 0.99 };

export function batchNorm({ name, from, units, rank, dataFormat, key }: NewNorm): Block {
  const vector = (part: string, initializer: Initializer, role?: Variable["role"]) =>
    newVariable(`${name}/${part}`, [units], initializer, key, role);
  const gamma = vector("gamma", "ones");
  // Undoes the ε under the root of the variance.
  const factors = Array<number>(units).fill(Math.sqrt(1 + NORM.epsilon));
  const scale = { from: "scale", axis: 0, factors, part: gamma.value, shape: [units] } as const;
  const variables = [
    { ...gamma, value: scale },
    vector("beta", "zeros"),
    vector("moving_mean", "zeros", "statistic"),
    vector("moving_variance", "ones", "statistic"),
  ];
  const inputs = [{ node: from }, ...variables.map((each) => ({ variable: each.name }))];
  // TensorFlow's fused op takes images.
  const attributes = { ...NORM, unbiased: rank === 4, dataFormat };
  return { nodes: [newNode(`${name}/BatchNorm`, "BatchNorm", inputs, attributes)], variables };
}

export const dropout = (name: string, from: string, rate: number): Block => ({
  nodes: [newNode(`${name}/Dropout`, "Dropout", [{ node: from }], { rate })],
  variables: [],
});

export function activation(name: string, from: string, which: Activation): Block {
  const { op, attributes } = ACTIVATIONS[which];
  return { nodes: [newNode(`${name}/${op}`, op, [{ node: from }], attributes)], variables: [] };
}

// New layers: the nodes and variables of each kind, named as TensorFlow's layers name them.
import type { OpAttributes, OpName } from "../graph/catalogue";
import {
  wholeRegion,
  type Initializer,
  type Node,
  type Ref,
  type Shape,
  type Value,
  type Variable,
  elements,
} from "../graph/model";
import type { Block } from "./rewire";

/** An op of a new layer. */
export const newNode = <Op extends OpName>(
  name: string,
  op: Op,
  inputs: readonly Ref[],
  attributes: OpAttributes[Op],
): Node => ({ name, op, inputs, attributes, origin: [] }) as unknown as Node;

export const ACTIVATIONS = {
  relu: { op: "Relu", attributes: {} },
  relu6: { op: "Relu6", attributes: {} },
  elu: { op: "Elu", attributes: {} },
  selu: { op: "Selu", attributes: {} },
  leakyRelu: { op: "LeakyRelu", attributes: { alpha: 0.2 } },
  sigmoid: { op: "Sigmoid", attributes: {} },
  tanh: { op: "Tanh", attributes: {} },
  softplus: { op: "Softplus", attributes: {} },
  softmax: { op: "Softmax", attributes: {} },
} as const;
export type Activation = keyof typeof ACTIVATIONS;

/** A weight that starts from `initializer`. */
export function newVariable(
  name: string,
  shape: Shape,
  initializer: Initializer,
  key: string,
  role: Variable["role"] = "weight",
): Variable {
  const kernel = shape.length >= 2;
  const value: Value = {
    from: "initializer",
    initializer,
    shape,
    fanIn: kernel ? elements(shape.slice(0, -1)) : 1,
    fanOut: kernel ? elements(shape.slice(0, -2)) * shape[shape.length - 1] : 1,
    key,
  };
  const trainable = role === "weight" ? [wholeRegion(shape)] : [];
  return { name, dtype: "float32", shape, value, role, trainable };
}

const last = (nodes: readonly Node[]): Ref => ({ node: nodes.at(-1)!.name });

/** Adds the activation function, where there is one. */
function activated(name: string, block: Block, activation: Activation | undefined): Block {
  if (activation === undefined) return block;
  const { op, attributes } = ACTIVATIONS[activation];
  const node = newNode(`${name}/${op}`, op, [last(block.nodes)], attributes);
  return { ...block, nodes: [...block.nodes, node] };
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

export function dense({ name, from, inputs, units, init, activation, key }: NewProduct): Block {
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
  return activated(name, { nodes, variables: [kernel, bias] }, activation);
}

export interface NewConvolution extends NewProduct {
  readonly window: readonly [number, number];
  readonly convolution: OpAttributes["Conv2D"];
}

export function conv2d(how: NewConvolution): Block {
  const { name, from, inputs, units, init, activation, key, window, convolution } = how;
  const kernel = newVariable(`${name}/kernel`, [...window, inputs, units], init, key);
  const bias = newVariable(`${name}/bias`, [units], "zeros", key);
  const nodes = [
    newNode(`${name}/Conv2D`, "Conv2D", [{ node: from }, { variable: kernel.name }], convolution),
    newNode(`${name}/BiasAdd`, "BiasAdd", [{ node: `${name}/Conv2D` }, { variable: bias.name }], {
      dataFormat: convolution.dataFormat,
    }),
  ];
  return activated(name, { nodes, variables: [kernel, bias] }, activation);
}

// What writing a node of the model into a GraphDef takes: its tensors, and ops that are added under its name.
import { GraftError } from "../../../../protocol/errors";
import type { DType } from "../../../../protocol/checkpoint";
import type { OpAttributes, OpName } from "../../../graph/catalogue";
import type { Shape } from "../../../graph/model";
import { numberOf } from "../dtypes";
import type { PatchedGraph } from "../patch/graph";
import { numbers } from "../patch/tensors";
import { tensorType } from "../patch/types";
import type { AttrValue } from "../proto/tensorflow_pb";
import * as attribute from "./attributes";

export interface Emission {
  readonly graph: PatchedGraph;
  /** Of the node. The op that yields its value gets it; others are below it. */
  readonly name: string;
  /** Tensors, one per input of the node. */
  readonly inputs: readonly string[];
  /** Static shapes of the inputs and of the result; undefined where nothing is known. */
  readonly inputShapes: readonly (Shape | undefined)[];
  readonly shape: Shape | undefined;
  /** The tensor of another node of the model: a placeholder that a dropout's rate comes from. */
  readonly tensorOf: (node: string) => string;
  /** A scalar that is true while the graph's program trains. */
  readonly mode: () => string;
  /** Makes the graph's program run an op together with its training. */
  readonly update: (op: string) => void;
  /** Tells TensorFlow of a while loop (a WhileContextDef): it builds no gradient through one that it does not know. */
  readonly whileContext: (context: Uint8Array) => void;
}

/** Adds the ops of a node; the tensor of its value. Throws `unsupported-op`. */
export type Emit<Op extends OpName> = (to: Emission, attributes: OpAttributes[Op]) => string;

export type Attributes = Readonly<Record<string, AttrValue>>;

/** The op that yields the node's value. */
export const result = (
  { graph, name }: Emission,
  op: string,
  inputs: readonly string[],
  attributes: Attributes,
): string => graph.add({ name, op, inputs, attributes });

/** An op on the way to the value. */
export const step = (
  { graph, name }: Emission,
  suffix: string,
  op: string,
  inputs: readonly string[],
  attributes: Attributes,
): string => graph.add({ name: `${name}/${suffix}`, op, inputs, attributes });

export const constant = (
  { graph, name }: Emission,
  suffix: string,
  dtype: DType,
  shape: Shape,
  values: readonly number[],
): string => graph.addConstant(`${name}/${suffix}`, numbers(dtype, shape, values));

/** An int32 vector. */
export const integers = (to: Emission, suffix: string, values: readonly number[]): string =>
  constant(to, suffix, "int32", [values.length], values);

export const integer = (to: Emission, suffix: string, value: number): string =>
  constant(to, suffix, "int32", [], [value]);

export const INT32 = attribute.ofType("int32");

/** The attribute that says of which type a tensor is. */
export const typeOf = ({ graph }: Emission, tensor: string): AttrValue =>
  attribute.type(tensorType(graph, tensor));

/** The type of constants that a tensor of floating-point numbers is computed with. */
export const floatType = ({ graph }: Emission, tensor: string): "float32" | "float64" =>
  tensorType(graph, tensor) === numberOf("float64") ? "float64" : "float32";

/** `tensor` as another type: itself, where it is of that type. */
export function cast(to: Emission, tensor: string, type: number): string {
  const from = tensorType(to.graph, tensor);
  if (from === type) return tensor;
  return step(to, "Cast", "Cast", [tensor], {
    SrcT: attribute.type(from),
    DstT: attribute.type(type),
  });
}

export const notWritable = (to: Emission, why: string): GraftError =>
  new GraftError(
    "unsupported-op",
    `${to.name} cannot be written into the TensorFlow graph: ${why}.`,
  );

// What rules work with: tensors of TensorFlow.js on one side, values of the ONNX graph on the other.
import { sameShape } from "../graph/model";
import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { tf, type Tensor } from "../ops/tf";
import {
  Graph,
  type Attribute,
  type ElementType,
  type Numbers,
  type Value,
  type ValueType,
} from "./graph";

/** Thrown where a function cannot be compiled, e.g. for a kernel without a rule. */
export class Untraceable extends Error {
  constructor(readonly what: string) {
    super(`${what} cannot be compiled`);
  }
}

/**
 * How the numbers of a tensor of four axes lie in its value. ONNX convolves channels first, TensorFlow.js channels
 * last: a value stays as its op made it until another order is needed, so that transposes between ops never arise.
 */
export type Layout = "plain" | "channelsFirst";

/** A tensor that is not known before the graph runs. */
export interface Symbol {
  readonly value: Value;
  readonly layout: Layout;
}

/** What a trace may know of where it will run. */
export interface Target {
  /** Channels in a block of ONNX Runtime's blocked layout (kernels/blocked.ts); undefined where it is not to be used. */
  readonly block?: number | undefined;
}

interface Tensors {
  readonly symbolOf: (info: TensorInfo) => Symbol | undefined;
  readonly valuesOf: (info: TensorInfo) => Float32Array | Int32Array | Uint8Array;
  readonly makeSymbol: (
    shape: readonly number[],
    dtype: DataType,
    value: Value,
    layout: Layout,
  ) => TensorInfo;
  /** One more tensor refers to the data of `info`. */
  readonly share: (info: TensorInfo) => void;
}

export const TO_CHANNELS_FIRST = [0, 3, 1, 2];
export const TO_CHANNELS_LAST = [0, 2, 3, 1];

const ELEMENT_TYPES: Readonly<Partial<Record<DataType, ElementType>>> = {
  float32: "float32",
  int32: "int32",
  bool: "bool",
};

export function elementType(dtype: DataType): ElementType {
  const type = ELEMENT_TYPES[dtype];
  if (type === undefined) throw new Untraceable(`a tensor of type ${dtype}`);
  return type;
}

export class Recorder {
  readonly graph = new Graph();
  private readonly constants = new Map<object, Value>();

  readonly block: number | undefined;

  constructor(
    private readonly tensors: Tensors,
    { block }: Target,
  ) {
    this.block = block;
  }

  /** A tensor that is fed when the graph runs. */
  input(name: string, { dtype, shape }: ValueType): Tensor {
    return this.tensor(this.graph.input(name, { dtype, shape }));
  }

  /** A tensor for code that is being traced, with the numbers that `value` will have. */
  tensor(value: Value): Tensor {
    const dtype = value.dtype === "int64" ? "int32" : value.dtype;
    const info = this.result(value.shape, value, { dtype });
    return tf.engine().makeTensorFromTensorInfo(info);
  }

  layout(info: TensorInfo): Layout {
    return this.tensors.symbolOf(info)?.layout ?? "plain";
  }

  /** The value of a tensor with its axes in their own order. */
  plain(info: TensorInfo): Value {
    const symbol = this.tensors.symbolOf(info);
    if (symbol === undefined) return this.constant(info);
    return symbol.layout === "plain" ? symbol.value : this.reorder(symbol.value, TO_CHANNELS_LAST);
  }

  /** The value of a tensor of four axes, channels last, with its channels second. */
  channelsFirst(info: TensorInfo): Value {
    const symbol = this.tensors.symbolOf(info);
    if (symbol?.layout === "channelsFirst") return symbol.value;
    return this.reorder(symbol?.value ?? this.constant(info), TO_CHANNELS_FIRST);
  }

  inLayout(info: TensorInfo, layout: Layout): Value {
    return layout === "plain" ? this.plain(info) : this.channelsFirst(info);
  }

  /** Transposes; where only axes of one element move, the numbers stay where they are. */
  reorder(value: Value, perm: readonly number[]): Value {
    const shape = perm.map((axis) => value.shape[axis]);
    if (perm.every((axis, place) => axis === place)) return value;
    const long = perm.filter((axis) => value.shape[axis] !== 1);
    if (long.every((axis, place) => place === 0 || long[place - 1] < axis))
      return this.reshape(value, shape);
    return this.graph.emit("Transpose", [value], { dtype: value.dtype, shape }, { perm });
  }

  reshape(value: Value, shape: readonly number[]): Value {
    if (sameShape(value.shape, shape)) return value;
    const { graph } = this;
    if (value.constant !== undefined) return graph.constant(value.constant, value.dtype, shape);
    // A reshape of a reshape forgets the shape between.
    const from = value.node?.op === "Reshape" ? value.node.inputs[0] : value;
    if (sameShape(from.shape, shape)) return from;
    return graph.emit("Reshape", [from, graph.integers(shape)], { dtype: value.dtype, shape });
  }

  /** `value` repeated to `shape`. */
  expand(value: Value, shape: readonly number[]): Value {
    if (sameShape(value.shape, shape)) return value;
    const { graph } = this;
    return graph.emit("Expand", [value, graph.integers(shape)], { dtype: value.dtype, shape });
  }

  cast(value: Value, dtype: ElementType): Value {
    if (value.dtype === dtype) return value;
    const to = ONNX_TYPES[dtype];
    return this.graph.emit("Cast", [value], { dtype, shape: value.shape }, { to });
  }

  emit(
    op: string,
    inputs: readonly Value[],
    type: ValueType,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value {
    return this.graph.emit(op, inputs, type, attributes);
  }

  /** What a rule returns: a tensor of `shape` whose numbers are those of `value`. */
  result(
    shape: readonly number[],
    value: Value,
    { layout = "plain", dtype }: { layout?: Layout; dtype?: DataType } = {},
  ): TensorInfo {
    return this.tensors.makeSymbol(shape, dtype ?? (value.dtype as DataType), value, layout);
  }

  /** Another tensor of the same numbers, e.g. for a reshape of nothing. */
  alias(info: TensorInfo): TensorInfo {
    this.tensors.share(info);
    return { dataId: info.dataId, shape: info.shape, dtype: info.dtype };
  }

  /** The number that all elements of a constant are; undefined for anything else. */
  uniform(info: TensorInfo): number | undefined {
    if (this.tensors.symbolOf(info) !== undefined) return undefined;
    const values = this.tensors.valuesOf(info);
    const [first] = values;
    return values.every((each) => each === first) ? first : undefined;
  }

  private constant(info: TensorInfo): Value {
    const known = this.constants.get(info.dataId);
    if (known !== undefined && sameShape(known.shape, info.shape)) return known;
    const values = this.tensors.valuesOf(info);
    const value = this.graph.constant(
      typed(values, elementType(info.dtype)),
      elementType(info.dtype),
      info.shape,
    );
    this.constants.set(info.dataId, value);
    return value;
  }
}

export const ONNX_TYPES: Readonly<Record<ElementType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
};

/** The axes of a channels-last tensor, as they lie in a value of `layout`: the way back says where each went. */
export const axesIn = (layout: Layout, axes: readonly number[]): number[] =>
  axes.map((axis) => (layout === "plain" ? axis : TO_CHANNELS_LAST[axis]));

/** The shape that a value of `layout` has for a tensor of `shape`. */
export const shapeIn = (layout: Layout, shape: readonly number[]): readonly number[] =>
  layout === "plain" ? shape : TO_CHANNELS_FIRST.map((axis) => shape[axis]);

/** The cpu backend keeps some results in plain arrays, or booleans in floats. */
function typed(values: ArrayLike<number>, dtype: ElementType): Numbers {
  switch (dtype) {
    case "float32":
      return values instanceof Float32Array ? values : Float32Array.from(values);
    case "int32":
      return values instanceof Int32Array ? values : Int32Array.from(values);
    default:
      return values instanceof Uint8Array ? values : Uint8Array.from(values);
  }
}

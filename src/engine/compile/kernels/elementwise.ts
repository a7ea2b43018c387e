// Arithmetic, comparisons and activation functions, element by element. All keep the layout of their inputs.
import { sameShape } from "../../graph/model";
import type {
  CastAttrs,
  ClipByValueAttrs,
  DataType,
  LeakyReluAttrs,
  SoftmaxAttrs,
  StepAttrs,
  TensorInfo,
} from "@tensorflow/tfjs-core";
import { tf } from "../../ops/tf";
import type { Attribute, ElementType, Value } from "../graph";
import {
  axesIn,
  elementType,
  shapeIn,
  TO_CHANNELS_FIRST,
  Untraceable,
  type Layout,
  type Recorder,
} from "../recorder";
import type { Inputs, Rule, Rules } from "./rule";

const broadcast = (a: readonly number[], b: readonly number[]) =>
  tf.backend_util.assertAndGetBroadcastShape([...a], [...b]);

/** The layout to compute a result of `shape` in: that of an operand which has it already. */
export const commonLayout = (
  recorder: Recorder,
  operands: readonly TensorInfo[],
  shape: readonly number[],
): Layout =>
  shape.length === 4 && operands.some((each) => recorder.layout(each) === "channelsFirst")
    ? "channelsFirst"
    : "plain";

/** An operand as a value that broadcasts against others of `layout`. */
export function operand(recorder: Recorder, info: TensorInfo, layout: Layout): Value {
  if (layout === "plain" || info.shape.length === 4) return recorder.inLayout(info, layout);
  const { shape } = info;
  const value = recorder.plain(info);
  if (shape.length === 0) return value;
  const [batch, height, width, channels] = [...new Array(4 - shape.length).fill(1), ...shape];
  if (height === 1 && width === 1) return recorder.reshape(value, [batch, channels, 1, 1]);
  return recorder.reorder(
    recorder.reshape(value, [batch, height, width, channels]),
    TO_CHANNELS_FIRST,
  );
}

function emitBroadcast(
  recorder: Recorder,
  op: string,
  operands: readonly TensorInfo[],
  shape: readonly number[],
  dtype: ElementType,
): TensorInfo {
  const layout = commonLayout(recorder, operands, shape);
  const values = operands.map((each) => operand(recorder, each, layout));
  const value = recorder.emit(op, values, { dtype, shape: shapeIn(layout, shape) });
  return recorder.result(shape, value, { layout });
}

const binary =
  (op: string, dtype?: DataType): Rule<"a" | "b"> =>
  (recorder, { a, b }) =>
    emitBroadcast(recorder, op, [a, b], broadcast(a.shape, b.shape), elementType(dtype ?? a.dtype));

/** A binary op for which a constant operand of `neutral` changes nothing: the other is repeated at most. */
const withNeutral =
  (op: string, neutral: number, sides: readonly ("a" | "b")[]): Rule<"a" | "b"> =>
  (recorder, inputs, attributes) => {
    const shape = broadcast(inputs.a.shape, inputs.b.shape);
    for (const side of sides) {
      const other = side === "a" ? inputs.b : inputs.a;
      if (recorder.uniform(inputs[side]) !== neutral) continue;
      if (sameShape(other.shape, shape)) return recorder.alias(other);
      const layout = isPerChannel(other.shape, shape) ? "channelsFirst" : recorder.layout(other);
      const value = recorder.expand(recorder.inLayout(other, layout), shapeIn(layout, shape));
      return recorder.result(shape, value, { layout });
    }
    return uniformAsScalar(recorder, op, inputs, shape) ?? binary(op)(recorder, inputs, attributes);
  };

/** Whether numbers are spread over images: gradients of batch norms are, and convolutions want them channels first. */
const isPerChannel = (from: readonly number[], to: readonly number[]): boolean =>
  from.length === 4 && to.length === 4 && from[1] === 1 && from[2] === 1;

/** A large constant of equal numbers is written as one number where the other operand has the shape already. */
function uniformAsScalar(
  recorder: Recorder,
  op: string,
  { a, b }: Inputs<"a" | "b">,
  shape: readonly number[],
): TensorInfo | undefined {
  const [number, other] = [recorder.uniform(b), a];
  if (number === undefined || !sameShape(other.shape, shape)) return undefined;
  const layout = recorder.layout(other);
  const value = recorder.inLayout(other, layout);
  const scalar = recorder.graph.scalar(number, other.dtype as "float32");
  return recorder.result(shape, recorder.emit(op, [value, scalar], value), { layout });
}

const unary =
  (op: string, attributes: Readonly<Record<string, Attribute>> = {}): Rule<"x"> =>
  (recorder, { x }) => {
    const layout = recorder.layout(x);
    const value = recorder.inLayout(x, layout);
    return recorder.result(x.shape, recorder.emit(op, [value], value, attributes), { layout });
  };

/** A unary op that ONNX has no operator for. */
const composed =
  (compute: (recorder: Recorder, x: Value) => Value): Rule<"x"> =>
  (recorder, { x }) => {
    const layout = recorder.layout(x);
    return recorder.result(x.shape, compute(recorder, recorder.inLayout(x, layout)), { layout });
  };

const filled =
  (number: number): Rule<"x"> =>
  (_, { x }) =>
    tf.fill(x.shape, number, x.dtype as "float32");

const Cast: Rule<"x", CastAttrs> = (recorder, { x }, { dtype }) => {
  if (x.dtype === dtype) return recorder.alias(x);
  const layout = recorder.layout(x);
  const value = recorder.inLayout(x, layout);
  return recorder.result(x.shape, recorder.cast(value, elementType(dtype)), { layout, dtype });
};

const Step: Rule<"x", StepAttrs> = (recorder, { x }, { alpha }) => {
  const layout = recorder.layout(x);
  const value = recorder.inLayout(x, layout);
  const positive = recorder.emit("Greater", [value, recorder.graph.scalar(0)], {
    dtype: "bool",
    shape: value.shape,
  });
  const step =
    alpha === 0
      ? recorder.cast(positive, "float32")
      : recorder.emit(
          "Where",
          [positive, recorder.graph.scalar(1), recorder.graph.scalar(alpha)],
          value,
        );
  return recorder.result(x.shape, step, { layout });
};

const LeakyRelu: Rule<"x", LeakyReluAttrs> = (recorder, { x }, { alpha }) =>
  unary("LeakyRelu", { alpha: { float: alpha } })(recorder, { x }, {});

const ClipByValue: Rule<"x", ClipByValueAttrs> = (recorder, { x }, attributes) => {
  const { clipValueMin, clipValueMax } = attributes;
  return composed((_, value) =>
    recorder.emit(
      "Clip",
      [value, recorder.graph.scalar(clipValueMin), recorder.graph.scalar(clipValueMax)],
      value,
    ),
  )(recorder, { x }, {});
};

/** dy where the activation was not below zero, else dy · (y + 1). */
const EluGrad: Rule<"dy" | "y"> = (recorder, { dy, y }) => {
  const layout = commonLayout(recorder, [dy, y], dy.shape);
  const gradient = operand(recorder, dy, layout);
  const output = operand(recorder, y, layout);
  const { graph } = recorder;
  const kept = recorder.emit("GreaterOrEqual", [output, graph.scalar(0)], {
    dtype: "bool",
    shape: output.shape,
  });
  const slope = recorder.emit("Add", [output, graph.scalar(1)], output);
  const scaled = recorder.emit("Mul", [gradient, slope], output);
  return recorder.result(dy.shape, recorder.emit("Where", [kept, gradient, scaled], output), {
    layout,
  });
};

/** TensorFlow.js has broadcast all three to one shape. */
const Select: Rule<"condition" | "t" | "e"> = (recorder, { condition, t, e }) =>
  emitBroadcast(recorder, "Where", [condition, t, e], t.shape, elementType(t.dtype));

const Identity: Rule<"x"> = (recorder, { x }) => recorder.alias(x);

const Softmax: Rule<"logits", SoftmaxAttrs> = (recorder, { logits }, { dim }) => {
  const { shape } = logits;
  const layout = recorder.layout(logits);
  const value = recorder.inLayout(logits, layout);
  const [axis] = axesIn(layout, [dim < 0 ? dim + shape.length : dim]);
  return recorder.result(shape, recorder.emit("Softmax", [value], value, { axis }), { layout });
};

const Pow: Rule<"a" | "b"> = (recorder, { a, b }) => {
  if (a.dtype !== "float32") throw new Untraceable(`a power of ${a.dtype}`);
  return uniformPower(recorder, a, b) ?? binary("Pow")(recorder, { a, b }, {});
};

/** Squares come as powers from optimizers and losses. */
function uniformPower(recorder: Recorder, a: TensorInfo, b: TensorInfo): TensorInfo | undefined {
  const exponent = recorder.uniform(b);
  if (exponent === undefined || b.shape.length > 0) return undefined;
  if (exponent === 1) return recorder.alias(a);
  if (exponent !== 2) return undefined;
  return square(recorder, { x: a }, {}) as TensorInfo;
}

const square = composed((recorder, x) => recorder.emit("Mul", [x, x], x));

export const elementwise: Rules = {
  Add: withNeutral("Add", 0, ["a", "b"]),
  Sub: withNeutral("Sub", 0, ["b"]),
  Multiply: withNeutral("Mul", 1, ["a", "b"]),
  RealDiv: withNeutral("Div", 1, ["b"]),
  Maximum: binary("Max"),
  Minimum: binary("Min"),
  Pow,
  SquaredDifference: (recorder, { a, b }: Inputs<"a" | "b">) => {
    const difference = binary("Sub")(recorder, { a, b }, {}) as TensorInfo;
    return square(recorder, { x: difference }, {});
  },
  Equal: binary("Equal", "bool"),
  Greater: binary("Greater", "bool"),
  GreaterEqual: binary("GreaterOrEqual", "bool"),
  Less: binary("Less", "bool"),
  LessEqual: binary("LessOrEqual", "bool"),
  NotEqual: (recorder, { a, b }: Inputs<"a" | "b">) => {
    const x = binary("Equal", "bool")(recorder, { a, b }, {}) as TensorInfo;
    return unary("Not")(recorder, { x }, {});
  },
  LogicalAnd: binary("And"),
  LogicalOr: binary("Or"),
  LogicalNot: unary("Not"),
  Abs: unary("Abs"),
  Ceil: unary("Ceil"),
  Elu: unary("Elu"),
  EluGrad,
  Exp: unary("Exp"),
  Expm1: composed((recorder, x) =>
    recorder.emit("Sub", [recorder.emit("Exp", [x], x), recorder.graph.scalar(1)], x),
  ),
  Floor: unary("Floor"),
  LeakyRelu,
  Log: unary("Log"),
  Log1p: composed((recorder, x) =>
    recorder.emit("Log", [recorder.emit("Add", [x, recorder.graph.scalar(1)], x)], x),
  ),
  Neg: unary("Neg"),
  Reciprocal: unary("Reciprocal"),
  Relu: unary("Relu"),
  Relu6: composed((recorder, x) =>
    recorder.emit("Clip", [x, recorder.graph.scalar(0), recorder.graph.scalar(6)], x),
  ),
  Rsqrt: composed((recorder, x) => recorder.emit("Reciprocal", [recorder.emit("Sqrt", [x], x)], x)),
  Selu: unary("Selu", {
    alpha: { float: tf.backend_util.SELU_SCALEALPHA / tf.backend_util.SELU_SCALE },
    gamma: { float: tf.backend_util.SELU_SCALE },
  }),
  Sigmoid: unary("Sigmoid"),
  Sign: unary("Sign"),
  Softplus: unary("Softplus"),
  Sqrt: unary("Sqrt"),
  Square: square,
  Tanh: unary("Tanh"),
  Step,
  ClipByValue,
  Cast,
  Select,
  Identity,
  Softmax,
  ZerosLike: filled(0),
  OnesLike: filled(1),
};

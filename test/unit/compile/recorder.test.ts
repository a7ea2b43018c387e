// Images stay channels first between the ops that want them so: transposes do not arise.
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ModelProtoSchema } from "../../../src/engine/compile/onnx/onnx_pb";
import { traceForward } from "../../../src/engine/compile/program";
import type { Node } from "../../../src/engine/graph/model";
import { INFERENCE, type RunContext } from "../../../src/engine/ops/kernel";
import { BatchNorm } from "../../../src/engine/ops/normalization";
import { tf, type Tensor } from "../../../src/engine/ops/tf";
import { node } from "../../engine/handmade";
import { float } from "./graphs";

const TO_CHANNELS_FIRST = "0,3,1,2";
const TO_CHANNELS_LAST = "0,2,3,1";

type Net = (fed: Readonly<Record<string, Tensor>>) => readonly Tensor[];

/** The axes of each Transpose of what `net` is compiled to. */
function transposes(types: Readonly<Record<string, readonly number[]>>, net: Net): string[] {
  const inputs = Object.entries(types).map(([name, shape]) => [name, float(...shape)] as const);
  const { model } = traceForward(
    new Map(inputs),
    {},
    (fed) =>
      new Map(net(Object.fromEntries(fed)).map((tensor, index) => [`output ${index}`, tensor])),
  );
  return fromBinary(ModelProtoSchema, model)
    .graph!.node.filter(({ opType }) => opType === "Transpose")
    .map(({ attribute }) => attribute.find(({ name }) => name === "perm")!.ints.join())
    .sort();
}

const image = (tensor: Tensor) => tensor as tf.Tensor4D;

const SHAPES = {
  x: [2, 8, 8, 3],
  kernel1: [3, 3, 3, 4],
  bias1: [4],
  gamma: [4],
  beta: [4],
  mean: [4],
  variance: [4],
  kernel2: [3, 3, 4, 5],
};

const ATTRIBUTES = {
  epsilon: 0.001,
  momentum: 0.9,
  unbiased: true,
  dataFormat: "NHWC",
} as const;
const NORM = node(
  "norm",
  "BatchNorm",
  ["x", "[gamma]", "[beta]", "[mean]", "[variance]"],
  ATTRIBUTES,
) as Node<"BatchNorm">;

/** Convolution, bias, batch norm, rectifier, pool, convolution. */
function convolutions(fed: Readonly<Record<string, Tensor>>, training = false): tf.Tensor4D {
  const first = tf.add(tf.conv2d(image(fed.x), image(fed.kernel1), 1, "same"), fed.bias1);
  const inputs = [first, fed.gamma, fed.beta, fed.mean, fed.variance];
  const context: RunContext = { ...INFERENCE, training: () => training, updates: new Map() };
  const norm = BatchNorm(inputs, ATTRIBUTES, NORM, context);
  const pooled = tf.maxPool(image(tf.relu(norm)), 2, 2, "same");
  return tf.conv2d(pooled, image(fed.kernel2), 1, "same");
}

describe("of convolution, batch norm, rectifier, pool, convolution", () => {
  /** From [height, width, in, out] to [out, in, height, width], one for each kernel. */
  const kernels = ["3,2,0,1", "3,2,0,1"];

  test("the image is turned once, and nothing between", () => {
    const net: Net = (fed) => [tf.mean(convolutions(fed))];
    expect(transposes(SHAPES, net)).toEqual([TO_CHANNELS_FIRST, ...kernels]);
  });

  test("an image of one channel is not turned at all", () => {
    const shapes = { ...SHAPES, x: [2, 8, 8, 1], kernel1: [3, 3, 1, 4] };
    // A kernel of one channel in: only its other axes move.
    const [first] = transposes(shapes, (fed) => [tf.mean(convolutions(fed))]);
    expect(first).not.toBe(TO_CHANNELS_FIRST);
  });

  test("the result is turned back once, for who reads it", () => {
    const net: Net = (fed) => [tf.reshape(convolutions(fed), [2, -1])];
    expect(transposes(SHAPES, net)).toEqual([TO_CHANNELS_LAST, TO_CHANNELS_FIRST, ...kernels]);
  });

  test("gradients turn kernels, and what a kernel's gradient is made of, but no other image", () => {
    const names = ["kernel1", "bias1", "gamma", "beta", "kernel2"] as const;
    const net: Net = (fed) => {
      const lossOf = (...moved: Tensor[]) =>
        tf.sum(
          tf.square(
            convolutions(
              {
                ...fed,
                ...Object.fromEntries(names.map((name, index) => [name, moved[index]])),
              },
              true,
            ),
          ),
        ) as tf.Scalar;
      return tf.grads(lossOf)(names.map((name) => fed[name]));
    };
    // Of each kernel's gradient: dy as a matrix for each image, and it is turned back.
    const swapped = ["0,2,1", "0,2,1"];
    const back = ["1,2,0,3", "1,2,0,3"];
    const all = transposes(SHAPES, net);
    expect(all).toEqual([TO_CHANNELS_FIRST, ...swapped, ...back, ...kernels].sort());
  });
});

test("one transpose that two ops need is one", () => {
  const shapes = { x: [2, 4, 4, 3], a: [1, 1, 3, 2], b: [1, 1, 3, 5] };
  const net: Net = ({ x, a, b }) => [
    tf.mean(tf.conv2d(image(x), image(a), 1, "same")),
    tf.mean(tf.conv2d(image(x), image(b), 1, "same")),
  ];
  expect(transposes(shapes, net).filter((perm) => perm === TO_CHANNELS_FIRST)).toHaveLength(1);
});

test("transposes there and back cancel", () => {
  const net: Net = ({ x, kernel }) => {
    const there = tf.transpose(tf.conv2d(image(x), image(kernel), 1, "same"), [0, 3, 1, 2]);
    const back = tf.transpose(tf.relu(there), [0, 2, 3, 1]);
    return [tf.mean(tf.conv2d(image(back), image(kernel), 1, "same"))];
  };
  const all = transposes({ x: [2, 4, 4, 3], kernel: [3, 3, 3, 3] }, net);
  expect(all).toEqual([TO_CHANNELS_FIRST, "3,2,0,1"]);
});

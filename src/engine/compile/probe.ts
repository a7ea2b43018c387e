// Asks ONNX Runtime for the block of its blocked layout, which depends on the processor and which nothing tells.
import { elements } from "../graph/model";
import { tf } from "../ops/tf";

import { traceForward } from "./program";
import { Session, type Fed } from "./session";

/** Blocks that there are: of AVX-512 and ARM, and of other processors. */
const BLOCKS = [16, 8];
const TOLERANCE = 1e-4;

const SHAPES = { x: [1, 4, 4, 32], kernel: [3, 3, 32, 32] } as const;

/** A convolution whose channels, kernel and borders all count. */
async function convolution(block: number | undefined): Promise<readonly number[]> {
  const entries = Object.entries(SHAPES);
  const types = new Map(
    entries.map(([name, shape]) => [name, { dtype: "float32", shape }] as const),
  );
  const { model } = traceForward(types, { block }, (inputs) => {
    const [x, kernel] = Object.keys(SHAPES).map((name) => inputs.get(name)!);
    return new Map([["y", tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, 1, "same")]]);
  });
  const session = await Session.create(model, { threads: 1 });
  try {
    const feeds = entries.map(([name, shape]): [string, Fed] => {
      const data = Float32Array.from({ length: elements(shape) }, (_, index) =>
        Math.sin(index * index),
      );
      return [name, { data, shape, dtype: "float32" }];
    });
    const outputs = await session.run(new Map(feeds));
    return [...(outputs.get("y") as Float32Array)];
  } finally {
    await session.release();
  }
}

async function probe(): Promise<number | undefined> {
  const expected = await convolution(undefined);
  for (const block of BLOCKS) {
    // Where the processor has no blocked operators, ONNX Runtime refuses the model.
    const found = await convolution(block).catch(() => undefined);
    if (found?.every((value, index) => Math.abs(value - expected[index]) < TOLERANCE)) return block;
  }
  return undefined;
}

let known: Promise<number | undefined> | undefined;

/**
 * Channels in a block on this processor: the number with which a blocked convolution yields what a plain one does.
 * Undefined where none does.
 */
export const channelBlock = (): Promise<number | undefined> => (known ??= probe());

// TensorFlow.js on native TensorFlow, eager: what its own documentation does with an optimizer and mini-batches.
import { join } from "node:path";
import * as util from "node:util";
import type * as tfjs from "@tensorflow/tfjs-core";
import { readNpy } from "../../../src/engine/data/npy";
import { epochSeconds, serve, type Answer, type Work } from "../graft/serve";

// Its function for old Nodes is gone from Node 23.
const legacy = util as { isNullOrUndefined?: (value: unknown) => boolean };
legacy.isNullOrUndefined ??= (value) => value === null || value === undefined;
// An optional package: only its core's types are always there.
const tf = require("@tensorflow/tfjs-node") as typeof tfjs & {
  readonly version: { readonly "tfjs-node": string };
};

async function read(folder: string, name: string) {
  const { shape, data } = await readNpy(join(folder, `${name}.npy`));
  return { shape: [...shape], data: data as Float32Array | Int32Array };
}

async function measure({ folder, layers, batch, learningRate }: Work): Promise<Answer> {
  const inputs = await read(folder, "X");
  const labels = await read(folder, "y");
  const order = await read(folder, "order");
  const X = tf.tensor2d(inputs.data, inputs.shape as [number, number]);
  const y = tf.tidy(() =>
    tf.cast(tf.oneHot(tf.tensor1d(labels.data, "int32"), layers.at(-1)!.units), "float32"),
  );
  const parameters = await Promise.all(
    layers.map(async ({ name }) => {
      const weights = await read(folder, `values/${name}.weights`);
      const biases = await read(folder, `values/${name}.biases`);
      return {
        weights: tf.variable(tf.tensor2d(weights.data, weights.shape as [number, number])),
        biases: tf.variable(tf.tensor1d(biases.data)),
      };
    }),
  );
  const logits = (x: tfjs.Tensor2D): tfjs.Tensor2D =>
    parameters.reduce((value, { weights, biases }, index) => {
      const sum = tf.add(tf.matMul(value, weights), biases) as tfjs.Tensor2D;
      return index < parameters.length - 1 ? tf.relu(sum) : sum;
    }, x);
  const optimizer = tf.train.sgd(learningRate);
  const [epochs, samples] = order.shape;
  const ends: number[] = [];
  let loss = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const last = epoch === epochs - 1;
    for (let start = 0; start < samples; start += batch) {
      const from = epoch * samples + start;
      const rows = order.data.subarray(from, from + Math.min(batch, samples - start));
      tf.tidy(() => {
        const indices = tf.tensor1d(rows, "int32");
        const cost = optimizer.minimize(
          () => tf.losses.softmaxCrossEntropy(tf.gather(y, indices), logits(tf.gather(X, indices))),
          last,
        );
        if (last) loss += (cost!.dataSync()[0] * rows.length) / samples;
      });
    }
    ends.push(performance.now());
  }
  tf.dispose([X, y, ...parameters.flatMap(({ weights, biases }) => [weights, biases])]);
  optimizer.dispose();
  return { seconds: epochSeconds(ends), check: loss };
}

void serve(`@tensorflow/tfjs-node ${tf.version["tfjs-node"]}`, measure);

// Samples of the fixtures, as the .npy files that recipes and Python read.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { writeNpy } from "../../src/engine/data/npy";
import { epochOrder } from "../../src/engine/train/split";

export const FIXTURES = resolve(import.meta.dirname, "../fixtures");

/** Files of raw little-endian numbers: float32 rows, and an int64 label for each. */
export interface Samples {
  readonly inputs: string;
  readonly labels: string;
}

/** For the networks with 50 inputs; labels 0 to 2. */
export const MINI_SAMPLES: Samples = {
  inputs: "b1_mini_v2/io/transfer_X.bin",
  labels: "b1_mini_v2/io/transfer_y.bin",
};

/** What b1_mini_v2's hidden2 makes of the mini samples, by TensorFlow. */
export const MINI_HIDDEN2: Samples = {
  inputs: "b1_mini_v2/io/transfer_hidden2.bin",
  labels: "b1_mini_v2/io/transfer_y.bin",
};

/** Images of 64 pixels; labels 0 to 9. */
export const DIGIT_SAMPLES: Samples = {
  inputs: "b2_cnn_digits/io/retrain_x.bin",
  labels: "b2_cnn_digits/io/retrain_y.bin",
};

/** Writes both as .npy, the labels modulo `classes`, and returns the number of samples. */
export async function writeSamples(
  { inputs, labels }: Samples,
  classes: number,
  to: { readonly inputs: string; readonly labels: string },
): Promise<number> {
  const rows = new Float32Array(await readBytes(inputs));
  const indices = new BigInt64Array(await readBytes(labels));
  const count = indices.length;
  await writeNpy(to.inputs, { shape: [count, rows.length / count], dtype: "float32", data: rows });
  const data = indices.map((label) => label % BigInt(classes));
  await writeNpy(to.labels, { shape: [count], dtype: "int64", data });
  return count;
}

async function readBytes(path: string): Promise<ArrayBuffer> {
  return Uint8Array.from(await readFile(join(FIXTURES, path))).buffer;
}

/** Rows in the order in which the first phase of a recipe without validation uses them, epoch after epoch. */
export function batchOrder(samples: number, epochs: number, seed: number): Int32Array {
  const all = Int32Array.from({ length: samples }, (_, row) => row);
  const order = new Int32Array(epochs * samples);
  for (let epoch = 0; epoch < epochs; epoch++) {
    order.set(epochOrder(all, seed, 0, epoch, samples), epoch * samples);
  }
  return order;
}

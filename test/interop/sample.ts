// A copy of the digits sample, for tests that train it.
import { cp } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readNpy, writeNpy } from "../../src/engine/data/npy";
import { DENSE_NAMES, type GraphNames } from "./saved";

const SAMPLE = resolve(import.meta.dirname, "../../samples/digits");

export const DIGITS_SOURCE = "digits_0_to_4.ckpt";
export const DIGITS_NAMES: GraphNames = { ...DENSE_NAMES, loss: "loss/loss" };

/** The held-out digits, and their class indices as TensorFlow wants them: 0 for the digit 5. */
export const HELD_OUT = { inputs: "digits_5_to_9_test_X.npy", labels: "held_out_classes.npy" };

/** Copies the sample into `folder` and returns the classes of the held-out digits. */
export async function copySample(folder: string): Promise<number[]> {
  await cp(SAMPLE, folder, {
    recursive: true,
    // Somebody may have run the sample where it is.
    filter: (path) => path !== join(SAMPLE, "result"),
  });
  const { shape, data } = await readNpy(join(folder, "digits_5_to_9_test_y.npy"));
  const classes = Array.from(data as BigInt64Array, (digit) => Number(digit) - 5);
  await writeNpy(join(folder, HELD_OUT.labels), {
    shape,
    dtype: "int64",
    data: BigInt64Array.from(classes, BigInt),
  });
  return classes;
}

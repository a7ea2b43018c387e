// Writes order.npy, the order of samples in each epoch of a work, for peers that feed their own batches.   node order.cjs FOLDER
import { join } from "node:path";
import { writeNpy } from "../../../src/engine/data/npy";
import { epochOrder, split } from "../../../src/engine/train/split";
import { openWork } from "./recipe";

const [folder, samples] = process.argv.slice(2);
const { seed, train } = openWork(folder).recipe;
const { training } = split(Number(samples), 0, seed);
const { epochs } = train[0];
const data = new Int32Array(epochs * training.length);
for (let epoch = 0; epoch < epochs; epoch++)
  data.set(epochOrder(training, seed, 0, epoch, training.length), epoch * training.length);
void writeNpy(join(folder, "order.npy"), {
  shape: [epochs, training.length],
  dtype: "int32",
  data,
});

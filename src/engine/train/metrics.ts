// Loss and accuracy over many mini-batches.
import type { ClassScore } from "../../protocol/run";
import { tf, type Tensor } from "../ops/tf";
import type { Forward } from "./executor";
import { batches } from "./samples";
import type { SampleSource } from "./source";

/** Class that each of `rows` rows of logits is highest for. A single sigmoid unit tells two classes apart by its sign. */
export function predictedClasses(logits: Float32Array, rows: number): Int32Array {
  const units = logits.length / rows;
  const classes = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = row * units;
    let best = 0;
    for (let unit = 1; unit < units; unit++)
      if (logits[start + unit] > logits[start + best]) best = unit;
    classes[row] = units === 1 ? Number(logits[start] > 0) : best;
  }
  return classes;
}

/** Of a loss that is no scalar, TensorFlow minimizes the sum. */
export const scalarLoss = (loss: Tensor): tf.Scalar =>
  loss.rank === 0 ? (loss as tf.Scalar) : tf.sum(loss);

/** Adds up what mini-batches yield. */
export class Score {
  /** Sums so far: what a stopped run keeps, to go on in the middle of an epoch. */
  constructor(
    private lossSum = 0,
    private samples = 0,
    private correct = 0,
  ) {}

  get sums(): readonly [lossSum: number, samples: number, correct: number] {
    return [this.lossSum, this.samples, this.correct];
  }

  add(loss: number, samples: number, correct: number): void {
    this.lossSum += loss * samples;
    this.samples += samples;
    this.correct += correct;
  }

  get loss(): number {
    return this.lossSum / this.samples;
  }

  get accuracy(): number {
    return this.correct / this.samples;
  }
}

export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
  readonly classes: readonly ClassScore[];
}

/** What is measured on, and where it comes from. */
export interface Measured {
  readonly source: SampleSource;
  /** Samples that are asked of the source at once. */
  readonly window: number;
  /** Samples per forward pass. */
  readonly batch: number;
  readonly indices: Int32Array;
  /** Class index of every sample; the labels themselves for numbers. */
  readonly targets: Int32Array | Float32Array;
  readonly classes: readonly string[];
}

/** Loss and accuracy in inference mode, a window at a time. `forward` fetches the scalar loss and the logits. */
export async function evaluate(forward: Forward, measured: Measured): Promise<Evaluation> {
  const { source, window, batch: size, indices, targets } = measured;
  const score = new Score();
  const samples = new Int32Array(measured.classes.length);
  const correct = new Int32Array(measured.classes.length);
  for (const part of batches(indices, window)) {
    const { arrays, local } = await source.window(part);
    for (let start = 0; start < part.length; start += size) {
      const batch = part.subarray(start, start + size);
      const [loss, logits] = await forward.run(arrays, local.subarray(start, start + size));
      const predicted = predictedClasses(logits.data, batch.length);
      let right = 0;
      batch.forEach((sample, row) => {
        const label = targets[sample];
        if (label < samples.length) samples[label]++;
        if (predicted[row] !== label) return;
        right++;
        if (label < correct.length) correct[label]++;
      });
      score.add(loss.data[0], batch.length, right);
    }
  }
  const classes = measured.classes.map((name, index) => ({
    name,
    samples: samples[index],
    correct: correct[index],
  }));
  return { loss: score.loss, accuracy: score.accuracy, classes };
}

// Loss and accuracy over many mini-batches.
import type { ClassScore } from "../../protocol/run";
import { INFERENCE, type RunContext } from "../ops/kernel";
import { run, type Path } from "../ops/run";
import { tf, type Tensor } from "../ops/tf";
import type { LiveVariables } from "./live";
import { batches, gather } from "./samples";
import type { SampleSource } from "./source";

/** Samples per forward pass. */
const BATCH = 500;

/** Class that each row of logits is highest for. A single sigmoid unit tells two classes apart by its sign. */
export function predictedClasses(logits: Tensor): Int32Array {
  return tf.tidy(() => {
    const units = logits.rank < 2 ? 1 : logits.shape.at(-1)!;
    const rows = tf.reshape(logits, [-1, units]);
    const classes = units === 1 ? tf.cast(tf.greater(rows, 0), "int32") : tf.argMax(rows, 1);
    return Int32Array.from(classes.dataSync());
  });
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

/** Loss and accuracy on `indices`, in inference mode, a window at a time. `path` fetches the loss and the logits. */
export async function evaluate(
  path: Path,
  source: SampleSource,
  window: number,
  live: LiveVariables,
  indices: Int32Array,
  labels: Int32Array | Float32Array,
  classNames: readonly string[],
  scalars: RunContext["scalars"],
): Promise<Evaluation> {
  const score = new Score();
  const samples = new Int32Array(classNames.length);
  const correct = new Int32Array(classNames.length);
  for (const part of batches(indices, window)) {
    const { arrays, local } = await source.window(part);
    for (let start = 0; start < part.length; start += BATCH) {
      const batch = part.subarray(start, start + BATCH);
      tf.tidy(() => {
        const feeds = gather(arrays, local.subarray(start, start + BATCH));
        const [loss, logits] = run(path, feeds, live.map, { ...INFERENCE, scalars });
        const predicted = predictedClasses(logits);
        let right = 0;
        batch.forEach((sample, row) => {
          const label = labels[sample];
          if (label < samples.length) samples[label]++;
          if (predicted[row] !== label) return;
          right++;
          if (label < correct.length) correct[label]++;
        });
        score.add(scalarLoss(loss).dataSync()[0], batch.length, right);
      });
    }
  }
  const classes = classNames.map((name, index) => ({
    name,
    samples: samples[index],
    correct: correct[index],
  }));
  return { loss: score.loss, accuracy: score.accuracy, classes };
}

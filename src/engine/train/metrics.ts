// Loss and accuracy over many mini-batches.
import type { ClassScore } from "../../protocol/run";
import type { BoundLabels } from "../data/bindLabels";
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

/** What is right: class indices, or the labels themselves for numbers. One for each sample, unless it says otherwise. */
export type Targets = Pick<BoundLabels, "labels"> &
  Partial<Pick<BoundLabels, "labelsPerSample" | "labelsMask">>;

/** Calls `each` for every label of `samples` that counts, with whether their `logits` are right. */
export function judge(
  { labels, labelsPerSample = 1, labelsMask }: Targets,
  samples: Int32Array,
  logits: Float32Array,
  each: (label: number, right: boolean) => void,
): void {
  const predicted = predictedClasses(logits, samples.length * labelsPerSample);
  samples.forEach((sample, row) => {
    for (let step = 0; step < labelsPerSample; step++) {
      const place = sample * labelsPerSample + step;
      if (labelsMask?.[place] === 0) continue;
      const label = labels[place];
      each(label, predicted[row * labelsPerSample + step] === label);
    }
  });
}

/** Adds up what mini-batches yield. */
export class Score {
  /** Sums so far: what a stopped run keeps, to go on in the middle of an epoch. `labels`: those that count. */
  constructor(
    private lossSum = 0,
    private samples = 0,
    private correct = 0,
    private labels = samples,
  ) {}

  get sums(): readonly [lossSum: number, samples: number, correct: number, labels: number] {
    return [this.lossSum, this.samples, this.correct, this.labels];
  }

  add(loss: number, samples: number, correct: number, labels = samples): void {
    this.lossSum += loss * samples;
    this.samples += samples;
    this.correct += correct;
    this.labels += labels;
  }

  get loss(): number {
    return this.lossSum / this.samples;
  }

  get accuracy(): number {
    return this.correct / this.labels;
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
  readonly targets: Targets;
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
      let counted = 0;
      let right = 0;
      judge(targets, batch, logits.data, (label, isRight) => {
        counted++;
        right += Number(isRight);
        if (label >= samples.length) return;
        samples[label]++;
        correct[label] += Number(isRight);
      });
      score.add(loss.data[0], batch.length, right, counted);
    }
  }
  const classes = measured.classes.map((name, index) => ({
    name,
    samples: samples[index],
    correct: correct[index],
  }));
  return { loss: score.loss, accuracy: score.accuracy, classes };
}

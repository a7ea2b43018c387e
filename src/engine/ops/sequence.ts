// Ops on sequences: their order, their lengths and their ends.
import { sequenceAxes } from "../graph/recurrent";
import type { Kernel } from "./kernel";
import { tf, type Tensor } from "./tf";

export const Reverse: Kernel<"Reverse"> = ([x, lengths], { axis, batchAxis }) => {
  if (lengths === undefined) return tf.reverse(x, axis);
  // Which step comes to which place, as a matrix for each sample.
  const time = x.shape[axis];
  const places = tf.range(0, time, 1, "float32");
  const ends = tf.reshape(tf.cast(lengths, "float32"), [-1, 1]);
  const turned = tf.sub(tf.sub(ends, 1), places);
  const from = tf.where(tf.less(places, ends), turned, tf.add(places, tf.mul(ends, 0)));
  const chooses = tf.cast(tf.equal(tf.expandDims(from, 2), places), "float32");
  const others = [...x.shape.keys()].filter((each) => each !== axis && each !== batchAxis);
  const order = [batchAxis, axis, ...others];
  const samples = transposed(x, order);
  const rows = tf.reshape(tf.cast(samples, "float32"), [x.shape[batchAxis], time, -1]);
  const result = tf.cast(tf.reshape(tf.matMul(chooses, rows), samples.shape), x.dtype);
  return transposed(
    result,
    order.map((_, at) => order.indexOf(at)),
  );
};

const transposed = (x: Tensor, order: readonly number[]): Tensor =>
  order.every((axis, at) => axis === at) ? x : tf.transpose(x, [...order]);

export const LastStep: Kernel<"LastStep"> = ([x, mask], { timeMajor }) => {
  const { time } = sequenceAxes(timeMajor);
  const last = x.shape[time] - 1;
  if (mask === undefined) {
    const begin = [0, 0, 0].with(time, last);
    return tf.squeeze(tf.slice(x, begin, x.shape.with(time, 1)), [time]);
  }
  const there = tf.cast(mask, "float32");
  const places = tf.mul(there, tf.range(1, last + 2, 1, "float32"));
  const isLast = tf.cast(tf.equal(places, tf.max(places, 1, true)), "float32");
  const chosen = tf.mul(isLast, there);
  const weights = tf.expandDims(timeMajor ? tf.transpose(chosen) : chosen, 2);
  return tf.sum(tf.mul(x, weights), time);
};

export const SequenceMask: Kernel<"SequenceMask"> = ([lengths, x], { timeMajor }) => {
  const steps = tf.range(0, x.shape[sequenceAxes(timeMajor).time], 1, "float32");
  const ends = tf.reshape(tf.cast(lengths, "float32"), [-1, 1]);
  return tf.cast(tf.less(steps, ends), "float32");
};

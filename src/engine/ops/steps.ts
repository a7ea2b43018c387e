// Sequences as recurrent layers run them: the rows of all steps, one step's after the other's.
import { GraftError } from "../../protocol/errors";
import type { Node } from "../graph/model";
import { tf, type Tensor } from "./tf";

/** A sequence: its rows are [time · batch, features]. */
export interface Steps {
  readonly time: number;
  readonly batch: number;
  readonly rows: Tensor;
}

/** The steps of [time, batch, features], or else of [batch, time, features]. */
export function stepsOf(x: Tensor, timeMajor: boolean, { name }: Node): Steps {
  const [time, batch, features] = timeMajor ? x.shape : [x.shape[1]!, x.shape[0], x.shape[2]!];
  if (time === 0)
    throw new GraftError("shape-mismatch", `${name} cannot run over a sequence of no steps.`);
  const major = timeMajor ? x : tf.transpose(x, [1, 0, 2]);
  return { time, batch, rows: tf.reshape(major, [time * batch, features]) };
}

/** The way back. */
export function sequenceOf({ time, batch, rows }: Steps, timeMajor: boolean): Tensor {
  const major = tf.reshape(rows, [time, batch, rows.shape[1]!]);
  return timeMajor ? major : tf.transpose(major, [1, 0, 2]);
}

/** A mask [batch, time] as a column [time · batch, 1]; undefined where every step is there. */
export function columnOf(mask: Tensor | undefined): Tensor | undefined {
  if (mask === undefined) return undefined;
  return tf.reshape(tf.transpose(tf.cast(mask, "float32")), [-1, 1]);
}

/** An initial state, of zeros where none is given, as a row for each sample. */
export function stateOf(given: Tensor | undefined, batch: number, width: number): Tensor {
  const zeros = tf.zeros([batch, width]);
  return given === undefined ? zeros : tf.add(given, zeros);
}

/** The rows of a joined kernel that read the sequence, and those that read the state. */
export function splitRows(kernel: Tensor, features: number): [Tensor, Tensor] {
  const [x, h] = tf.split(kernel, [features, kernel.shape[0] - features], 0);
  return [x, h];
}

export const plus = (a: Tensor, b: Tensor | undefined): Tensor =>
  b === undefined ? a : tf.add(a, b);

/** What a mask does: where a step is not there, its output is 0, and the state stays as it was, or becomes 0. */
export interface Masks {
  /** Rows of all steps, 0 where a step is not there. */
  readonly there: (rows: Tensor) => Tensor;
  /** What a step leaves of a state: what it made, or what is left where it is not there. */
  readonly after: (step: number, made: Tensor, before: Tensor) => Tensor;
  /** The gradient by a state before a step, given that through it (0 where the step is not there) and that past it. */
  readonly back: (step: number, through: Tensor, past: Tensor) => Tensor;
}

/** Of a column [time · batch, 1]; undefined where every step is there. */
export function masksOf(column: Tensor | undefined, masked: "hold" | "reset", time: number): Masks {
  if (column === undefined)
    return {
      there: (rows) => rows,
      after: (_, made) => made,
      back: (_, through) => through,
    };
  const there = (rows: Tensor) => tf.mul(rows, column);
  if (masked === "reset") {
    const steps = tf.split(column, time);
    return {
      there,
      after: (step, made) => tf.mul(made, steps[step]),
      back: (_, through) => through,
    };
  }
  const steps = tf.split(tf.cast(column, "bool"), time);
  const choose = (step: number, a: Tensor, b: Tensor) => tf.where(steps[step], a, b);
  return { there, after: choose, back: choose };
}

// Lengths of padded sequences: a mini-batch of short ones is run by a shorter program.
import { padding, type Padding } from "../graph/padding";
import type { Path } from "../ops/run";
import { tf, type Tensor } from "../ops/tf";
import type { LiveVariables } from "./live";
import type { SampleArray } from "./samples";

/** Programs are for all steps, half of them, a quarter …: together they are at most twice as long as the longest. */
const HALVINGS = 3;

export class Buckets {
  private measured: readonly SampleArray[] | undefined;
  private lengths = new Int32Array();

  private constructor(private readonly padding: Padding) {}

  /**
   * Undefined where all steps are to be run. `exact`: what is fetched must be the same behind the ends of sequences, too;
   * else it is 0 there.
   */
  static for(
    path: Path,
    live: LiveVariables,
    arrays: readonly SampleArray[],
    exact: boolean,
  ): Buckets | undefined {
    const fed = new Map(arrays.map(({ node, shape }) => [node, shape]));
    const variableShape = (name: string) => live.shape(name);
    const found = padding({ ...path, variableShape, fed });
    return found === undefined || (exact && !found.zero) ? undefined : new Buckets(found);
  }

  /** Steps to run for the samples at `indices` of `arrays`. */
  stepsFor(arrays: readonly SampleArray[], indices: Int32Array): number {
    if (this.measured !== arrays) {
      this.lengths = lengthsOf(this.padding, arrays);
      this.measured = arrays;
    }
    const longest = indices.reduce((most, index) => Math.max(most, this.lengths[index]), 1);
    let { time } = this.padding;
    for (let half = 0; half < HALVINGS && Math.ceil(time / 2) >= longest; half++)
      time = Math.ceil(time / 2);
    return time;
  }

  /** The first `steps` steps of what is fed to a node. */
  cut(node: string, tensor: Tensor, steps: number): Tensor {
    const axis = this.padding.axes.get(node);
    if (axis === undefined) return tensor;
    const { shape } = tensor;
    return tf.slice(
      tensor,
      shape.map(() => 0),
      shape.with(axis, steps),
    );
  }

  /** Where all sequences have so many steps. */
  cutPath(path: Path, steps: number): Path {
    const shapes = new Map(path.shapes);
    for (const [node, axis] of this.padding.axes)
      if (shapes.has(node)) shapes.set(node, shapes.get(node)!.with(axis, steps));
    return { ...path, shapes };
  }

  /** What a node gives, with zeros for the steps that were not run. */
  padded(node: string, tensor: Tensor): Tensor {
    const axis = this.padding.axes.get(node);
    if (axis === undefined) return tensor;
    const missing = this.padding.time - tensor.shape[axis];
    const paddings = tensor.shape.map((_, at): [number, number] => [0, at === axis ? missing : 0]);
    return tf.pad(tensor, paddings);
  }

  /** The shape of what a node gives, if all steps were run. */
  whole(node: string, shape: readonly number[]): readonly number[] {
    const axis = this.padding.axes.get(node);
    return axis === undefined ? shape : shape.with(axis, this.padding.time);
  }
}

/** Steps of each sample: up to the last that is there. */
function lengthsOf(
  { time, masks, lengths }: Padding,
  arrays: readonly SampleArray[],
): Int32Array<ArrayBuffer> {
  const given = (name: string) => arrays.find(({ node }) => node === name)!.data;
  const samples = Math.max(
    ...masks.map((name) => given(name).length / time),
    ...lengths.map((name) => given(name).length),
  );
  const ends = new Int32Array(samples);
  for (const data of lengths.map(given))
    for (let sample = 0; sample < samples; sample++)
      ends[sample] = Math.max(ends[sample], Math.min(time, data[sample]));
  for (const data of masks.map(given))
    for (let sample = 0; sample < samples; sample++) {
      let end = time;
      while (end > ends[sample] && data[sample * time + end - 1] === 0) end--;
      ends[sample] = end;
    }
  return ends;
}

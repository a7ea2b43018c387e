// Where mini-batches come from: samples in memory, or rows of the bottleneck store that are read a window at a time.
import { elements, type Shape } from "../graph/model";
import { gatherRows, type SampleArray } from "./samples";

/** Bytes of bottlenecks that are held in memory at most; more are streamed. */
export const MEMORY_BYTES = 256 * 2 ** 20;

/** A window is so much smaller: what computes may hold it twice. */
const WINDOWS_IN_MEMORY = 4;

export interface SampleWindow {
  readonly arrays: readonly SampleArray[];
  /** Where each sample that was asked for lies in the arrays. */
  readonly local: Int32Array;
}

export interface SampleSource {
  /** The nodes that it can feed. */
  readonly nodes: readonly string[];
  /** The same samples, for fewer nodes: others are not read. */
  reading(nodes: ReadonlySet<string>): SampleSource;
  /** What to feed for `samples`, in any order. It is valid until the next call. */
  window(samples: Int32Array): Promise<SampleWindow>;
}

/** Rows that can be read in any order: several tensors, one after the other. */
export interface RowReader {
  readonly tensors: readonly { readonly node: string; readonly shape: Shape }[];
  /** Numbers in a row. */
  readonly width: number;
  /** Copies the rows of `samples` into `rows`, one after the other. */
  read(samples: Int32Array, rows: Float32Array): Promise<void>;
}

export function inMemory(arrays: readonly SampleArray[]): SampleSource {
  return {
    nodes: arrays.map((array) => array.node),
    reading: (nodes) => inMemory(arrays.filter((array) => nodes.has(array.node))),
    window: async (samples) => ({ arrays, local: samples }),
  };
}

/** Rows that are read when they are needed; `beside` is in memory, and gathered. */
export function streamed(reader: RowReader, beside: readonly SampleArray[]): SampleSource {
  const { tensors, width } = reader;
  // One buffer for all windows: a fresh one each time would lie about until it is collected.
  let buffer = new Float32Array();
  return {
    nodes: [...tensors, ...beside].map(({ node }) => node),
    reading: (nodes) =>
      streamed(
        reader,
        beside.filter((array) => nodes.has(array.node)),
      ),
    async window(samples) {
      const length = samples.length * width;
      if (buffer.length < length) buffer = new Float32Array(length);
      const rows = buffer.subarray(0, length);
      await reader.read(samples, rows);
      const gathered = beside.map((array) => ({ ...array, data: gatherRows(array, samples) }));
      return {
        arrays: [...splitRows(rows, reader, samples.length), ...gathered],
        local: Int32Array.from(samples, (_, index) => index),
      };
    },
  };
}

/**
 * How many samples are shuffled, and held, at once: all of them where their rows of `width` numbers fit into `memory`,
 * else a multiple of the batch, so that none straddles two windows.
 */
export function windowSize(samples: number, width: number, batch: number, memory: number): number {
  const rowBytes = width * Float32Array.BYTES_PER_ELEMENT;
  if (samples * rowBytes <= memory) return samples;
  const fitting = Math.floor(memory / WINDOWS_IN_MEMORY / rowBytes / batch) * batch;
  return Math.max(batch, fitting);
}

function splitRows(
  rows: Float32Array,
  { tensors, width }: RowReader,
  count: number,
): SampleArray[] {
  let offset = 0;
  return tensors.map(({ node, shape }) => {
    const size = elements(shape);
    const from = offset;
    offset += size;
    if (size === width) return { node, shape, data: rows };
    const data = new Float32Array(count * size);
    for (let row = 0; row < count; row++)
      data.set(rows.subarray(row * width + from, row * width + from + size), row * size);
    return { node, shape, data };
  });
}

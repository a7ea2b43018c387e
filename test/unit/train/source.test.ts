// What is fed: the same numbers, whether they lie in memory or are read window by window.
import { expect, test } from "vitest";
import { gatherRows, type SampleArray } from "../../../src/engine/train/samples";
import {
  inMemory,
  streamed,
  windowSize,
  type SampleSource,
} from "../../../src/engine/train/source";

const numbers = (samples: number, width: number, from: number) =>
  Float32Array.from({ length: samples * width }, (_, index) => from + index);
const a: SampleArray = { node: "a", shape: [2], data: numbers(10, 2, 0) };
const b: SampleArray = { node: "b", shape: [3, 1], data: numbers(10, 3, 100) };
const labels: SampleArray = {
  node: "y",
  shape: [],
  data: Int32Array.from({ length: 10 }, (_, i) => i),
};

/** Rows of a and b, one after the other. */
const reader = {
  tensors: [a, b],
  width: 5,
  async read(samples: Int32Array, rows: Float32Array) {
    samples.forEach((sample, at) => {
      rows.set(gatherRows(a, [sample]), at * 5);
      rows.set(gatherRows(b, [sample]), at * 5 + 2);
    });
  },
};

async function fed(source: SampleSource, samples: Int32Array) {
  const { arrays, local } = await source.window(samples);
  return arrays.map((array) => [array.node, array.shape, [...gatherRows(array, local)]]);
}

test("a streamed source feeds what one in memory does, window after window", async () => {
  const [memory, stream] = [inMemory([a, b, labels]), streamed(reader, [labels])];
  expect(stream.nodes).toEqual(memory.nodes);
  for (const samples of [[3, 1, 9], [0], [9, 9, 8, 7, 6]].map((each) => Int32Array.from(each)))
    expect(await fed(stream, samples)).toEqual(await fed(memory, samples));
});

test("what nobody reads is not fed", async () => {
  for (const source of [
    inMemory([a, b, labels]),
    streamed({ ...reader, tensors: [a, b] }, [labels]),
  ]) {
    const { arrays } = await source.reading(new Set(["a", "b"])).window(Int32Array.of(1));
    expect(arrays.map(({ node }) => node)).toEqual(["a", "b"]);
  }
});

test.each([
  ["all, where they fit", 1000, 25, 50, 100_000, 1000],
  ["a quarter of the memory in whole batches, where they do not", 1001, 25, 50, 100_000, 250],
  ["one batch at least", 1000, 1000, 50, 100_000, 50],
  ["all, where nothing is cached", 1_000_000, 0, 50, 1, 1_000_000],
])("a window is %s", (_, samples, width, batch, memory, expected) => {
  expect(windowSize(samples, width, batch, memory)).toBe(expected);
});

// Recurrent layers of another size: every size that the loop mentions follows, and the graph is read back as what was saved.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import type { MetaGraphDef, NodeDef } from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import type { Model } from "../../../src/engine/graph/model";
import { node } from "../handmade";
import { importFile, readMeta } from "../import/summary";
import { problems } from "./consistent";
import { computed, FIXTURES, plus, written } from "./edits";

const pathOf = (graph: string): string => join(FIXTURES, "graphs", `${graph}.meta`);

/** What is saved after edits, and what is read back. */
function saved(graph: string, edits: readonly object[]): MetaGraphDef {
  const recipe = RecipeSchema.parse({ checkpoint: "m", edits, graph: { output: "out/BiasAdd" } });
  const applied = applyRecipe(importFile(pathOf(graph)), recipe);
  expect(applied.problems).toEqual([]);
  return savedAs(graph, applied.model);
}

function savedAs(graph: string, after: Model): MetaGraphDef {
  const path = pathOf(graph);
  const before = importFile(path);
  const patched = patchMetaGraph(readMeta(path), before, after);
  expect(problems(patched.meta)).toEqual([]);
  const tensors = new Map(
    patched.variables.map((name) => {
      const { dtype, shape } = after.variables.get(name)!;
      return [name, { name, dtype, shape, bytes: 0 }] as const;
    }),
  );
  const meta = written(patched.meta);
  expect(computed(importGraph(meta, tensors))).toEqual(computed(after));
  return meta;
}

const nodesOf = (meta: MetaGraphDef, op: string): NodeDef[] =>
  meta.graphDef!.node.filter((node) => node.op === op);

/** The last sizes of TensorArrays and of what is gathered from them, by the op's name without the scope of the loop. */
const elements = (meta: MetaGraphDef, op: string): number[] =>
  nodesOf(meta, op).map(({ attr }) => {
    const { value } = attr["element_shape"];
    return value.case === "shape" ? Number(value.value.dim.at(-1)!.size) : NaN;
  });

/** How many numbers per sample each carried state starts with, where those are zeros. */
function zeros(meta: MetaGraphDef): number[] {
  const nodes = new Map(meta.graphDef!.node.map((node) => [node.name, node]));
  return nodesOf(meta, "Enter").flatMap(({ input }) => {
    const fill = nodes.get(input[0]);
    const dims = fill?.op === "Fill" ? nodes.get(fill.input[0])! : undefined;
    if (dims === undefined) return [];
    const last = nodes.get(dims.input[1])!;
    const { value } = last.attr["value"];
    if (value.case !== "tensor") return [NaN];
    const { intVal, tensorContent } = value.value;
    return intVal.length > 0
      ? [intVal[0]]
      : [new DataView(Uint8Array.from(tensorContent).buffer).getInt32(0, true)];
  });
}

const addUnits = (layer: string, units: number) => ({ addUnits: { layer, units, init: "zero" } });

describe("the sizes in a loop follow", () => {
  test("an LSTM with lengths: states, and what ends are filled with", () => {
    const meta = saved("rnn_lengths", [addUnits("rnn/basic_lstm_cell", 2)]);
    expect(zeros(meta)).toEqual([5, 5, 5]);
    expect(elements(meta, "TensorArrayV3")).toEqual([5, 4]);
    expect(elements(meta, "TensorArrayGatherV3")).toEqual([5]);
  });

  test("units behind a projection: its columns stay", () => {
    const meta = saved("rnn_clipped", [addUnits("rnn/lstm_cell", 2)]);
    expect(zeros(meta)).toEqual([2]);
    expect(elements(meta, "TensorArrayV3")).toEqual([2, 4]);
  });

  test("the first cell of a stack", () => {
    const meta = saved("rnn_resource", [addUnits("rnn/multi_rnn_cell/cell_0/lstm_cell", 4)]);
    expect(zeros(meta)).toEqual([7, 7, 2, 2]);
    expect(elements(meta, "TensorArrayV3")).toEqual([2, 4]);
  });

  test("a loop that reads another", () => {
    const meta = saved("rnn_backwards", [addUnits("bidirectional_rnn/bw/gru_cell", 3)]);
    expect(zeros(meta)).toEqual([3, 5, 3, 3]);
    expect(elements(meta, "TensorArrayV3")).toEqual([3, 4, 5, 4, 3, 8]);
    expect(elements(meta, "TensorArrayGatherV3")).toEqual([3, 5, 3]);
  });

  test("steps first", () => {
    const meta = saved("rnn_time_major", [addUnits("rnn/gru_cell", 1)]);
    expect(zeros(meta)).toEqual([4]);
    expect(elements(meta, "TensorArrayV3")).toEqual([4, 4]);
  });

  test("through a residual and dropouts", () => {
    const meta = saved("rnn_wrapped", [addUnits("rnn/multi_rnn_cell/cell_0/basic_lstm_cell", 1)]);
    expect(zeros(meta)).toEqual([4, 4, 4]);
    expect(elements(meta, "TensorArrayV3")).toEqual([-1, 4]);
  });

  test("zeros that a cell of another size goes on using", () => {
    const meta = saved("rnn_shared_zeros", [addUnits("rnn/multi_rnn_cell/cell_0/gru_cell", 2)]);
    expect(zeros(meta)).toEqual([5, 3]);
  });
});

test("without its cell, nothing of a loop stays", () => {
  const meta = saved("rnn_shared_zeros", [
    { removeLayer: { layer: "rnn/multi_rnn_cell/cell_0/gru_cell", connections: "keep" } },
  ]);
  expect(nodesOf(meta, "LoopCond")).toHaveLength(1);
  expect(meta.collectionDef["while_context"].kind.value).toMatchObject({ value: { length: 1 } });
});

test("losses of each step are written as TensorFlow computes them, of rows", () => {
  const model = importFile(pathOf("rnn_per_step"));
  const after = plus(model, {
    nodes: [
      node("again", "SparseSoftmaxCrossEntropy", ["logits", "y"], {}),
      node("rows/again", "SoftmaxCrossEntropy", ["logits", "rows"], {}),
      node("sum", "Add", ["again", "rows/again"], {}),
    ],
  });
  const meta = savedAs("rnn_per_step", after);
  expect(nodesOf(meta, "SparseSoftmaxCrossEntropyWithLogits")).toHaveLength(2);
});

// dynamic_rnn: what its cells, loops and sequences are lifted to, against what TensorFlow computed, and what stays opaque.
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, test } from "vitest";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import type { Recurrence } from "../../../src/engine/formats/tf1/lift/rnn/loop";
import { termsOf } from "../../../src/engine/formats/tf1/lift/rnn/step";
import { readGraph } from "../../../src/engine/formats/tf1/lift/source";
import type { NodeDef } from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import type { Model } from "../../../src/engine/graph/model";
import { usedVariables } from "../../../src/engine/graph/order";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf, type Tensor } from "../../../src/engine/ops/tf";
import { load, startingValues } from "../../../src/engine/train/live";
import { tensorsOf } from "../executor";
import { expectClose, fixture, FIXTURES, type Recorded } from "../fixture";
import { as, integers, lifted, metaGraph, op, placeholder } from "./source";
import { declaredTensors, importFile, readMeta } from "./summary";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

interface Trained {
  readonly forward: {
    readonly x: Recorded;
    readonly y: Recorded;
    readonly rnn_outputs: Recorded;
    readonly logits: Recorded;
    readonly loss: number;
  };
  readonly gradients: Readonly<Record<string, Recorded>>;
}

const OUTPUTS = ["rnn/transpose_1", "add"];

/** The model of a fixture's checkpoint, and its numbers. */
async function opened(source: ReturnType<typeof fixture>) {
  const checkpoint = await source.open();
  const model = await checkpoint.model();
  const used = usedVariables(model);
  const values = await startingValues(used, (name) => checkpoint.read(name), 0);
  await checkpoint.close();
  return { model, variables: tensorsOf(load(used, values)) };
}

const compute = (
  model: Model,
  fetches: readonly string[],
  fed: ReadonlyMap<string, Tensor>,
  variables: ReadonlyMap<string, Tensor>,
): Tensor[] => run(pathTo(model, fetches), fed, variables, INFERENCE);

describe.each(["b2_lstm_basic", "b2_lstm_peephole_proj", "b2_lstm_multi", "b2_gru"])(
  "%s, as TensorFlow trained it",
  (name) => {
    const source = fixture<Trained>(name);
    const { forward, gradients } = source.expected;
    const fed = () =>
      new Map<string, Tensor>([
        ["x", tf.tensor(source.floats(forward.x), [...forward.x.shape])],
        ["y", tf.tensor(source.integers(forward.y), [...forward.y.shape], "int32")],
      ]);

    test("sequences, logits and loss", async () => {
      const { model, variables } = await opened(source);
      expect([...model.nodes.values()].filter(({ op }) => op === "Opaque")).toEqual([]);
      const [outputs, logits, loss] = compute(model, [...OUTPUTS, "Mean"], fed(), variables);
      expectClose(outputs.dataSync(), source.floats(forward.rnn_outputs), 1e-5);
      expectClose(logits.dataSync(), source.floats(forward.logits), 1e-5);
      expectClose(loss.dataSync(), [forward.loss], 1e-5);
    });

    test("gradients", async () => {
      const { model, variables } = await opened(source);
      const names = Object.keys(gradients);
      const loss = (...weights: Tensor[]) => {
        const live = new Map([
          ...variables,
          ...names.map((each, i) => [each, weights[i]] as const),
        ]);
        return tf.sum(compute(model, ["Mean"], fed(), live)[0]);
      };
      const found = tf.grads(loss)(names.map((each) => variables.get(each)!));
      names.forEach((each, index) => {
        const wanted = source.floats(gradients[each]);
        const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const got = found[index].dataSync();
        expect(got.length).toBe(wanted.length);
        const worst = wanted.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - got[i])),
          0,
        );
        expect(worst / largest, each).toBeLessThan(1e-4);
      });
    });
  },
);

test("b8_lstm_widen, as TensorFlow computed it", async () => {
  const source = fixture<{ readonly logits: Recorded; readonly rnn_outputs: Recorded }>(
    "b8_lstm_widen",
  );
  const original = fixture<Trained>("b2_lstm_basic");
  const { x } = original.expected.forward;
  const { model, variables } = await opened(source);
  const fed = new Map([["x", tf.tensor(original.floats(x), [...x.shape])]]);
  const [outputs, logits] = compute(
    model,
    [model.layers[0].output!, model.roles.output!],
    fed,
    variables,
  );
  expectClose(outputs.dataSync(), source.floats(source.expected.rnn_outputs), 1e-5);
  expectClose(logits.dataSync(), source.floats(source.expected.logits), 1e-5);
});

test("a step of sequences of any length still counts a sample each", () => {
  const step = (name: string, x: string, part: readonly number[][], attr: object) =>
    [
      ...part.map((values, index) => integers(`${name}/${index}`, values)),
      op(name, "StridedSlice", [x, ...part.map((_, index) => `${name}/${index}`)], { ...attr }),
    ].flat();
  const { nodes, shapes } = lifted([
    placeholder("x", [-1, -1, 4]),
    step(
      "last",
      "x",
      [
        [0, -1],
        [0, 0],
        [1, 1],
      ],
      {
        begin_mask: as.integer(1),
        end_mask: as.integer(1),
        shrink_axis_mask: as.integer(2),
      },
    ),
    op("shape", "Shape", ["last"]),
    step("batch", "shape", [[0], [1], [1]], { shrink_axis_mask: as.integer(1) }),
    integers("rest", [-1], true),
    op("target", "Pack", ["batch", "rest"]),
    op("out", "Reshape", ["last", "target"]),
    op("result", "Tanh", ["out"]),
  ]);
  expect(nodes.get("out")?.op).toBe("Reshape");
  expect(shapes.get("result")).toEqual([-1, 4]);
});

describe("a loop that is no recurrence which Graft knows", () => {
  const STEP = "rnn/while/basic_lstm_cell";
  const integer = (value: number) => (node: NodeDef) => {
    const tensor = node.attr["value"].value;
    if (tensor.case === "tensor")
      tensor.value = { ...tensor.value, intVal: [value], tensorContent: new Uint8Array() };
  };
  const another = (name: string) => (node: NodeDef) => void (node.op = name);
  const reads = (input: number, tensor: string) => (node: NodeDef) =>
    void (node.input[input] = tensor);

  const CASES: readonly (readonly [what: string, node: string, change: (node: NodeDef) => void])[] =
    [
      ["counts by two", "rnn/while/add_1/y", integer(2)],
      ["begins at the second step", "rnn/time", integer(1)],
      ["ends before the last step", "rnn/while/Less_1/Enter", reads(0, "rnn/Maximum/x")],
      [
        "reads another step than it writes",
        "rnn/while/TensorArrayReadV3",
        reads(1, "rnn/while/add/y"),
      ],
      ["goes on while something else holds", "rnn/while/LogicalAnd", another("LogicalOr")],
      ["another function of the cell", `${STEP}/Tanh_1`, another("Exp")],
      ["two functions", `${STEP}/Tanh_1`, another("Relu")],
      ["another gate", `${STEP}/Sigmoid_2`, another("Tanh")],
      ["a difference", `${STEP}/Add_1`, another("Sub")],
      ["joined samples", `${STEP}/concat/axis`, integer(0)],
      ["a gate that is used twice", `${STEP}/Sigmoid_2`, reads(0, `${STEP}/split`)],
      ["the state of another step", `${STEP}/concat`, reads(1, "rnn/while/Identity_3")],
      ["a state that stays", "rnn/while/NextIteration_4", reads(0, "rnn/while/Identity_4")],
      ["a kernel that is computed", `${STEP}/MatMul/Enter`, reads(0, "computed")],
    ];

  test.each(CASES)("%s", (_, name, change) => {
    const meta = readMeta(join(FIXTURES, "graphs/rnn_fed_state.meta"));
    const graph = meta.graphDef!;
    graph.node.push(computed());
    change(graph.node.find((node) => node.name === name)!);
    const model = importGraph(meta, declaredTensors(meta));
    expect(model.nodes.get("rnn/transpose_1")?.op).toBe("Transpose");
    expect([...model.nodes.values()].some((node) => node.op === "Opaque")).toBe(true);
  });

  test("adds a row for each sample to every step", () => {
    const meta = readMeta(join(FIXTURES, "graphs/rnn_wrapped.meta"));
    const { node: nodes } = meta.graphDef!;
    const { attr } = nodes.find(({ name }) => name === "rnn/while/Enter_3")!;
    nodes.push(
      placeholder("context", [-1, 3]),
      op("rnn/while/context", "Enter", ["context"], { ...attr }),
    );
    const sum = nodes.find(({ name }) => name === "rnn/while/rnn/multi_rnn_cell/cell_1/add")!;
    sum.input[0] = "rnn/while/context";
    const model = importGraph(meta, declaredTensors(meta));
    expect(model.nodes.get("rnn/transpose_1")?.op).toBe("Transpose");
  });

  test("goes on while the same holds many times over", () => {
    const meta = readMeta(join(FIXTURES, "graphs/rnn_fed_state.meta"));
    const { node: nodes } = meta.graphDef!;
    const condition = nodes.find(({ name }) => name === "rnn/while/LoopCond")!;
    for (let depth = 0; depth < 10; depth++) {
      const [before] = condition.input;
      nodes.push(op(`rnn/while/and_${depth}`, "LogicalAnd", [before, before]));
      condition.input[0] = `rnn/while/and_${depth}`;
    }
    const model = importGraph(meta, declaredTensors(meta));
    expect(model.nodes.get("rnn/transpose_1")?.op).toBe("Transpose");
  });

  test("as it was it is one", () => {
    const model = importFile(join(FIXTURES, "graphs/rnn_fed_state.meta"));
    expect(model.nodes.get("rnn/transpose_1")?.op).toBe("LSTM");
  });

  /** The kernel's negative. */
  function computed(): NodeDef {
    const model = readMeta(join(FIXTURES, "graphs/rnn_fed_state.meta"));
    const read = model.graphDef!.node.find(
      (node) => node.name === "rnn/basic_lstm_cell/kernel/read",
    )!;
    return { ...read, name: "computed", op: "Neg", input: [read.name] };
  }
});

test("a state that ends in zeros is not the last output", () => {
  const meta = readMeta(join(FIXTURES, "graphs/rnn_lengths.meta"));
  for (const select of meta.graphDef!.node)
    if (/^rnn\/while\/Select_[12]$/.test(select.name)) select.input[1] = "rnn/while/Select/Enter";
  const { nodes } = importGraph(meta, declaredTensors(meta));
  const cell = [...nodes.values()].find(({ op }) => op === "LSTM");
  expect(cell?.attributes).toMatchObject({ masked: "reset" });
  expect([...nodes.values()].map(({ op }) => op)).not.toContain("LastStep");
});

test("the terms of a sum are counted no deeper than gates are", () => {
  const sums = Array.from({ length: 16 }, (_, depth) =>
    op(`sum_${depth + 1}`, "AddV2", [`sum_${depth}`, `sum_${depth}`]),
  );
  const { graphDef } = metaGraph([placeholder("sum_0", [-1, 3]), ...sums]);
  const loop = { graph: readGraph(graphDef!) } as unknown as Recurrence;
  expect(termsOf(loop, { node: "sum_16", output: 0 }).length).toBeLessThanOrEqual(16);
  expect(termsOf(loop, { node: "sum_2", output: 0 })).toHaveLength(4);
});

test("what is turned round by axes that it does not have stays opaque", () => {
  const turned = (seq: number) =>
    lifted([
      placeholder("x", [-1, -1, 4]),
      placeholder("lengths", [-1], 3),
      op("turned", "ReverseSequence", ["x", "lengths"], { seq_dim: as.integer(seq) }),
      op("result", "Tanh", ["turned"]),
    ]).nodes.get("turned")?.op;
  expect([1, 3, 0].map(turned)).toEqual(["Reverse", "Opaque", "Opaque"]);
});

describe("a dense layer for each of an open number of steps", () => {
  const path = join(FIXTURES, "graphs/rnn_dense_per_step.meta");
  const opWhereShapeBegins = (first: string): string | undefined => {
    const meta = readMeta(path);
    const target = meta.graphDef!.node.find(({ name }) => name === "hidden/Tensordot/concat_1")!;
    target.input[0] = first;
    return importGraph(meta, declaredTensors(meta)).nodes.get("hidden/Tensordot")?.op;
  };

  test("is one product", () => {
    expect(opWhereShapeBegins("hidden/Tensordot/GatherV2")).toBe("MatMul");
  });

  test("is none where its rows are put together otherwise", () => {
    expect(opWhereShapeBegins("hidden/Tensordot/GatherV2_1")).not.toBe("MatMul");
  });
});

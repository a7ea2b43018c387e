// Recurrent layers against what TensorFlow and DL4J computed with the same numbers.
import { beforeAll, describe, expect, test } from "vitest";
import type { OpAttributes } from "../../../src/engine/graph/catalogue";
import { toFloat32 } from "../../../src/engine/graph/dtypes";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { GRU } from "../../../src/engine/ops/gru";
import { LSTM } from "../../../src/engine/ops/lstm";
import { LastStep, Reverse, SequenceMask } from "../../../src/engine/ops/sequence";
import { tf, type Tensor } from "../../../src/engine/ops/tf";
import { executorOn } from "../executor";
import { expectClose, fixture, type Recorded } from "../fixture";
import { GRU_CELL, LSTM_CELL, node } from "../handmade";

beforeAll(async () => {
  await executorOn("cpu");
});

const lstm = (inputs: readonly Tensor[], attributes: OpAttributes["LSTM"]): Tensor =>
  LSTM(inputs, attributes, node("lstm", "LSTM", [], attributes) as never, INFERENCE);
const gru = (inputs: readonly Tensor[], attributes: OpAttributes["GRU"]): Tensor =>
  GRU(inputs, attributes, node("gru", "GRU", [], attributes) as never, INFERENCE);

interface Expected {
  readonly forward: { readonly x: Recorded; readonly rnn_outputs: Recorded };
}

/** What a fixture of TensorFlow was fed and gave out, and its variables. */
async function recorded(name: string, variables: readonly string[]) {
  const { expected, open, floats } = fixture<Expected>(name);
  const { x, rnn_outputs: outputs } = expected.forward;
  const checkpoint = await open();
  const values = await Promise.all(
    variables.map(async (variable) => {
      const { dtype, shape } = checkpoint.tensors.get(variable)!;
      return tf.tensor(toFloat32(await checkpoint.read(variable), dtype), [...shape]);
    }),
  );
  await checkpoint.close();
  return { x: tf.tensor(floats(x), [...x.shape]), values, expected: floats(outputs) };
}

describe("equals TensorFlow", () => {
  test("a basic LSTM", async () => {
    const cell = "rnn/basic_lstm_cell";
    const { x, values, expected } = await recorded("b2_lstm_basic", [
      `${cell}/kernel`,
      `${cell}/bias`,
    ]);
    const takes = ["joinedKernel", "bias"] as const;
    expectClose(lstm([x, ...values], { ...LSTM_CELL, takes }).dataSync(), expected, 1e-5);
    const major = lstm([tf.transpose(x, [1, 0, 2]), ...values], {
      ...LSTM_CELL,
      takes,
      timeMajor: true,
    });
    expectClose(tf.transpose(major, [1, 0, 2]).dataSync(), expected, 1e-5);
  });

  test("peepholes and a projection", async () => {
    const cell = "rnn/lstm_cell";
    const names = ["kernel", "bias", "w_i_diag", "w_f_diag", "w_o_diag", "projection/kernel"];
    const { x, values, expected } = await recorded(
      "b2_lstm_peephole_proj",
      names.map((name) => `${cell}/${name}`),
    );
    const result = lstm([x, ...values], {
      ...LSTM_CELL,
      takes: [
        "joinedKernel",
        "bias",
        "peepholeInput",
        "peepholeForget",
        "peepholeOutput",
        "projection",
      ],
    });
    expectClose(result.dataSync(), expected, 1e-5);
  });

  test("a GRU", async () => {
    const cell = "rnn/gru_cell";
    const names = ["gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias"];
    const { x, values, expected } = await recorded(
      "b2_gru",
      names.map((name) => `${cell}/${name}`),
    );
    const takes = ["gateKernel", "gateBias", "candidateKernel", "candidateBias"] as const;
    const result = gru([x, ...values], { ...GRU_CELL, takes });
    expectClose(result.dataSync(), expected, 1e-5);
  });
});

interface Dl4jExpected {
  readonly params: Readonly<Record<string, Recorded>>;
  readonly input: Recorded;
  readonly lstm_output: Recorded;
}

test.each([
  ["b5_dl4j_lstm", []],
  ["b5_dl4j_graves_lstm", ["f", "o", "i"]],
] as const)("equals DL4J: %s", (name, peepholeColumns) => {
  const { expected, floats } = fixture<Dl4jExpected>(name);
  const read = (which: Recorded) => tf.tensor(floats(which), [...which.shape]);
  // [batch, features, time] in DL4J.
  const x = tf.transpose(read(expected.input), [0, 2, 1]);
  const result = lstm([x, ...["0_W", "0_RW", "0_b"].map((each) => read(expected.params[each]))], {
    ...LSTM_CELL,
    takes: ["kernel", "recurrentKernel", "bias"],
    gates: ["c", "f", "o", "i"],
    peepholeColumns,
    forgetBias: 0,
  });
  expectClose(tf.transpose(result, [0, 2, 1]).dataSync(), floats(expected.lstm_output), 1e-5);
});

describe("padding", () => {
  const mask = tf.tensor2d([1, 1, 0, 0, 1, 1, 1, 1], [2, 4]);

  test("lengths become a mask", () => {
    const made = SequenceMask(
      [tf.tensor1d([2, 4], "int32"), tf.zeros([2, 4, 3])],
      { timeMajor: false },
      node("mask", "SequenceMask", [], { timeMajor: false }) as never,
      INFERENCE,
    );
    expect([...made.dataSync()]).toEqual([...mask.dataSync()]);
  });

  test("the last step that is there", () => {
    const x = tf.reshape(tf.range(0, 16), [2, 4, 2]);
    const last = (inputs: Tensor[]) =>
      LastStep(
        inputs,
        { timeMajor: false },
        node("last", "LastStep", [], { timeMajor: false }) as never,
        INFERENCE,
      );
    expect([...last([x, mask]).dataSync()]).toEqual([2, 3, 14, 15]);
    expect([...last([x]).dataSync()]).toEqual([6, 7, 14, 15]);
  });

  test("turned round up to its length", () => {
    const attributes = { axis: 1, batchAxis: 0 };
    const x = tf.reshape(tf.range(0, 8), [2, 4, 1]);
    const turned = Reverse(
      [x, tf.tensor1d([2, 4], "int32")],
      attributes,
      node("turned", "Reverse", [], attributes) as never,
      INFERENCE,
    );
    expect([...turned.dataSync()]).toEqual([1, 0, 2, 3, 7, 6, 5, 4]);
  });

  test.each([
    { axis: 1, batchAxis: 0, shape: [2, 4], expected: [1, 0, 2, 3, 7, 6, 5, 4] },
    { axis: 0, batchAxis: 1, shape: [4, 2], expected: [2, 7, 0, 5, 4, 3, 6, 1] },
  ])("numbers of words, turned round along axis $axis", ({ axis, batchAxis, shape, expected }) => {
    const attributes = { axis, batchAxis };
    const turned = Reverse(
      [tf.reshape(tf.range(0, 8, 1, "int32"), shape), tf.tensor1d([2, 4], "int32")],
      attributes,
      node("turned", "Reverse", [], attributes) as never,
      INFERENCE,
    );
    expect(turned.dtype).toBe("int32");
    expect([...turned.dataSync()]).toEqual(expected);
  });
});

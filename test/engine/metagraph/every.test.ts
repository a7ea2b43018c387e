// Every graph among the fixtures, with every kind of edit: the result holds together.
import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import {
  MetaGraphDefSchema,
  NodeDefSchema,
  type MetaGraphDef,
  type NodeDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import type { Model, Shape } from "../../../src/engine/graph/model";
import { problems, strings } from "./consistent";
import { collectionNames, freeze, loadMeta, modelOf, nodeNamed, nodeNames, resize } from "./models";

const MINI = { "outputs/weights": [5, 3], "outputs/biases": [3] };
const WIDE = { "hidden2/weights": [30, 14], "hidden2/biases": [14], "hidden3/weights": [14, 5] };
const CNN = { Variable_6: [64, 3], Variable_7: [3] };
const NAMED = { "fc2/W": [64, 3], "fc2/b": [3] };

interface Case {
  readonly loss: string;
  readonly frozen: RegExp;
  readonly replaced: Readonly<Record<string, Shape>>;
  readonly widened?: Readonly<Record<string, Shape>>;
}
const mini: Case = { loss: "loss", frozen: /^hidden[12]\//, replaced: MINI, widened: WIDE };
const full: Case = {
  ...mini,
  replaced: { "outputs/weights": [50, 3], "outputs/biases": [3] },
  widened: undefined,
};
const cnn: Case = { loss: "Mean", frozen: /^Variable(_[1-5])?$/, replaced: CNN };
const named: Case = { loss: "Mean", frozen: /^(conv|bn|fc1)/, replaced: NAMED };
const rnn = (units: number): Case => ({
  loss: "Mean",
  frozen: /^rnn/,
  replaced: { "softmax/w": [units, 3], "softmax/b": [3] },
});

const CASES: Readonly<Record<string, Case>> = {
  b1_mini_adam: mini,
  b1_mini_ema: mini,
  b1_mini_momentum: mini,
  b1_mini_multi_state: mini,
  b1_mini_partitioned: mini,
  b1_mini_partitioned_v1: mini,
  b1_mini_resource: mini,
  b1_mini_v1: mini,
  b1_mini_v1_sharded: mini,
  b1_mini_v2: mini,
  b1_mini_v2_sharded: mini,
  b1_mini_v2_step: mini,
  b1_miniquark_full_v1: full,
  b1_miniquark_full_v2: full,
  b2_cnn_digits: cnn,
  b2_cnn_digits_resource: cnn,
  b2_cnn_digits_named_noslots: named,
  b2_cnn_digits_batchnorm: named,
  b2_gru: rnn(12),
  b2_lstm_basic: rnn(12),
  b2_lstm_multi: rnn(8),
  b2_lstm_peephole_proj: rnn(6),
  b8_lstm_widen: rnn(14),
  b8_add_one_unit: {
    loss: "loss",
    frozen: /^hidden/,
    replaced: { "outputs/weights": [10, 3], "outputs/biases": [3] },
    widened: { "hidden/weights": [1, 11], "hidden/biases": [11], "outputs/weights": [11, 1] },
  },
};

const TRAINING =
  /(^|\/)gradients(_\d+)?\/|Apply(Adam|GradientDescent|Momentum|RMSProp)$|\/(Adam|Momentum|RMSProp)(_1)?(\/|$)/;
/** The model names a partitioned variable as a whole. */
const whole = (name: string): string => name.replace(/\/part_\d+$/, "");

describe.each(Object.entries(CASES))("%s", (name, { loss, frozen, replaced, widened }) => {
  const meta = loadMeta(name);
  const before = modelOf(meta, { loss });
  const bytes = bytesOf(meta);
  const edits: [string, Model][] = [
    ["frozen", freeze(before, frozen)],
    ["with another output", resize(before, replaced)],
    ["frozen, with another output", freeze(resize(before, replaced), frozen)],
  ];
  if (widened !== undefined) edits.push(["wider", resize(before, widened)]);

  test("unchanged: the same bytes", () => {
    const { meta: result, notes, variables } = patchMetaGraph(meta, before, before);
    expect(bytes.equals(bytesOf(result))).toBe(true);
    expect(notes).toEqual([]);
    expect(variables).toEqual([...before.variables.keys()]);
  });

  test.each(edits)("%s: consistent, without training, source untouched", (_, after) => {
    const { meta: result, variables } = patchMetaGraph(meta, before, after);
    expect(problems(result)).toEqual([]);
    expect(nodeNames(result).filter((node) => TRAINING.test(node))).toEqual([]);
    expect(new Set(collectionNames(result, "variables").map(whole))).toEqual(new Set(variables));
    const trainable = variables.filter(
      (variable) => after.variables.get(variable)!.trainable.length > 0,
    );
    expect([...new Set(collectionNames(result, "trainable_variables").map(whole))]).toEqual(
      trainable,
    );
    expect(result.collectionDef["train_op"]).toBeUndefined();
    expect(restored(result)).toEqual(new Set(variables));
    expect(bytes.equals(bytesOf(meta))).toBe(true);
  });

  test("frozen: what stays is the same byte for byte, but for savers and init", () => {
    const { meta: result } = patchMetaGraph(meta, before, freeze(before, frozen));
    const old = new Map(meta.graphDef!.node.map((node) => [node.name, nodeBytes(node)]));
    const changed = result.graphDef!.node.filter(
      (node) => !nodeBytes(node).equals(old.get(node.name) ?? Buffer.of()),
    );
    expect(
      changed.map((node) => node.name).filter((node) => !/^(save\/|init$)/.test(node)),
    ).toEqual([]);
  });
});

/** What the saver asks a checkpoint for. */
const restored = (meta: MetaGraphDef): Set<string> =>
  new Set(
    meta
      .graphDef!.node.filter((node) => node.op === "RestoreV2")
      .flatMap((node) => strings(nodeNamed(meta, node.input[1]!))),
  );

// Vitest's own comparison of long arrays takes seconds.
const bytesOf = (meta: MetaGraphDef): Buffer => Buffer.from(toBinary(MetaGraphDefSchema, meta));
const nodeBytes = (node: NodeDef): Buffer => Buffer.from(toBinary(NodeDefSchema, node));

// The training graph goes: exactly that, and what a user is told about it.
import { clone } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import {
  AttrValueSchema,
  MetaGraphDefSchema,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { strings } from "./consistent";
import {
  collection,
  collectionNames,
  freeze,
  loadMeta,
  modelOf,
  nodeNamed,
  nodeNames,
  unfreeze,
} from "./models";

describe("Adam, with a global step", () => {
  const meta = loadMeta("b1_mini_adam");
  const before = modelOf(meta, { loss: "loss" });
  const {
    meta: result,
    notes,
    variables,
  } = patchMetaGraph(meta, before, freeze(before, /^hidden[12]\//));

  test("keeps the forward graph, the saver and the step counter", () => {
    const gone = new Set(nodeNames(meta));
    nodeNames(result).forEach((name) => gone.delete(name));
    const rest = [...gone].filter(
      (name) => !/^gradients\/|^Adam(\/|$)|\/Adam(_1)?(\/|$)|^beta[12]_power/.test(name),
    );
    expect(rest.filter((name) => !name.startsWith("save/Assign"))).toEqual([]);
    expect(nodeNames(result)).toEqual(
      expect.arrayContaining(["global_step", "accuracy", "save/restore_all"]),
    );
    expect(variables).toEqual(expect.arrayContaining(["global_step", "hidden1/weights"]));
    expect(variables).toHaveLength(9);
  });

  test("leaves nothing of the optimizer", () => {
    expect(nodeNames(result).filter((name) => /^(Adam|beta)/.test(name))).toEqual([]);
  });

  test("initializes and restores the variables that are left", () => {
    const assigns = variables.map((name) => `^${name}/Assign`).sort();
    expect([...nodeNamed(result, "init").input].sort()).toEqual(assigns);
    expect(strings(nodeNamed(result, "save/SaveV2/tensor_names"))).toEqual([...variables].sort());
    expect(nodeNamed(result, "save/Assign_24").input).toEqual([
      "outputs/weights",
      "save/RestoreV2:8",
    ]);
    expect(nodeNamed(result, "save/SaveV2").input.slice(3)).toEqual([...variables].sort());
  });

  test("lists and flags what is trainable", () => {
    const trainable = ["hidden3/weights", "hidden3/biases", "outputs/weights", "outputs/biases"];
    expect(collectionNames(result, "trainable_variables")).toEqual(trainable);
    const flagged = collection(result, "variables").filter((def) => def.trainable);
    expect(flagged.map((def) => def.variableName.replace(":0", ""))).toEqual(trainable);
  });

  test("tells what went, in short", () => {
    expect(notes).toEqual([
      "Dropped with the changed training graph: 18 optimizer variables (beta1_power, beta2_power, hidden1/weights/Adam, " +
        "hidden1/weights/Adam_1, hidden1/biases/Adam, hidden1/biases/Adam_1, hidden2/weights/Adam, hidden2/weights/Adam_1, …) " +
        "and 1 training op (Adam); call minimize again.",
    ]);
  });
});

test("unfrozen variables join in the order of all variables", () => {
  const meta = loadMeta("b1_mini_v2");
  const before = modelOf(meta, { loss: "loss" });
  const { meta: frozen } = patchMetaGraph(meta, before, freeze(before, /^hidden/));
  const again = modelOf(frozen, { loss: "loss" });
  const { meta: result, notes } = patchMetaGraph(frozen, again, unfreeze(again, /^hidden[13]\//));
  expect(collectionNames(result, "trainable_variables")).toEqual([
    "hidden1/weights",
    "hidden1/biases",
    "hidden3/weights",
    "hidden3/biases",
    "outputs/weights",
    "outputs/biases",
  ]);
  expect(notes).toEqual([]);
});

test("everything frozen: no collection of trainable variables, and from there one again", () => {
  const meta = loadMeta("b1_mini_v2");
  const before = modelOf(meta, { loss: "loss" });
  const { meta: frozen } = patchMetaGraph(meta, before, freeze(before, /./));
  expect(frozen.collectionDef["trainable_variables"]).toBeUndefined();
  const again = modelOf(frozen, { loss: "loss" });
  const { meta: result } = patchMetaGraph(frozen, again, unfreeze(again, /^outputs\//));
  expect(collectionNames(result, "trainable_variables")).toEqual([
    "outputs/weights",
    "outputs/biases",
  ]);
});

test("moving averages stay, their update goes and is told", () => {
  const meta = loadMeta("b1_mini_ema");
  const before = modelOf(meta, { loss: "loss" });
  const {
    meta: result,
    notes,
    variables,
  } = patchMetaGraph(meta, before, freeze(before, /^hidden1\//));
  expect(variables).toContain("outputs/weights/ExponentialMovingAverage");
  expect(nodeNames(result)).not.toContain("ExponentialMovingAverage");
  expect(notes.at(-1)).toBe(
    "Dropped because it depends on the changed training graph: 1 op (ExponentialMovingAverage).",
  );
});

test("batch norm's updates belong to the forward graph", () => {
  const meta = loadMeta("b2_cnn_digits_batchnorm");
  const before = modelOf(meta, { loss: "Mean" });
  const { meta: result } = patchMetaGraph(meta, before, freeze(before, /^conv/));
  expect(result.collectionDef["update_ops"]).toEqual(meta.collectionDef["update_ops"]);
  expect(result.collectionDef["cond_context"]).toEqual(meta.collectionDef["cond_context"]);
});

test("a loop that was differentiated forgets the gradient's accumulators and stays a loop", () => {
  const meta = loadMeta("b2_lstm_basic");
  const before = modelOf(meta, { loss: "Mean" });
  const { meta: result } = patchMetaGraph(meta, before, freeze(before, /^rnn/));
  const size = (from: typeof meta): number[] => {
    const kind = from.collectionDef["while_context"]?.kind;
    return kind?.case === "bytesList" ? kind.value.value.map((bytes) => bytes.length) : [];
  };
  expect(size(result)).toHaveLength(1);
  expect(size(result)[0]).toBeLessThan(size(meta)[0]!);
});

test("a node that stood beside a removed one may stand anywhere", () => {
  const meta = clone(MetaGraphDefSchema, loadMeta("b1_mini_momentum"));
  const place = nodeNamed(meta, "hidden1/weights/read").attr["_class"]!;
  const beside = clone(AttrValueSchema, place);
  if (beside.value.case === "list")
    beside.value.value.s.push(new TextEncoder().encode("loc:@hidden1/weights/Momentum"));
  nodeNamed(meta, "hidden1/weights/read").attr["_class"] = beside;
  const before = modelOf(meta, { loss: "loss" });
  const { meta: result } = patchMetaGraph(meta, before, freeze(before, /^hidden1\//));
  expect(nodeNamed(result, "hidden1/weights/read").attr["_class"]).toEqual(place);
});

test("a gradient that the loss is computed from stays", () => {
  const meta = loadMeta("b1_mini_v2");
  // As if the loss were a gradient penalty.
  const penalty = "gradients/hidden1/MatMul_grad/MatMul_1";
  const before = modelOf(meta, { loss: penalty });
  const { meta: result } = patchMetaGraph(meta, before, freeze(before, /^hidden1\//));
  expect(nodeNames(result)).toContain(penalty);
  expect(nodeNames(result).some((name) => name.endsWith("ApplyGradientDescent"))).toBe(false);
});

test("a variable that is trained in part is listed, and the user is told", () => {
  const meta = loadMeta("b8_add_one_unit");
  const before = modelOf(meta, { loss: "loss" });
  const bias = before.variables.get("hidden/biases")!;
  const part = { ...bias, trainable: [{ start: [9], size: [1] }] };
  const after = { ...before, variables: new Map([...before.variables, [bias.name, part]]) };
  const { meta: result, notes } = patchMetaGraph(meta, before, after);
  expect(collectionNames(result, "trainable_variables")).toContain("hidden/biases");
  expect(notes).toEqual([expect.stringMatching(/^Trainable in part: hidden\/biases\. TensorFlow/)]);
});

test("a change of a variable that the graph does not have is refused", () => {
  const meta = loadMeta("b8_add_one_unit");
  const before = modelOf(meta);
  const odd = { ...before.variables.get("hidden/biases")!, name: "odd" };
  const has = { ...before, variables: new Map([...before.variables, ["odd", odd]]) };
  const after = {
    ...before,
    variables: new Map([...before.variables, ["odd", { ...odd, shape: [3] }]]),
  };
  expect(() => patchMetaGraph(meta, has, after)).toThrow(/no variable odd/);
});

// The tree: layers, their variables, the cut, the filter.
import { deepEqual, equal, match } from "node:assert/strict";
import * as vscode from "vscode";
import { digits } from "../harness/content";
import { roots, rows, spoken } from "./support/tree";
import { cleanUp, graft, makeFolder, openFolder, openIn } from "./support/window";

describe("layers", () => {
  it("shows each layer's state, kind, sizes and parameters, its variables, and the cut", async () => {
    const { app } = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits() },
    });
    deepEqual(await rows(app, true), [
      "package digits_0_to_4.ckpt | 10 % will train · 55 k parameters · TensorFlow 1",
      "  arrow-right X | input · 64",
      "  lock hidden1 | frozen · 64 → 300 · dense relu · 19,500",
      "    symbol-array weights | float32 · 64 × 300",
      "    symbol-array biases | float32 · 300",
      "  lock hidden2 | frozen · 300 → 100 · dense relu · 30,100",
      "    symbol-array weights | float32 · 300 × 100",
      "    symbol-array biases | float32 · 100",
      "  dash bottleneck | 100 values a sample · 0.3 MB for 696 samples · training 4.5 times as fast",
      "  circle-filled hidden3 | trainable · 100 → 50 · dense relu · 5,050",
      "    symbol-array weights | float32 · 100 × 50",
      "    symbol-array biases | float32 · 50",
      "  add outputs | new · 50 → 5 · dense · 255",
      "    symbol-array weights | float32 · 50 × 5",
      "    symbol-array biases | float32 · 5",
    ]);
  });

  it("reads the states and the cut to those who do not see them", async () => {
    const { app } = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits() },
    });
    equal(await spoken(app, "layer"), "hidden1, frozen, dense relu, 64 to 300, 19,500 parameters");
    match((await spoken(app, "cut")) ?? "", /the layers above are frozen and run once per sample/);
  });

  it("has no cut where nothing is frozen", async () => {
    const { app } = await openFolder({ sample: "without recipes" });
    equal((await rows(app)).filter((row) => row.includes("bottleneck")).length, 0);
  });

  it("says how a layer changed, and keeps its old shapes in sight", async () => {
    const edits = [{ freeze: { upTo: "hidden2" } }, { addUnits: { layer: "hidden3", units: 8 } }];
    const { app } = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits({ edits }) },
    });
    deepEqual((await rows(app, true)).slice(-6), [
      "  edit hidden3 | trainable · 8 new units · 100 → 58 · dense relu · 5,858",
      "    symbol-array weights | float32 · 100 × 58 · was 100 × 50",
      "    symbol-array biases | float32 · 58 · was 50",
      "  edit outputs | trainable · 8 new inputs · 58 → 5 · dense · 295",
      "    symbol-array weights | float32 · 58 × 5 · was 50 × 5",
      "    symbol-array biases | float32 · 5",
    ]);
  });

  it("keeps a new output new when the layer before it gets units", async () => {
    const added = { addUnits: { layer: "hidden3", units: 8 } };
    const replaced = { replaceOutput: { classes: 5 } };
    for (const edits of [
      [added, replaced],
      [replaced, added],
    ]) {
      const { app } = await openFolder({
        sample: "without recipes",
        files: { "a.graft.json": digits({ edits }) },
      });
      equal((await rows(app)).at(-1), "  add outputs | new · 58 → 5 · was 50 → 5 · dense · 295");
      await cleanUp();
    }
  });

  it("says that a checkpoint without a graph can be looked at only", async () => {
    const app = await graft();
    const folder = makeFolder(app, { fixtures: { ".": "b1_mini_multi_state" } });
    await app.checkpoints.refresh();
    await openIn(folder, "model.ckpt-300.index");
    const [checkpoint, notice, layer] = await rows(app);
    match(checkpoint ?? "", / \| no graph · /);
    equal(notice, "  lightbulb no graph | use that of model.ckpt-500.meta");
    match(layer ?? "", /^ {2}layers hidden1 \| 50 → 30/);
    equal((await rows(app)).filter((row) => row.includes("trainable")).length, 0);
    match(
      (await spoken(app, "noGraph")) ?? "",
      /The graph of model\.ckpt-500\.meta has the same variables/,
    );
  });

  it("lists variables of no layer apart", async () => {
    const { app } = await openFolder({ fixtures: { ".": "b1_mini_momentum" } });
    deepEqual((await rows(app, true)).slice(-10, -6), [
      "  list-unordered other variables | 9 · in no layer",
      "    symbol-array global_step | int64 · scalar",
      "    symbol-array hidden1/weights/Momentum | float32 · 50 × 30",
      "    symbol-array hidden1/biases/Momentum | float32 · 30",
    ]);
  });

  it("shows a recurrent network", async () => {
    const { app } = await openFolder({ fixtures: { ".": "b2_lstm_basic" } });
    deepEqual(await rows(app), [
      "package model.ckpt-800 | 100 % will train · 1.1 k parameters · TensorFlow 1",
      "  arrow-right x | input · 8 steps × 8",
      "  circle-filled rnn/basic_lstm_cell | trainable · 8 → 12 · LSTM · 1,008",
      "  circle-filled softmax | trainable · 12 → 10 · dense · 130",
      "  list-unordered other variables | 9 · in no layer",
    ]);
  });

  describe("filter", () => {
    it("leaves layers by their names, and layers with the variables that fit", async () => {
      const { app } = await openFolder({ sample: "without recipes" });
      await vscode.commands.executeCommand("graft.filter", "hidden2");
      deepEqual((await rows(app, true)).slice(1), [
        "  circle-filled hidden2 | trainable · 300 → 100 · dense relu · 30,100",
        "    symbol-array weights | float32 · 300 × 100",
        "    symbol-array biases | float32 · 100",
      ]);
      await vscode.commands.executeCommand("graft.filter", "2/BIAS");
      deepEqual((await rows(app, true)).slice(1), [
        "  circle-filled hidden2 | trainable · 300 → 100 · dense relu · 30,100",
        "    symbol-array biases | float32 · 100",
      ]);
      await vscode.commands.executeCommand("graft.clearFilter");
      equal((await rows(app)).length, 6);
    });

    it("finds one of 4,500 layers", async () => {
      const { app } = await openFolder({ fixtures: { ".": "b1_many_vars" } });
      const nodes = await app.layers.getChildren((await roots(app))[0]);
      equal(nodes.filter(({ kind }) => kind === "layer").length, 4500);
      await vscode.commands.executeCommand("graft.filter", "conv4112/");
      deepEqual((await rows(app)).slice(1), [
        "  layers tower_0/resnet_block_000/unit_20/bottleneck_v1/conv4112/BatchNorm | variables · 1",
      ]);
    });
  });
});

// The tree: layers, their variables, the cut, the filter.
import { deepEqual, equal, match } from "node:assert/strict";
import * as vscode from "vscode";
import { digits } from "../harness/content";
import { rows, spoken } from "./support/tree";
import { openFolder } from "./support/window";

describe("layers", () => {
  it("shows each layer's state, kind, sizes and parameters, its variables, and the cut", async () => {
    const { app } = await openFolder({ sample: "without recipes", files: { "a.graft.json": digits() } });
    deepEqual(await rows(app, true), []);
  });

  it("reads the states and the cut to those who do not see them", async () => {
    const { app } = await openFolder({ sample: "without recipes", files: { "a.graft.json": digits() } });
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
    deepEqual((await rows(app, true)).slice(-7), []);
  });

  it("lists variables of no layer apart", async () => {
    const { app } = await openFolder({ fixtures: { ".": "b1_mini_momentum" } });
    const others = (await rows(app, true)).slice(-10);
    deepEqual(others, []);
  });

  it("shows a network that cannot be trained", async () => {
    const { app } = await openFolder({ fixtures: { ".": "b2_lstm_basic" } });
    deepEqual(await rows(app), []);
  });

  describe("filter", () => {
    it("leaves layers by name and variables by theirs, and says how many", async () => {
      const { app } = await openFolder({ sample: "without recipes" });
      await vscode.commands.executeCommand("graft.filter", "hidden2");
      deepEqual(await rows(app, true), []);
      await vscode.commands.executeCommand("graft.filter", "BIAS");
      deepEqual(await rows(app, true), []);
      await vscode.commands.executeCommand("graft.clearFilter");
      equal((await rows(app)).length, 6);
    });

    it("finds one of 4,500 layers", async () => {
      const { app } = await openFolder({ fixtures: { ".": "b1_many_vars" } });
      const [root] = await app.layers.getChildren();
      equal((await app.layers.getChildren(root)).length, 4500);
      await vscode.commands.executeCommand("graft.filter", "conv4112/");
      deepEqual(await rows(app), []);
    });
  });
});

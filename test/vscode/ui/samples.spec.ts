// The networks of the samples, changed and trained with clicks and numbers alone: no recipe is written by hand.
import { expect, test } from "./fixtures";
import type { Workbench } from "./workbench";

const WRITE = /(Create|Write to) \S+\.graft\.json/;

/** Epochs, batch, optimizer, and what it asks: a learning rate first. */
async function trainingSettings(
  w: Workbench,
  [epochs, batch]: readonly [epochs: string, batch: string],
  optimizer: string,
  rate: string,
  momentum?: string,
): Promise<void> {
  await w.command("Graft: Training Settings…");
  await w.answer("Epochs", epochs);
  await w.answer("Batch", batch);
  await w.choose("Optimizer", optimizer);
  await w.answer("Learning rate", rate);
  if (momentum !== undefined) await w.answer("Momentum: how much", momentum);
  await w.choose(`${epochs} epochs, batches of ${batch}`, WRITE);
}

async function saveAs(w: Workbench, result: string): Promise<void> {
  await w.command("Graft: Save Result As…");
  await w.answer("Train saves there", result);
}

/** Starts, and chooses these samples on the way. */
async function train(w: Workbench, samples: RegExp): Promise<void> {
  await w.clickInViewTitle("Layers", "Train");
  await w.choose("What to learn from", samples);
  await w.choose("Share of the samples", "20 %");
}

async function expectSaved(w: Workbench, result: string, frozen: string): Promise<void> {
  const name = result.slice(result.lastIndexOf("/") + 1);
  await expect(w.notification(`Saved ${name}.`)).toBeVisible({ timeout: 60_000 });
  await expect(w.panel.locator(".banner.finished")).toContainText(`frozen: ${frozen}`);
  for (const suffix of ["index", "meta", "data-00000-of-00001"])
    expect(w.has(`${result}.${suffix}`), suffix).toBe(true);
}

/** The edits as they stand in the recipe. */
async function editsOf(w: Workbench, recipe: string): Promise<unknown> {
  await w.editorTab(recipe).click();
  await w.page.keyboard.press("ControlOrMeta+s");
  await expect(w.editorTab(recipe)).not.toHaveClass(/dirty/);
  return (JSON.parse(w.read(recipe)) as { edits: unknown }).edits;
}

test.describe("reuse-layers", () => {
  test.use({ content: { otherSample: "reuse-layers" } });

  test("two layers are locked, one is copied, the output is new", async ({ workbench: w }) => {
    await w.openSideBar("Model Inspector");
    for (const layer of ["hidden1", "hidden2"]) {
      await w.clickInRow(w.layer(layer), "Freeze");
      await expect(w.layer(layer)).toContainText("frozen");
    }
    await w.chooseFromContextMenu(w.layer("output"), "Replace Output…");
    await w.answer("Number of classes, or their names", "5, 6, 7, 8, 9");
    await w.choose("5 new classes", WRITE);
    await expect(w.layer("output")).toContainText("new");
    await trainingSettings(w, ["10", "20"], "Gradient descent", "0.01");
    await saveAs(w, "result/new.ckpt");
    await train(w, /X_train\.npy.*→ X/);
    await expectSaved(w, "result/new.ckpt", "4 of 4 variables unchanged");
    await expect(w.panel.locator(".facts")).toContainText("696 of 696");
    expect(await editsOf(w, "original_model.graft.json")).toEqual([
      { freeze: "hidden1" },
      { freeze: "hidden2" },
      { replaceOutput: { classes: ["5", "6", "7", "8", "9"] } },
    ]);
  });
});

test.describe("cnn", () => {
  test.use({ content: { otherSample: "cnn" } });

  test("the last two layers train with momentum", async ({ workbench: w }) => {
    await w.openSideBar("Model Inspector");
    await w.layer("mnist_cnn.ckpt").click();
    await w.chooseFromContextMenu(w.layer("conv2"), "Freeze Up to Here…");
    await w.choose("76,330 numbers will train in all", WRITE);
    await expect(w.layer("conv1")).toContainText("frozen");
    await trainingSettings(w, ["5", "50"], "Momentum", "0.02", "0.9");
    await saveAs(w, "result/mirrored.ckpt");
    await train(w, /mirrored_X\.npy.*→ x/);
    await w.answer("keep_prob: the share", "0.5");
    await w.choose("dropout keeps 50 % of the units", WRITE);
    await expectSaved(w, "result/mirrored.ckpt", "4 of 4 variables unchanged");
    expect(await editsOf(w, "mnist_cnn.graft.json")).toEqual([{ freeze: { upTo: "conv2" } }]);
  });
});

test.describe("vgg16", () => {
  test.use({ content: { otherSample: "vgg16" } });

  test("other units, a new layer and a new output behind block5_pool", async ({ workbench: w }) => {
    // All layers in sight.
    await w.page.setViewportSize({ width: 1280, height: 1400 });
    await w.openSideBar("Model Inspector");
    await w.chooseFromContextMenu(w.layer("block5_conv3"), "Freeze Up to Here…");
    await w.choose("101,386 numbers will train in all", WRITE);
    await expect(w.layer("block1_conv1")).toContainText("frozen");

    await w.chooseFromContextMenu(w.layer("fc2"), "Replace Units…");
    await w.answer("How many units it has then", "64");
    await w.choose("fc2 256 → 256 becomes 256 → 64", WRITE);
    await expect(w.layer("fc2")).toContainText("256 → 64");

    await w.chooseFromContextMenu(w.layer("predictions"), "Replace Output…");
    await w.answer("Number of classes, or their names", "daisy, dandelion, rose, sunflower, tulip");
    await w.choose("5 new classes", WRITE);
    await expect(w.layer("predictions")).toContainText("64 → 5");

    await w.chooseFromContextMenu(w.layer("fc2"), "Insert Layer Behind…");
    await w.choose("What to insert", "Dense layer");
    await w.answer("How many units it has", "16");
    await w.choose("Its activation function", "Relu");
    await w.choose("What its kernels start from", "Glorot uniform");
    await w.choose("is inserted behind fc2", WRITE);
    await expect(w.layer("predictions")).toContainText("16 → 5");

    await w.chooseFromContextMenu(w.layer("dense"), "Rename…");
    await w.answer("New name of dense", "fc3");
    await w.choose("fc3", WRITE);
    await expect(w.layer("fc3")).toContainText("64 → 16");

    await trainingSettings(w, ["5", "15"], "Nesterov", "0.005", "0.9");
    await saveAs(w, "result/flowers.ckpt");
    await train(w, /flowers\.npy.*→ input_1/);
    await expectSaved(w, "result/flowers.ckpt", "26 of 26 variables unchanged");
    await expect(w.panel.locator(".facts")).toContainText("200 of 200");
    await w.screenshot("vgg16");
    expect(await editsOf(w, "vgg16.graft.json")).toEqual([
      { freeze: { upTo: "block5_conv3" } },
      { replaceUnits: { layer: "fc2", units: 64 } },
      { replaceOutput: { classes: ["daisy", "dandelion", "rose", "sunflower", "tulip"] } },
      {
        insertLayer: {
          after: "fc2",
          layer: { dense: { units: 16, activation: "relu", init: "glorotUniform" } },
        },
      },
      { rename: { from: "dense", to: "fc3" } },
    ]);
  });
});

test.describe("add-unit", () => {
  test.use({ content: { otherSample: "add-unit" } });

  test("one unit more, of which only the new numbers train, beside the old network", async ({
    workbench: w,
  }) => {
    await w.openSideBar("Model Inspector");
    await expect(w.layer("w")).toContainText("1 → 10");
    await w.chooseFromContextMenu(w.layer("w"), "Add Units Beside the Old Network…");
    await w.answer("How many units to add", "1");
    await w.choose("What the new units start from", "Random");
    await w.choose("What trains in the resized layers", "Only the new numbers");
    await w.choose("graft/use_new chooses", WRITE);
    await expect(w.layer("w")).toContainText("1 new unit");
    await expect(w.layer("graft/old/w")).toContainText("frozen");
    await trainingSettings(w, ["20", "20"], "Gradient descent", "0.01");
    await saveAs(w, "result/eleven.ckpt");
    await train(w, /radius\.npy.*→ x/);
    await expectSaved(w, "result/eleven.ckpt", "");
    await w.screenshot("add-unit");
    expect(await editsOf(w, "area.graft.json")).toEqual([
      { addUnits: { layer: "w", units: 1, init: "random", train: "new", keepOldBranch: true } },
    ]);
  });
});

test.describe("two-phases", () => {
  test.use({ content: { otherSample: "two-phases" } });

  test("three layers of another checkpoint are copied and frozen", async ({ workbench: w }) => {
    await w.openSideBar("Model Inspector");
    const network = w.layer("my_untrained_model.ckpt");
    await network.click();
    await expect(w.layer("hidden1")).toContainText("trainable");
    for (const layer of ["hidden1", "hidden2", "hidden3"]) {
      await w.chooseFromContextMenu(network, "Copy from Checkpoint…");
      await w.choose("Checkpoint to copy from", "my_original_model.ckpt");
      await w.choose("What to copy", `${layer}/`);
      await w.choose("2 variables have their values from my_original_model.ckpt", WRITE);
    }
    await w.command("Graft: Freeze…");
    await w.asked("a pattern that matches whole names");
    await w.input.fill("hidden[123]");
    await w.quickPick("hidden[123]").click();
    await w.choose("1,062 numbers will train in all", WRITE);
    await expect(w.layer("hidden3")).toContainText("frozen");
    await trainingSettings(w, ["20", "20"], "Gradient descent", "0.01");
    await w.command("Graft: Add Training Phase…");
    await w.choose("Layer that trains from this phase on", "hidden3");
    await w.answer("Epochs", "5");
    await w.answer("Batch", "20");
    await w.choose("Optimizer", "Gradient descent");
    await w.answer("Learning rate", "0.001");
    await w.choose("5 epochs, batches of 20", WRITE);
    await saveAs(w, "result/parity.ckpt");
    await train(w, /X_train\.npy.*→ X/);
    await expectSaved(w, "result/parity.ckpt", "4 of 4 variables unchanged");
    await w.screenshot("two-phases");
    expect(await editsOf(w, "my_untrained_model.graft.json")).toEqual([
      ...["hidden1", "hidden2", "hidden3"].map((layer) => ({
        copyFrom: {
          checkpoint: "my_original_model.ckpt",
          map: { [`${layer}/`]: `${layer}/` },
        },
      })),
      { freeze: "hidden[123]" },
    ]);
  });
});

// Document 002's question, answered with clicks: a zip of Deeplearning4j gets more units and keeps what it computes.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readNpy, writeNpy } from "../../../src/engine/data/npy";
import { openCheckpoint } from "../../../src/engine/formats/table";
import { expect, test } from "./fixtures";
import type { Workbench } from "./workbench";

const ZIP = "model.zip";
const LAYER = "layer0";
const FIXTURE = resolve("test/fixtures/b5_dl4j_graves_lstm");

/** What Deeplearning4j recorded of the fixture. */
function recorded(name: "input" | "output") {
  const all = JSON.parse(readFileSync(join(FIXTURE, "expected.json"), "utf8")) as Record<
    string,
    { readonly file: string; readonly shape: readonly number[] }
  >;
  const { file, shape } = all[name];
  const { buffer } = Uint8Array.from(readFileSync(join(FIXTURE, file)));
  return { shape, dtype: "float32" as const, data: new Float32Array(buffer) };
}

/** What the command line predicts for the recorded input. */
async function predictionsOf(folder: string, zip: string) {
  await writeNpy(join(folder, "input.npy"), recorded("input"));
  const args = ["--input", "input.npy", "--layout", "NFT", "--output", "output.npy"];
  execFileSync(process.execPath, [resolve("dist/cli.js"), "predict", zip, ...args], {
    cwd: folder,
  });
  return readNpy(join(folder, "output.npy"));
}

test.describe("a zip of a GravesLSTM", () => {
  test.use({ content: { fixtures: { ".": "b5_dl4j_graves_lstm" } } });

  test("three units are added to a GravesLSTM from its file's menu, and the zip is saved", async ({
    workbench: w,
  }) => {
    await w.openSideBar("Explorer");
    await w.chooseFromSubmenu(w.explorerItem(ZIP), "Edit Checkpoint", "Add Units…");
    await w.choose("Layer that gets new units", LAYER);
    await w.answer("How many units to add", "3");
    await w.choose("What the new units start from", "Zero");
    await w.choose("What trains in the resized layers", "Everything");
    await w.choose("8 → 12 becomes 8 → 15", /(Create|Write to) model\.graft\.json/);
    await expect(w.layer(LAYER)).toContainText("8 → 15");
    await w.screenshot("graves-lstm");

    await w.command("Graft: Save Edited Checkpoint As…");
    await w.answer("Writes the checkpoint with the edits", "wider.zip");
    await expect(w.notification("Saved wider.zip")).toBeVisible({ timeout: 30_000 });
    const wider = await openCheckpoint(join(w.folder, "wider.zip"));
    const shapes = [...wider.tensors.values()].map(({ name, shape }) => [name, shape.join(" × ")]);
    await wider.close();
    expect(Object.fromEntries(shapes)).toMatchObject({
      "0_W": "8 × 60",
      "0_RW": "15 × 63",
      "0_b": "60",
      "1_W": "15 × 10",
    });
    const before = recorded("output");
    const predicted = await predictionsOf(w.folder, "wider.zip");
    expect(predicted.shape).toEqual(before.shape);
    const furthest = Array.from(before.data, (value, at) =>
      Math.abs(value - Number(predicted.data[at])),
    ).reduce((a, b) => Math.max(a, b));
    expect(furthest).toBeLessThan(1e-5);
  });

  test("a zip that was cut off says so above the tree and in its row, and is not offered to be changed", async ({
    workbench: w,
  }) => {
    writeFileSync(join(w.folder, "cut.zip"), readFileSync(join(w.folder, ZIP)).subarray(0, 6000));
    await w.openSideBar("Explorer");
    await w.chooseFromContextMenu(w.explorerItem("cut.zip"), "Inspect Checkpoint");
    await expect(w.treeRow("Layers", "is damaged")).toContainText("cut.zip is damaged: its end");
    await expect(w.viewMessage("Layers")).toContainText(
      "is missing. Copy or download the file again",
    );
    await expect(w.viewMessage("Layers")).not.toContainText("graft.json");
  });
});

test.describe("the sample", () => {
  test.use({ content: { otherSample: "graves-lstm" } });

  const LAYOUT = "Which axis is time?";

  /** The layout that Enter would take, and what stands beside it. */
  async function suggested(w: Workbench): Promise<string> {
    await w.command("Graft: Choose Data…");
    await w.choose("What to learn from", /^mirrored_X\.npy, 400 × 8 × 8/);
    await w.asked(LAYOUT);
    const row = w.page.locator(".quick-input-widget .monaco-list-row.focused");
    return (await row.getAttribute("aria-label")) ?? "";
  }

  async function answerLayout(w: Workbench, layout: string): Promise<void> {
    await w.choose(LAYOUT, layout);
    await w.choose("Share of the samples", "20 %");
    await expect(w.page.locator(".view-lines")).toContainText(`"layout": "${layout}"`);
  }

  test("three units are added, the layout is asked once, and only the new numbers train", async ({
    workbench: w,
  }) => {
    await w.openSideBar("Model Inspector");
    await w.chooseFromContextMenu(w.layer(LAYER), "Add Units…");
    await w.answer("How many units to add", "3");
    await w.choose("What the new units start from", "Zero");
    await w.choose("What trains in the resized layers", "Only the new numbers");
    await w.choose("of what is resized only the new numbers train", "Create");
    await expect(w.layer(LAYER)).toContainText("partly trainable");

    // 8 steps of 8 features fit in both ways.
    expect(await suggested(w)).toContain("NFT · usual for this network");
    await answerLayout(w, "NTF");
    expect(await suggested(w)).toContain("NTF · now");
    await w.screenshot("layout");
    await answerLayout(w, "NFT");

    await w.command("Graft: Training Settings…");
    await w.answer("Epochs", "10");
    await w.answer("Batch", "20");
    await w.choose("Optimizer", "RMSProp");
    await w.answer("Learning rate", "0.005");
    await w.choose("10 epochs, batches of 20", "Write to");
    await w.command("Graft: Save Result As…");
    await w.answer("Train saves there", "result/wider.zip");
    await w.clickInViewTitle("Layers", "Train");
    await expect(w.notification("Saved wider.zip.")).toBeVisible({ timeout: 60_000 });
    const banner = w.panel.locator(".banner.finished");
    await expect(banner).toContainText("the frozen part of 4 of 4 variables unchanged");
    await w.screenshot("graves-lstm-trained");
    const wider = await openCheckpoint(join(w.folder, "result/wider.zip"));
    expect(wider.tensors.get("0_RW")?.shape).toEqual([15, 63]);
    await wider.close();
  });
});

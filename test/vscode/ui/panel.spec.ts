// A run from beginning to end, seen in its panel, and what happens when its process or its window goes away.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digits, ENDLESS } from "../harness/content";
import { expect, test } from "./fixtures";
import type { Workbench } from "./workbench";
import { jobPid } from "../../claims";

test.use({
  content: {
    sample: "without recipes",
    files: { "long.graft.json": digits({ train: ENDLESS, save: { as: "result/new.ckpt" } }) },
  },
});

async function train(w: Workbench): Promise<void> {
  await w.openSideBar("Model Inspector");
  await expect(w.layer("hidden1")).toContainText("frozen");
  await w.command("Graft: Open Recipe");
  await w.lens("Train").first().click();
  await learns(w);
}

/** Waits for an epoch of the run that goes on. */
async function learns(w: Workbench): Promise<void> {
  await expect(w.statusBarItem(/Graft [1-9]\d*\/1000000 · loss \d/)).toBeVisible({
    timeout: 30_000,
  });
  await expect(w.panel.locator(".where")).toContainText(/epoch [\d,]+\/1,000,000/);
}

const epochOf = async (w: Workbench): Promise<number> => {
  const where = (await w.panel.locator(".where").textContent()) ?? "";
  return Number(/(?:epoch )?([\d,]+)(?:\/| of )1,000,000/.exec(where)?.[1]?.replaceAll(",", ""));
};

const epochsIn = (run: string): number =>
  readFileSync(join(run, "events.jsonl"), "utf8").split('"event":"epoch"').length - 1;

const lastRun = (w: Workbench): string => w.runs().at(-1) ?? "";

test("shows a run live, stops it, goes on, and shows it again", async ({ workbench: w }) => {
  await train(w);

  await test.step("where it is, what it learns, and how fast", async () => {
    await expect(w.panel.locator("h1")).toHaveText("long");
    await expect(w.panel.locator(".facts")).toContainText("696 of 696");
    await expect(w.panel.locator(".facts")).toContainText(/steps\/s/);
    const first = await epochOf(w);
    await expect.poll(() => epochOf(w)).toBeGreaterThan(first);
    await expect(w.panel.getByRole("img", { name: /^Loss over \d/ })).toBeVisible();
    await expect(w.panel.getByRole("img", { name: /^Accuracy over \d/ })).toBeVisible();
    await expect(w.treeRow("Runs", "long.graft.json")).toContainText("running");
    await expect(w.lens("Stop")).toBeVisible();
    await expect(w.editorTab("long.graft.json")).not.toHaveClass(/dirty/);
  });

  await test.step("Stop keeps what was learned", async () => {
    await w.panelButton("Stop").click();
    await expect(w.panel.locator(".banner.stopped")).toBeVisible();
    await expect(w.notification("Training of long.graft.json stopped at epoch")).toBeVisible();
    await expect(w.statusBarItem("Graft")).toHaveCount(0);
    await expect(w.treeRow("Runs", "long.graft.json")).toContainText("stopped");
    await expect(w.panel.locator(".banner.stopped")).toContainText(
      "4 of 4 variables unchanged, bit for bit",
    );
    expect(w.has("result")).toBe(false);
  });

  await test.step("Resume goes on from there", async () => {
    const stopped = await epochOf(w);
    await w.panelButton("Resume").click();
    await learns(w);
    await expect.poll(() => epochOf(w)).toBeGreaterThan(stopped);
    expect(w.runs()).toHaveLength(1);
    await w.panelButton("Stop").click();
    await expect(w.panel.locator(".banner.stopped")).toBeVisible();
  });

  await test.step("Save Result As writes what a stopped run has learned", async () => {
    await w.panelButton("Save Result As").click();
    await w.answer("Writes the checkpoint", "stopped.ckpt");
    await expect(w.notification("Saved stopped.ckpt")).toBeVisible();
    expect(w.has("stopped.ckpt.index")).toBe(true);
    await expect(w.panelButton("Copy Code to Load")).toBeVisible();
  });

  await test.step("every variable says whether it changed", async () => {
    const row = (name: string) => w.panel.locator("tr", { has: w.panel.getByText(name) });
    await expect(row("hidden1/weights")).toContainText("unchanged");
    await expect(row("outputs/weights")).not.toContainText("unchanged");
  });

  await test.step("a closed panel comes back from the list of runs", async () => {
    await w.editorTab("Training long.graft.json").getByRole("button", { name: /Close/ }).click();
    await expect(w.page.locator("iframe.webview")).toHaveCount(0);
    await w.treeRow("Runs", "long.graft.json").click();
    await expect(w.panel.locator(".banner.stopped")).toBeVisible();
  });
});

test("says that the training process was killed, and goes on", async ({ workbench: w }) => {
  await train(w);
  await expect.poll(() => existsSync(join(lastRun(w), "state.bin"))).toBe(true);
  process.kill(jobPid(lastRun(w)), "SIGKILL");
  const told = w.notification("Training of long.graft.json was interrupted at epoch");
  await expect(told).toBeVisible();
  await expect(w.panel.locator(".banner.interrupted")).toContainText("ended unexpectedly");
  await expect(w.treeRow("Runs", "long.graft.json")).toContainText("interrupted");
  expect(w.has("result")).toBe(false);
  const reached = await epochOf(w);
  await told.getByRole("button", { name: "Resume" }).click();
  await learns(w);
  await expect.poll(() => epochOf(w)).toBeGreaterThan(reached);
});

test("a closed window stops the run, and the next one offers to resume it", async ({
  workbench: w,
}) => {
  await train(w);
  const run = lastRun(w);
  await w.close();
  await expect
    .poll(() => readFileSync(join(run, "events.jsonl"), "utf8"), { timeout: 30_000 })
    .toContain('"state":"interrupted"');
  expect(w.has("result")).toBe(false);

  await w.open();
  const told = w.notification("Training of long.graft.json was interrupted at epoch");
  await expect(told).toBeVisible({ timeout: 30_000 });
  const reached = epochsIn(run);
  await told.getByRole("button", { name: "Resume" }).click();
  await learns(w);
  await expect.poll(() => epochOf(w)).toBeGreaterThan(reached);
  expect(w.runs()).toEqual([run]);
});

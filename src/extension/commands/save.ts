// Save Result As: the result of a run that has ended, or where the next run puts its result.
import * as path from "node:path";
import * as vscode from "vscode";
import type { App } from "../app";
import { samePath } from "../files";
import { tell } from "../messages";
import { changeRecipe } from "../recipe/edit";
import type { Target } from "../recipe/target";
import { readRecipe, setValue } from "../recipe/text";
import { editable } from "./edit";
import { execute } from "./execute";
import { runOf } from "./runs";

export async function saveResultAs(app: App, what: unknown): Promise<void> {
  const given = runOf(what);
  if (given !== undefined) return saveRun(app, given);
  const target = await editable(app);
  if (!target) return;
  const run = (await app.runs.refresh()).find(
    ({ recipe, state, saved }) =>
      samePath(recipe, target.path) &&
      saved === undefined &&
      (state === "finished" || state === "stopped"),
  );
  if (!run) return saveInRecipe(target);
  const now = {
    label: "Save the result of the last run now",
    description: `${run.state}, epoch ${run.epoch}/${run.epochs}`,
    now: true,
  };
  const next = {
    label: "Say where Train saves",
    description: `writes to ${target.name}`,
    now: false,
  };
  const chosen = await vscode.window.showQuickPick([now, next], { placeHolder: "Save Result As" });
  if (chosen) await (chosen.now ? saveRun(app, run.run) : saveInRecipe(target));
}

async function saveRun(app: App, run: string): Promise<void> {
  if (!app.runs.get(run)) await app.runs.refresh();
  const summary = app.runs.get(run);
  const folder = path.dirname(summary?.recipe ?? app.session.shown?.file.path ?? "");
  const name = await askName(
    folder,
    suggestion(path.basename(summary?.checkpoint ?? "model.ckpt")),
  );
  if (name === undefined) return;
  const as = path.resolve(folder, name);
  const { files, notes } = await app.runs.save(run, as);
  for (const note of notes) app.log.info(note);
  await app.panel.update(run);
  const text = `Saved ${path.basename(as)}: ${files.map((file) => path.basename(file)).join(", ")}.`;
  tell("info", text, { "Copy Code to Load": () => execute("graft.copyLoadCode", as) });
}

async function saveInRecipe(target: Target): Promise<void> {
  const { checkpoint, save } = readRecipe(target.text);
  const before = typeof save === "object" && save !== null && "as" in save ? save.as : undefined;
  const model = typeof checkpoint === "string" ? path.basename(checkpoint) : "model.ckpt";
  const value = typeof before === "string" ? before : suggestion(model);
  const name = await askName(path.dirname(target.path), value, target.name);
  if (name !== undefined)
    await changeRecipe(target, (text) => setValue(text, ["save"], { as: name }));
}

async function askName(
  folder: string,
  value: string,
  recipe?: string,
): Promise<string | undefined> {
  const where =
    recipe === undefined ? "Writes the checkpoint" : `Train saves there; writes to ${recipe}`;
  const name = await vscode.window.showInputBox({
    title: "Save Result As",
    prompt: `${where}. Relative to ${folder}`,
    value,
    valueSelection: [0, value.replace(/\.ckpt$/, "").length],
    validateInput: (text) => (text.trim() === "" ? "A name is expected." : undefined),
  });
  return name?.trim();
}

/** "digits.ckpt" → "digits-retrained.ckpt" */
function suggestion(checkpoint: string): string {
  const stem = checkpoint.replace(/\.ckpt.*$/, "");
  return `${stem}-retrained.ckpt`;
}

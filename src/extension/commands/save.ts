// Save Result As: the result of a run that has ended, or where the next run puts its result. Save Edited Checkpoint As:
// what the edits make of the checkpoint, without training.
import { existsSync } from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import type { App } from "../app";
import type { Result } from "../../protocol/engine";
import { resultName, samePath, stemLength } from "../files";
import { tell } from "../messages";
import { changeRecipe } from "../recipe/edit";
import type { Target } from "../recipe/target";
import { readRecipe, setValue } from "../recipe/text";
import { editable } from "./edit";
import { execute } from "./execute";
import { runOf } from "./runs";

/** `uri`: the recipe whose lens was used; else the active one. */
export async function saveEditedAs(app: App, uri: unknown): Promise<void> {
  const target = await editable(app, uri);
  if (!target) return;
  if (!target.exists)
    return tell("info", "Nothing is changed yet. The first change creates a recipe.");
  const folder = path.dirname(target.path);
  const { checkpoint } = readRecipe(target.text);
  const model = typeof checkpoint === "string" ? path.basename(checkpoint) : "model.ckpt";
  const name = await askName(folder, resultName(model, "edited"), {
    title: "Save Edited Checkpoint As",
    what: "Writes the checkpoint with the edits, untrained",
  });
  if (name === undefined) return;
  const as = path.resolve(folder, name);
  const { path: recipe, text } = target;
  tellSaved(app, as, await app.engine.call("saveEdited", { path: recipe, text, as }));
}

const RESULT = "Save Result As";

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
  const chosen = await vscode.window.showQuickPick([now, next], { placeHolder: RESULT });
  if (chosen) await (chosen.now ? saveRun(app, run.run) : saveInRecipe(target));
}

async function saveRun(app: App, run: string): Promise<void> {
  if (!app.runs.get(run)) await app.runs.refresh();
  const summary = app.runs.get(run);
  const folder = path.dirname(summary?.recipe ?? app.session.shown?.file.path ?? "");
  const name = await askName(
    folder,
    resultName(path.basename(summary?.checkpoint ?? "model.ckpt"), "retrained"),
    { title: RESULT, what: "Writes the checkpoint" },
  );
  if (name === undefined) return;
  const as = path.resolve(folder, name);
  const saved = await app.runs.save(run, as);
  await app.panel.update(run);
  tellSaved(app, as, saved);
}

function tellSaved(app: App, as: string, { files, notes }: Result<"saveRun">): void {
  for (const note of notes) app.log.info(note);
  const text = `Saved ${path.basename(as)}: ${files.map((file) => path.basename(file)).join(", ")}.`;
  tell("info", text, { "Copy Code to Load": () => execute("graft.copyLoadCode", as) });
}

async function saveInRecipe(target: Target): Promise<void> {
  const { checkpoint, save } = readRecipe(target.text);
  const before = typeof save === "object" && save !== null && "as" in save ? save.as : undefined;
  const model = typeof checkpoint === "string" ? path.basename(checkpoint) : "model.ckpt";
  const value = typeof before === "string" ? before : resultName(model, "retrained");
  const what = `Train saves there; writes to ${target.name}`;
  const name = await askName(path.dirname(target.path), value, { title: RESULT, what });
  if (name !== undefined)
    await changeRecipe(target, (text) => setValue(text, ["save"], { as: name }));
}

/** The name of a checkpoint to write, relative to `folder`. */
export async function askName(
  folder: string,
  value: string,
  { title, what }: { readonly title: string; readonly what: string },
): Promise<string | undefined> {
  const name = await vscode.window.showInputBox({
    title,
    prompt: `${what}. Relative to ${folder}`,
    value,
    valueSelection: [0, stemLength(value)],
    validateInput: (text) => checkName(folder, text.trim()),
  });
  return name?.trim();
}

function checkName(
  folder: string,
  name: string,
): string | vscode.InputBoxValidationMessage | undefined {
  if (name === "") return "A name is expected.";
  const as = path.resolve(folder, name);
  if (![as, `${as}.index`].some((file) => existsSync(file))) return undefined;
  const { Warning } = vscode.InputBoxValidationSeverity;
  return { message: `${name} exists and will be replaced.`, severity: Warning };
}

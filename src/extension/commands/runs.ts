// Train, stop, resume, show; and what is done with a result.
import * as path from "node:path";
import * as vscode from "vscode";
import type { RunSummary } from "../../protocol/run";
import type { App } from "../app";
import { tell } from "../messages";
import { existing, type Target } from "../recipe/target";
import { readRecipe } from "../recipe/text";
import { samePath } from "../files";
import { chooseDataFor } from "./data";
import { editable } from "./edit";
import { askMissingFeeds } from "./feeds";
import { confirmGraph, missingGraph } from "./graph";
import { openOrAsk } from "./open";

/** `uri`: the recipe whose lens was used; else the active one. */
export async function train(app: App, uri: unknown): Promise<void> {
  const chosen = await editable(app, uri);
  if (!chosen) return;
  const busy = app.runs.runningOf(chosen.path);
  if (busy) return app.panel.show(busy.run);
  const target = await complete(app, chosen);
  if (!target) return;
  const run = await app.runs.start(target.path, target.text);
  app.log.info(`Run ${run} trains ${target.path}`);
  await app.panel.show(run);
}

/** The recipe with what it lacks to be trained, asked for; undefined where it cannot be, which is told. */
export async function complete(app: App, chosen: Target): Promise<Target | undefined> {
  let target = chosen;
  const graph = await missingGraph(app, target);
  if (graph !== undefined) {
    if (!(await confirmGraph(target, graph))) return undefined;
    target = await existing(target.uri);
  }
  if (readRecipe(target.text)["data"] === undefined) {
    if (!(await chooseDataFor(app, target))) return undefined;
    target = await existing(target.uri);
  }
  if (!(await askMissingFeeds(app, target))) return undefined;
  target = await existing(target.uri);
  return (await trainable(app, target)) ? target : undefined;
}

export async function stop(app: App, what: unknown): Promise<void> {
  const run = runOf(what) ?? app.runs.running.at(-1)?.run;
  if (run === undefined) return tell("info", "Nothing is training.");
  await app.runs.stop(run);
  vscode.window.setStatusBarMessage("Graft: stopping after this step", 4000);
}

export async function resume(app: App, what: unknown): Promise<void> {
  const given = runOf(what);
  const run =
    given ??
    (await pickRun(
      app,
      "Training to go on with",
      ({ resumable }) => resumable,
      "There is no run to resume.",
    ));
  if (run === undefined) return;
  await app.panel.show(await app.runs.resume(run));
}

export async function showRun(app: App, what: unknown): Promise<void> {
  const run =
    runOf(what) ??
    app.runs.running.at(-1)?.run ??
    (await pickRun(app, "Training to show", () => true, "Nothing has been trained yet."));
  if (run !== undefined) await app.panel.show(run);
}

export async function copyLoadCode(app: App, what: unknown): Promise<void> {
  const checkpoint = savedBy(what) ?? (await pickCheckpoint(app));
  if (checkpoint === undefined) return;
  const { language, code } = await app.engine.call("loadCode", { path: checkpoint });
  await vscode.env.clipboard.writeText(code);
  const name = path.basename(checkpoint);
  vscode.window.setStatusBarMessage(`Copied ${language} code that loads ${name}`, 6000);
}

export async function pickRun(
  app: App,
  placeHolder: string,
  fits: (run: RunSummary) => boolean,
  none: string,
): Promise<string | undefined> {
  const runs = (await app.runs.refresh()).filter(fits);
  if (runs.length === 0) {
    tell("info", none);
    return undefined;
  }
  const items = runs.map((run) => ({
    label: path.basename(run.recipe),
    description: `${run.state} · epoch ${run.epoch}/${run.epochs}`,
    detail: new Date(run.started).toLocaleString(),
    run: run.run,
  }));
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.run;
}

/** A run's name, from a message, a row of the Runs view or a lens. */
export function runOf(what: unknown): string | undefined {
  if (typeof what === "string") return what;
  if (typeof what !== "object" || what === null || !("run" in what)) return undefined;
  return typeof what.run === "string" ? what.run : undefined;
}

/** The path that a button gives, or the result of a row of the Runs view. */
function savedBy(what: unknown): string | undefined {
  if (typeof what === "string") return what;
  const saved =
    typeof what === "object" && what !== null && "saved" in what ? what.saved : undefined;
  return typeof saved === "string" ? saved : undefined;
}

/** The checkpoints that the recipe in use has made, and the one that is open. */
async function pickCheckpoint(app: App): Promise<string | undefined> {
  const file = await openOrAsk(app);
  if (!file) return undefined;
  const runs = await app.runs.refresh();
  const saved = runs.flatMap((run) =>
    run.saved !== undefined && samePath(run.checkpoint, file.path) ? [run.saved] : [],
  );
  const choices = [...new Set(saved), file.path];
  if (choices.length === 1) return file.path;
  const items = choices.map((choice) => ({
    label: path.basename(choice),
    description: choice === file.path ? "the checkpoint that is open" : "saved by a run",
    detail: vscode.workspace.asRelativePath(choice),
    choice,
  }));
  return (
    await vscode.window.showQuickPick(items, { placeHolder: "Checkpoint that the code loads" })
  )?.choice;
}

/** Whether the recipe can run; says what keeps it from running. */
async function trainable(app: App, target: Target): Promise<boolean> {
  const plan = await app.plans.of(await vscode.workspace.openTextDocument(target.uri));
  const errors = plan.problems.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (!first) return true;
  const more = errors.length > 1 ? ` ${errors.length - 1} more in Problems.` : "";
  tell("error", `${target.name} cannot train yet: ${first.message}${more}`, {
    "Show Problems": () => vscode.commands.executeCommand("workbench.actions.view.problems"),
  });
  return false;
}

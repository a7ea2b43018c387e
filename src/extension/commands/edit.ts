// The commands that write an edit: ask what is missing, show what it would do, write it as one undo step.
import * as path from "node:path";
import * as vscode from "vscode";
import {
  EDIT_COMMAND_NAMES,
  EDIT_COMMANDS,
  editFrom,
  type EditCommand,
  type EditCommandName,
  type EditRow,
} from "../../protocol/edits";
import type { EditValue } from "../../protocol/engine";
import type { EditQuestion, PlanLayer } from "../../protocol/plan";
import type { App } from "../app";
import { isRecipe, relativeTo, samePath } from "../files";
import type { LayerNode } from "../layers/nodes";
import { changeRecipe, readable } from "../recipe/edit";
import { existing, type Target } from "../recipe/target";
import { appendEdit, readEdits, removeValue } from "../recipe/text";
import { checkClasses, checkNumber, checkUnits, readClasses, readNumber } from "./answers";
import { BACK, input, pick, pickOrType, type Answer, type Choice, type Question } from "./ask";
import { confirm } from "./confirm";
import { inspect, openOrAsk } from "./open";

/**
 * `row`: the row of the tree whose menu was used, or a checkpoint's file. Without one, the selected layer counts, else the
 * command asks.
 */
export async function edit(app: App, command: EditCommandName, row: unknown): Promise<void> {
  const target = await editable(app, row);
  if (!target) return;
  const answered: EditValue[] = [knownFields(app, command, row)];
  for (;;) {
    const known = answered.at(-1) ?? {};
    const open = (await questionsOf(app, target, command, known)).filter(
      ({ field }) => !(field in known),
    );
    const [next] = open;
    const step = { step: answered.length, steps: answered.length + open.length };
    const title = titleOf(EDIT_COMMANDS[command].title, known);
    const answer: Answer<unknown> = next
      ? await ask(app, next, { title, prompt: next.prompt, ...step }, target)
      : await confirm(app, target, editFrom(command, known), { title, prompt: "", ...step });
    if (answer === undefined) return;
    if (answer === BACK) answered.pop();
    else if (next) answered.push({ ...known, [next.field]: answer });
    else {
      await changeRecipe(target, (text) => appendEdit(text, editFrom(command, known)));
      return;
    }
  }
}

/**
 * The lock on a row: writes at once, because the row shows the result and undo takes it back. An edit that says nothing
 * but the opposite about this layer is taken away instead of contradicted.
 */
export async function toggleFreeze(
  app: App,
  kind: "freeze" | "unfreeze",
  row: unknown,
): Promise<void> {
  const name = layerOf(row)?.name ?? app.layers.selectedLayer;
  if (name === undefined) return edit(app, kind, row);
  const target = await editable(app);
  if (!target) return;
  const opposite = kind === "freeze" ? "unfreeze" : "freeze";
  const edits = readEdits(target.text);
  const index = edits.findLastIndex((other) => "freeze" in other || "unfreeze" in other);
  if (index >= 0 && edits[index]?.[opposite] === name) {
    const text = removeValue(target.text, ["edits", index]);
    const plan = await app.engine.call("plan", { path: target.path, text });
    const state = plan.layers.find((layer) => layer.name === name)?.state;
    if (kind === "freeze" ? state === "frozen" : state !== undefined && state !== "frozen") {
      await changeRecipe(target, (now) =>
        now === target.text ? text : appendEdit(now, { [kind]: name }),
      );
      return;
    }
  }
  const value: EditValue = { [kind]: name };
  const { consequence, problems } = await app.engine.call("preview", {
    path: target.path,
    text: target.text,
    edit: value,
  });
  if (problems.length > 0) {
    const title = `${EDIT_COMMANDS[kind].title} ${name}`;
    const answer = await confirm(app, target, value, { title, prompt: "" });
    if (answer === undefined || answer === BACK) return;
  }
  if (await changeRecipe(target, (text) => appendEdit(text, value)))
    vscode.window.setStatusBarMessage(consequence, 6000);
}

/** The recipe to change: the one whose lens was used, that of the checkpoint whose file was, else the active one. A text
 * that is broken is told before anything is asked. */
export async function editable(app: App, what?: unknown): Promise<Target | undefined> {
  const file = what instanceof vscode.Uri ? what : undefined;
  const recipe = file && isRecipe(file.fsPath) ? file : undefined;
  if (file && !recipe) await inspect(app, file);
  if (!recipe && !(await openOrAsk(app))) return undefined;
  const target = recipe ? await existing(recipe) : await app.session.target();
  if (!target?.exists) return target;
  return (await readable(await vscode.workspace.openTextDocument(target.uri))) ? target : undefined;
}

export function layerOf(row: unknown): PlanLayer | undefined {
  if (typeof row !== "object" || row === null || !("kind" in row)) return undefined;
  const node = row as LayerNode;
  return node.kind === "layer" || node.kind === "variable" ? node.layer : undefined;
}

function knownFields(app: App, command: EditCommandName, row: unknown): EditValue {
  const { layerField, row: on }: EditCommand = EDIT_COMMANDS[command];
  if (layerField === undefined) return {};
  const named = layerOf(row)?.name ?? (typeof row === "string" ? row : undefined);
  if (named !== undefined) return { [layerField]: named };
  const selected = app.session.plan?.layers.find(({ name }) => name === app.layers.selectedLayer);
  return selected && offers(selected, on) ? { [layerField]: selected.name } : {};
}

/** Whether a layer's row offers the commands of `row`; package.json says the same in its menus. */
function offers({ units, isOutput }: PlanLayer, row: EditRow = "layer"): boolean {
  switch (row) {
    case "layer":
      return true;
    case "units":
      return units !== undefined;
    case "hidden":
      return units !== undefined && !isOutput;
    case "output":
      return isOutput;
    case "checkpoint":
      return false;
  }
}

const questionsOf = (
  app: App,
  target: Target,
  command: EditCommandName,
  given: EditValue,
): Promise<readonly EditQuestion[]> =>
  app.engine.call("questions", { path: target.path, text: target.text, command, given });

/** Every edit with what it does, and then the one that was chosen. */
export async function anyEdit(app: App, row: unknown): Promise<void> {
  const layer = layerOf(row);
  const choices = EDIT_COMMAND_NAMES.flatMap((value): Choice<EditCommandName>[] => {
    const { title, does, row: on, layerField }: EditCommand = EDIT_COMMANDS[value];
    if (
      layer &&
      !(layerField !== undefined && offers(layer, on)) &&
      !(on === "output" && layer.isOutput)
    )
      return [];
    return [{ label: title, detail: does, value }];
  });
  const title = layer ? `Edit ${layer.name}` : "Edit the Network";
  const chosen = await pick({ title, prompt: "What to change" }, choices);
  if (chosen !== undefined && chosen !== BACK) await edit(app, chosen, row);
}

function ask(
  app: App,
  question: EditQuestion,
  how: Question,
  target: Target,
): Promise<Answer<unknown>> {
  switch (question.ask) {
    case "layer":
      return pick(
        how,
        question.candidates.map((label) => ({
          label,
          value: label,
          iconPath: new vscode.ThemeIcon("layers"),
        })),
      );
    case "pattern":
      return pickOrType(how, question.candidates, "layers");
    case "choice":
      return pick(how, question.choices);
    case "number": {
      const { min, max, suggestion, fractions } = question;
      const check = (text: string) => checkNumber(text, min, max, !fractions);
      return read(how, String(suggestion ?? ""), check, readNumber);
    }
    case "text": {
      const check = (text: string) => (text === "" ? "A name is expected." : undefined);
      return read(how, question.suggestion ?? "", check, (text) => text);
    }
    case "checkpoint":
      return askCheckpoint(app, how, target);
    case "units":
      return read(how, "", checkUnits, (text) => text);
    case "classes":
      return read(
        how,
        question.suggestion?.join(", ") ?? "",
        (text) => checkClasses(text, question.least),
        readClasses,
      );
  }
}

/** The path of another checkpoint, of the workspace or out of a dialog, as the recipe writes it. */
async function askCheckpoint(app: App, how: Question, target: Target): Promise<Answer<string>> {
  await app.checkpoints.ready();
  const open = app.session.shown?.file.path;
  const choices = app.checkpoints.files
    .filter((file) => open === undefined || !samePath(file.path, open))
    .map((file): Choice<string | null> => ({
      label: file.name,
      description: vscode.workspace.asRelativePath(path.dirname(file.path)),
      detail: file.formatLabel,
      value: file.path,
    }));
  const other = { label: "$(folder-opened) Choose a file…", value: null };
  const chosen = await pick<string | null>(how, [...choices, other]);
  if (chosen === BACK || chosen === undefined) return chosen;
  const file = chosen ?? (await askFile(how.prompt));
  return file && relativeTo(path.dirname(target.path), file);
}

async function askFile(title: string): Promise<string | undefined> {
  const [uri] = (await vscode.window.showOpenDialog({ openLabel: "Choose", title })) ?? [];
  return uri?.fsPath;
}

async function read<T>(
  how: Question,
  value: string,
  check: (text: string) => string | undefined,
  convert: (text: string) => T,
): Promise<Answer<T>> {
  const text = await input(how, value, check);
  return typeof text === "string" ? convert(text) : text;
}

function titleOf(title: string, fields: EditValue): string {
  const layer = fields["layer"] ?? fields["upTo"] ?? fields["freeze"] ?? fields["unfreeze"];
  return typeof layer === "string" ? `${title}: ${layer}` : title;
}

// The open checkpoint, the recipe in use for it, and the plan that the two make: what the Layers view shows and what
// commands work on.
import * as path from "node:path";
import * as vscode from "vscode";
import type { CheckpointFile } from "../protocol/checkpoint";
import { GraftError } from "../protocol/errors";
import type { Plan } from "../protocol/plan";
import { debounce, Disposables } from "./disposables";
import type { EngineClient } from "./engine/client";
import { messageOf } from "./engine/errors";
import { isRecipe, samePath } from "./files";
import type { Shown } from "./layers/nodes";
import type { Plans } from "./recipe/plans";
import { namedCheckpoint, type Recipes } from "./recipe/recipes";
import { findTarget, planned, type Target } from "./recipe/target";
import { syntaxProblem } from "./recipe/text";
import type { Checkpoints } from "./workspace";

const LAST_OPEN = "graft.lastCheckpoint";
/** Failures that say nothing about the checkpoint. */
const KEEPS_ROWS: ReadonlySet<string> = new Set([
  "engine-stopped",
  "recipe-syntax",
  "recipe-schema",
]);

export class Session implements vscode.Disposable {
  private readonly store = new Disposables();
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());
  private readonly soon = this.store.add(debounce(100, () => void this.refresh()));
  private current: Shown | undefined;
  private uri: vscode.Uri | undefined;
  private text = "";
  /** Raised with every plan that is asked for, so that an older answer cannot overtake it. */
  private turn = 0;
  /** Raised with every checkpoint that is opened, so that what came up by itself gives way. */
  private opened = 0;

  readonly onDidChange = this.changed.event;

  constructor(
    private readonly engine: EngineClient,
    private readonly checkpoints: Checkpoints,
    private readonly recipes: Recipes,
    private readonly plans: Plans,
    private readonly memory: vscode.Memento,
  ) {
    const { workspace, window } = vscode;
    this.store.add(checkpoints.onDidChange(() => void this.openUnasked()));
    this.store.add(checkpoints.onDidWrite((paths) => this.written(paths)));
    this.store.add(recipes.onDidChange(this.soon));
    this.store.add(engine.onRestarted(this.soon));
    this.store.add(
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && document.uri.toString() === this.uri?.toString())
          this.soon();
      }),
    );
    this.store.add(
      window.onDidChangeActiveTextEditor((editor) => void this.follow(editor?.document)),
    );
    // The editor may have been in front all the time, while the tree showed another checkpoint.
    this.store.add(
      window.onDidChangeTextEditorSelection(({ kind, textEditor }) => {
        if (kind !== undefined) void this.follow(textEditor.document);
      }),
    );
    void this.follow(window.activeTextEditor?.document);
  }

  get shown(): Shown | undefined {
    return this.current;
  }

  get plan(): Plan | undefined {
    return this.current?.plan;
  }

  /** The recipe whose plan is shown. */
  get recipe(): vscode.Uri | undefined {
    return this.uri;
  }

  /** Where changes go, or what keeps the view from showing them. */
  get message(): string {
    const { plan, failure } = this.current ?? {};
    // What cannot be opened is not changed either; its row tells no more than its first words.
    if (failure !== undefined && !plan) return failure;
    return this.current ? this.text : "";
  }

  /** Shows a checkpoint: with the given recipe, else with the one that edits would go to. */
  async open(file: CheckpointFile, recipe?: vscode.Uri): Promise<void> {
    this.opened++;
    if (this.current?.file.path !== file.path) this.current = { file };
    this.uri = recipe;
    await this.memory.update(LAST_OPEN, file.path);
    await this.refresh();
  }

  /** Makes the plan anew. */
  async refresh(): Promise<void> {
    const file = this.current?.file;
    if (!file) return;
    const turn = ++this.turn;
    const { recipe, message } = await this.place(file);
    let plan: Plan | undefined;
    let failure: string | undefined;
    let text = message;
    try {
      plan = recipe
        ? await this.plans.of(await vscode.workspace.openTextDocument(recipe))
        : await this.engine.call("planCheckpoint", { path: file.path });
    } catch (error) {
      if (turn !== this.turn) return;
      failure = messageOf(error);
      const code = error instanceof GraftError ? error.code : "internal";
      // The rows stay: half a word is typed in the recipe at every moment.
      if (KEEPS_ROWS.has(code)) plan = this.plan;
      if (recipe && plan && code !== "engine-stopped") {
        failure = undefined;
        text = await unreadable(recipe);
      }
    }
    if (turn !== this.turn || this.current?.file.path !== file.path) return;
    this.uri = recipe;
    if (recipe) await this.recipes.remember(file.path, recipe);
    this.text = text;
    this.current = {
      file,
      ...(plan ? { plan } : {}),
      ...(failure === undefined ? {} : { failure }),
    };
    this.changed.fire();
  }

  /** A recipe that comes to the front is the one that is worked on. */
  async follow(document: vscode.TextDocument | undefined): Promise<void> {
    if (!document || document.uri.scheme !== "file" || !isRecipe(document.uri.fsPath)) return;
    if (document.uri.toString() === this.uri?.toString()) return;
    const named = namedCheckpoint(document.uri.fsPath, document.getText());
    if (named === undefined) return;
    const { opened } = this;
    // Where the engine is not there, the diagnostics are not either; nothing is told twice.
    const file = await this.recognize(named).catch(() => undefined);
    if (!file || opened !== this.opened) return;
    if (vscode.window.activeTextEditor?.document === document) await this.open(file, document.uri);
  }

  /** Where the next edit goes; undefined when a person was asked and did not say. */
  async target(): Promise<Target | undefined> {
    return this.current && findTarget(this.recipes, this.current.file, this.uri);
  }

  /** The checkpoint that a file belongs to, or that a recipe names. */
  async recognize(file: string): Promise<CheckpointFile | undefined> {
    const known = this.checkpoints.files.find((other) => samePath(other.path, file));
    if (known) return known;
    // A prefix is no file by itself.
    const files = [file, `${file}.index`, `${file}.meta`];
    return (await this.engine.call("recognize", { files }))[0];
  }

  dispose(): void {
    this.store.dispose();
  }

  /** The only checkpoint of the workspace, or the one that was open last, is shown without being asked for. */
  private async openUnasked(): Promise<void> {
    const { files } = this.checkpoints;
    const { current } = this;
    if (current) {
      const update = await this.recognize(current.file.path).catch(() => current.file);
      if (this.current?.file.path !== current.file.path) return; // another one was opened meanwhile
      this.current = update && { ...this.current, file: update };
      if (update) return;
      this.uri = undefined; // deleted
      this.changed.fire();
    }
    const last = this.memory.get<string>(LAST_OPEN);
    const file =
      files.find((other) => other.path === last) ?? (files.length === 1 ? files[0] : undefined);
    if (file) await this.open(file);
  }

  private written(paths: readonly string[]): void {
    const files = this.current?.file.files ?? [];
    if (!paths.some((written) => files.some((file) => samePath(file, written)))) return;
    this.plans.forget();
    this.soon();
  }

  /** The recipe that edits go to, and the sentence that says so. */
  private async place(file: CheckpointFile): Promise<{ recipe?: vscode.Uri; message: string }> {
    const says = (recipe: vscode.Uri) => ({
      recipe,
      message: `Changes go to ${path.basename(recipe.fsPath)}. The checkpoint is never changed.`,
    });
    const active = await this.recipes.active(file);
    if (active.kind === "use") return says(vscode.Uri.file(active.recipe));
    if (this.uri && (await broken(this.uri))) return says(this.uri);
    if (active.kind === "ask") {
      const many = `${active.recipes.length} recipes name this checkpoint; a change asks which.`;
      return { message: `${many} The checkpoint is never changed.` };
    }
    const { name } = await planned(file);
    return { message: `A change creates ${name}. The checkpoint is never changed.` };
  }
}

async function unreadable(recipe: vscode.Uri): Promise<string> {
  const problem = syntaxProblem((await vscode.workspace.openTextDocument(recipe)).getText());
  const name = path.basename(recipe.fsPath);
  const wrong = problem
    ? `cannot be read at line ${problem.line}, column ${problem.column}`
    : "is not a recipe yet, see Problems";
  return `${name} ${wrong}. The layers show what it said before.`;
}

/** Whether the recipe is there but cannot be read, not even for the checkpoint that it names. */
async function broken(recipe: vscode.Uri): Promise<boolean> {
  try {
    const document = await vscode.workspace.openTextDocument(recipe);
    return syntaxProblem(document.getText()) !== undefined;
  } catch {
    return false; // deleted
  }
}

// The plan of a recipe document, made once per version and shared by tree, diagnostics and commands.
import * as vscode from "vscode";
import type { Plan } from "../../protocol/plan";
import type { EngineClient } from "../engine/client";

export class Plans implements vscode.Disposable {
  private readonly known = new Map<string, { version: number; plan: Promise<Plan> }>();
  private readonly forgotten = new vscode.EventEmitter<void>();
  private readonly subscription: vscode.Disposable;

  /** Plans that were made are no longer true. */
  readonly onDidForget = this.forgotten.event;

  constructor(private readonly engine: EngineClient) {
    this.subscription = vscode.workspace.onDidCloseTextDocument(({ uri }) =>
      this.known.delete(uri.toString()),
    );
  }

  /** Rejects with the engine's error where the recipe cannot be read at all. */
  of(document: vscode.TextDocument): Promise<Plan> {
    const key = document.uri.toString();
    const known = this.known.get(key);
    if (known?.version === document.version) return known.plan;
    const plan = this.engine.call("plan", {
      path: document.uri.fsPath,
      text: document.getText(),
    });
    const entry = { version: document.version, plan };
    this.known.set(key, entry);
    // A plan that failed because of the engine, not of the text, is asked for again.
    plan.catch(() => {
      if (this.known.get(key) === entry) this.known.delete(key);
    });
    return plan;
  }

  /** The files that plans were made from changed. */
  forget(): void {
    this.known.clear();
    this.forgotten.fire();
  }

  dispose(): void {
    this.subscription.dispose();
    this.forgotten.dispose();
  }
}

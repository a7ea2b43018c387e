// What is wrong with the open recipes, in Problems and under the words that it is about.
import * as vscode from "vscode";
import { GraftError } from "../../protocol/errors";
import type { Problem, ScalarFeed } from "../../protocol/plan";
import { debounce, Disposables } from "../disposables";
import type { EngineClient } from "../engine/client";
import { messageOf } from "../engine/errors";
import type { Plans } from "./plans";
import { pointerSpan } from "./pointers";
import { isRecipeDocument } from "./selector";

const SEVERITIES: Record<Problem["severity"], vscode.DiagnosticSeverity> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};

/** Carries what a quick fix asks for. */
export class RecipeDiagnostic extends vscode.Diagnostic {
  feed?: ScalarFeed;
}

export function registerDiagnostics(plans: Plans, engine: EngineClient): vscode.Disposable {
  const store = new Disposables();
  const collection = store.add(vscode.languages.createDiagnosticCollection("graft"));
  const waiting = new Set<vscode.TextDocument>();
  const check = async (document: vscode.TextDocument) => {
    const { version } = document;
    const problems = await problemsOf(engine, document);
    if (!problems || document.isClosed || document.version !== version) return;
    const text = document.getText();
    collection.set(
      document.uri,
      problems.map((problem) => toDiagnostic(document, text, problem)),
    );
  };
  const soon = store.add(
    debounce(250, () => {
      for (const document of waiting) void check(document);
      waiting.clear();
    }),
  );
  const add = (document: vscode.TextDocument) => {
    if (!isRecipeDocument(document)) return;
    waiting.add(document);
    soon();
  };
  const addAll = () => vscode.workspace.textDocuments.forEach(add);
  store.add(vscode.workspace.onDidOpenTextDocument(add));
  store.add(vscode.workspace.onDidChangeTextDocument(({ document }) => add(document)));
  store.add(
    vscode.workspace.onDidCloseTextDocument((document) => {
      waiting.delete(document);
      collection.delete(document.uri);
    }),
  );
  store.add(plans.onDidForget(addAll));
  store.add(engine.onRestarted(addAll));
  addAll();
  return store;
}

/** Nothing where the engine is not there, none where the text is no JSON, which the editor says itself. */
async function problemsOf(
  engine: EngineClient,
  document: vscode.TextDocument,
): Promise<readonly Problem[] | undefined> {
  try {
    const recipe = { path: document.uri.fsPath, text: document.getText() };
    return await engine.call("problems", recipe);
  } catch (error) {
    const code = error instanceof GraftError ? error.code : "internal";
    if (code === "engine-stopped") return undefined;
    if (code === "recipe-syntax") return [];
    return [{ code, severity: "error", message: messageOf(error), pointer: "" }];
  }
}

function toDiagnostic(
  document: vscode.TextDocument,
  text: string,
  problem: Problem,
): vscode.Diagnostic {
  const { offset, length } = pointerSpan(text, problem.pointer);
  const range = new vscode.Range(document.positionAt(offset), document.positionAt(offset + length));
  const diagnostic = new RecipeDiagnostic(range, problem.message, SEVERITIES[problem.severity]);
  diagnostic.source = "graft";
  diagnostic.code = problem.code;
  if (problem.feed) diagnostic.feed = problem.feed;
  return diagnostic;
}

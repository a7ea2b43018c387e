// Quick fixes: a problem that says what it lacks offers the command that asks for it.
import * as vscode from "vscode";
import type { CommandId } from "../commands/ids";
import { RecipeDiagnostic } from "./diagnostics";
import { RECIPES } from "./selector";

const SET_FEED: CommandId = "graft.setFeed";

export function registerFixes(): vscode.Disposable {
  return vscode.languages.registerCodeActionsProvider(
    RECIPES,
    {
      provideCodeActions: ({ uri }, _, { diagnostics }) =>
        diagnostics.flatMap((each) => fixes(uri, each)),
    },
    { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
  );
}

function fixes(uri: vscode.Uri, diagnostic: vscode.Diagnostic): vscode.CodeAction[] {
  if (!(diagnostic instanceof RecipeDiagnostic) || !diagnostic.feed) return [];
  const title = `Set the value of ${diagnostic.feed.name}…`;
  const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  action.diagnostics = [diagnostic];
  action.isPreferred = true;
  action.command = { command: SET_FEED, title, arguments: [uri, diagnostic.feed] };
  return [action];
}

// Reports: read-only pages of plain text, which are nobody's file.
import * as vscode from "vscode";

/** Of the documents, and of their language: package.json makes its lines wrap. */
const REPORT = "graft-report";

const texts = new Map<string, string>();
const changed = new vscode.EventEmitter<vscode.Uri>();

export function registerReports(): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(REPORT, {
      onDidChange: changed.event,
      provideTextDocumentContent: (uri) => texts.get(uri.path) ?? "",
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      if (uri.scheme === REPORT) texts.delete(uri.path);
    }),
  );
}

/** Opens the report beside what is in front, or renews the one of this name. */
export async function showReport(name: string, text: string): Promise<void> {
  const uri = vscode.Uri.from({ scheme: REPORT, path: `/${name}` });
  texts.set(uri.path, text);
  changed.fire(uri);
  const document = await vscode.languages.setTextDocumentLanguage(
    await vscode.workspace.openTextDocument(uri),
    REPORT,
  );
  await vscode.window.showTextDocument(document, {
    viewColumn: vscode.ViewColumn.Beside,
    preserveFocus: true,
    preview: true,
  });
}

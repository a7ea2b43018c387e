// Badge and colour of the rows in the Layers view. The state is in the URI, so that a new state is a new decoration.
import * as vscode from "vscode";
import type { Row } from "./rows";

const SCHEME = "graft-layer";

const DECORATIONS: Record<NonNullable<Row["state"]>, vscode.FileDecoration | undefined> = {
  frozen: new vscode.FileDecoration("Fr", "Frozen", new vscode.ThemeColor("descriptionForeground")),
  trainable: undefined,
  partly: new vscode.FileDecoration("Pt", "Partly trainable"),
  new: new vscode.FileDecoration(
    "Nw",
    "New",
    new vscode.ThemeColor("gitDecoration.addedResourceForeground"),
  ),
  changed: new vscode.FileDecoration(
    "Ed",
    "Changed by the recipe",
    new vscode.ThemeColor("gitDecoration.modifiedResourceForeground"),
  ),
};

export function decorationUri(name: string, state: NonNullable<Row["state"]>): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: state });
}

export function registerDecorations(): vscode.Disposable {
  return vscode.window.registerFileDecorationProvider({
    provideFileDecoration: (uri) =>
      uri.scheme === SCHEME && uri.query in DECORATIONS
        ? DECORATIONS[uri.query as keyof typeof DECORATIONS]
        : undefined,
  });
}

// The colour of the rows in the Layers view. The state is in the URI, so that a new state is a new decoration.
import * as vscode from "vscode";
import type { Row } from "./rows";

const SCHEME = "graft-layer";

/** Colours only: what they mean is said by the row's icon and first word. */
const DECORATIONS: Partial<Record<string, vscode.FileDecoration>> = {
  new: coloured("gitDecoration.addedResourceForeground"),
  changed: coloured("gitDecoration.modifiedResourceForeground"),
} satisfies Partial<Record<NonNullable<Row["state"]>, vscode.FileDecoration>>;

function coloured(color: string): vscode.FileDecoration {
  return new vscode.FileDecoration(undefined, undefined, new vscode.ThemeColor(color));
}

export function decorationUri(name: string, state: NonNullable<Row["state"]>): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: state });
}

export function registerDecorations(): vscode.Disposable {
  return vscode.window.registerFileDecorationProvider({
    provideFileDecoration: (uri) => (uri.scheme === SCHEME ? DECORATIONS[uri.query] : undefined),
  });
}

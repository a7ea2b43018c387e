// Notifications. Nobody waits for one: a command is over, however long its message stays.
import * as vscode from "vscode";

const SHOW = {
  info: vscode.window.showInformationMessage,
  warning: vscode.window.showWarningMessage,
  error: vscode.window.showErrorMessage,
};

/** Says something, with a button for each thing that can be done about it. */
export function tell(
  kind: keyof typeof SHOW,
  text: string,
  actions: Readonly<Record<string, () => unknown>> = {},
): void {
  void SHOW[kind](text, ...Object.keys(actions)).then((chosen) => {
    if (chosen !== undefined) actions[chosen]?.();
  });
}

// The extension starts in a real extension host and has what its manifest promises.
import { equal, ok } from "node:assert/strict";
import * as vscode from "vscode";

const ID = "graft.graft-model-inspector";

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

describe("activation", () => {
  let extension: vscode.Extension<unknown>;

  before(() => {
    const found = vscode.extensions.getExtension(ID);
    ok(found, `${ID} is not installed`);
    extension = found;
  });

  it("succeeds", async () => {
    await extension.activate();
    equal(extension.isActive, true);
  });

  it("registers every command of the manifest, and no other", async () => {
    const { contributes } = extension.packageJSON as Manifest;
    const promised = contributes.commands.map(({ command }) => command).sort();
    const registered = (await vscode.commands.getCommands(true))
      .filter((command) => command.startsWith("graft."))
      // Those that VS Code makes for each view and container.
      .filter(
        (command) => !/\.(focus|resetViewLocation|removeView|toggleVisibility|open)$/.test(command),
      )
      .sort();
    equal(registered.join("\n"), promised.join("\n"));
  });
});

// Folders of the repository that the tests in VS Code use. Everything is started from its root.
import { existsSync } from "node:fs";
import { join } from "node:path";

export const root = process.cwd();
if (!existsSync(join(root, "test/vscode")))
  throw new Error(`Start this from the repository, not ${root}.`);

export const vsix = join(root, "graft.vsix");
export const artifacts = join(root, "test-artifacts");

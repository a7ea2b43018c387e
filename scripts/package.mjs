// Packages the extension for this platform, whose native library it carries.   npm run package
import { runBin } from "./process.mjs";

const target = `${process.platform}-${process.arch}`;
const { code } = await runBin(
  "@vscode/vsce",
  ["package", "--no-dependencies", "--target", target, "--out", "graft.vsix"],
  {},
  "vsce",
);
process.exitCode = code;

// npm start: installs what is missing, builds, and retrains the bundled sample's output on the command line.
import { join } from "node:path";
import { build } from "./build.mjs";
import { ensure } from "./ensure.mjs";
import { root, run } from "./process.mjs";

const RECIPE = "samples/digits/digits.graft.json";

await ensure();
await build();
console.log(`graft train ${RECIPE}\n`);
const { code } = await run(process.execPath, [join(root, "dist/cli.js"), "train", RECIPE]);
process.exitCode = code;
if (code === 0) {
  console.log(`
What this was: a network trained on the digits 0 to 4 learned 5 to 9. Its two lower layers stayed as
they were: their outputs were computed once, and the third layer and a new output trained on them.
The result lies in samples/digits/result. The checkpoint that it started from has not changed.

Next:
  - Open this folder in VS Code and press F5: in the window that opens, the Model Inspector in the
    activity bar does the same with the mouse.
  - node dist/cli.js --help lists what the command line can do.
  - README.md has the rest.`);
}

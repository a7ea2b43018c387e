// What esbuild put into each bundle: an import deep inside a package counts too.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./imports";

interface Metafile {
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Per bundle, what it may hold. */
const CONTENTS: Readonly<Record<string, RegExp>> = {
  // Loaded with the window: it stays small, and numerics stay in the engine.
  extension: /^(src\/(extension|protocol)\/|node_modules\/(jsonc-parser|vscode-jsonrpc)\/)/,
  engine: /^(src\/(engine|protocol)\/|node_modules\/)/,
  job: /^(src\/(engine|protocol)\/|node_modules\/)/,
  // It prints its version.
  cli: /^(src\/(engine|protocol)\/|node_modules\/|package\.json$)/,
  "webview-panel":
    /^(src\/(webview|protocol)\/|node_modules\/(@microsoft\/fast-|@vscode\/webview-ui-toolkit\/|exenv-es6\/|tabbable\/|tslib\/|uplot\/))/,
};

describe("the bundle of", () => {
  it.each(Object.entries(CONTENTS))("%s holds only what belongs there", (name, allowed) => {
    const file = join(root, `dist/meta/${name}.json`);
    if (!existsSync(file)) throw new Error("There is no development build. Run: npm run build");
    const { inputs } = JSON.parse(readFileSync(file, "utf8")) as Metafile;
    const others = Object.keys(inputs).filter((input) => !allowed.test(input));
    expect(others).toEqual([]);
  });
});

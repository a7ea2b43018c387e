// Writes the commands and menus of the edits into package.json, from the table in src/protocol/edits.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { format } from "prettier";
import { root } from "./process.mjs";

const path = join(root, "package.json");

/** Context values of the tree's rows, as src/extension/layers/rows.ts gives them. */
const ROWS = {
  layer: "^layer\\.",
  units: "^layer\\b.*\\.units\\b",
  hidden: "^layer\\b(?!.*\\.output\\b).*\\.units\\b",
  output: "^layer\\b.*\\.output\\b",
  checkpoint: "^checkpoint\\.open$",
};

async function table() {
  const bundle = await build({
    entryPoints: [join(root, "src/protocol/edits.ts")],
    bundle: true,
    format: "esm",
    write: false,
  });
  const source = Buffer.from(bundle.outputFiles[0].text).toString("base64");
  return (await import(`data:text/javascript;base64,${source}`)).EDIT_COMMANDS;
}

/** `manifest` with the commands of `edits` in place of those that it had. */
function withEdits(manifest, edits) {
  const names = Object.keys(edits);
  const ids = new Set(names.map((name) => `graft.${name}`));
  const others = (items) => items.filter(({ command }) => !ids.has(command));
  const { contributes } = manifest;
  const { commands, menus } = contributes;
  const own = others(commands);
  contributes.commands = own.toSpliced(
    own.findIndex(({ command }) => command === "graft.edit") + 1,
    0,
    ...names.map((name) => ({
      command: `graft.${name}`,
      title: `${edits[name].title}…`,
      category: "Graft",
    })),
  );
  menus["view/title"] = others(menus["view/title"]);
  menus["view/item/context"] = [
    ...others(menus["view/item/context"]),
    ...names
      .filter((name) => edits[name].row !== undefined)
      .map((name, index) => ({
        command: `graft.${name}`,
        group: `${edits[name].edit.toLowerCase().includes("freeze") ? "1_freeze" : "2_change"}@${10 + index}`,
        when: `view == graft.layers && viewItem =~ /${ROWS[edits[name].row]}/`,
      })),
  ];
  return manifest;
}

const manifest = withEdits(JSON.parse(readFileSync(path, "utf8")), await table());
writeFileSync(path, await format(JSON.stringify(manifest), { parser: "json-stringify" }));

// Writes what follows from the edits: the recipe's JSON schema, the commands and menus in package.json, docs/edits.md.
//   npm run schema, after npm run build
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
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

/** One section per edit, with what the schema says of its fields. */
function documentation(schema, edits) {
  const kinds = new Map(
    schema.properties.edits.items.anyOf.map(({ properties }) => Object.entries(properties)[0]),
  );
  const sections = [...kinds].map(([kind, spec]) => {
    const commands = Object.values(edits).filter(({ edit }) => edit === kind);
    const titles = commands.map(({ title }) => `_${title}…_`).join(", ");
    return `## ${kind}\n\n${spec.description}\n\nCommands: ${titles}.\n\n${fields(spec)}`;
  });
  return `# Edits of a recipe

Made by \`npm run schema\` from the descriptions in the code, which the editor shows too. A recipe's \`edits\` are applied in order;
\`graft plan RECIPE\` says what they do.

${sections.join("\n\n")}
`;
}

/** What stands under an edit: a table of its fields, for each form that it has. */
function fields(spec) {
  const forms = spec.anyOf ?? [spec];
  return forms
    .map((form) => {
      if (form.type !== "object")
        return `${valueOf(form)}: ${form.description ?? form.items?.description ?? ""}`;
      const rows = members(form).flatMap(([name, field, needed]) => rowsOf(name, field, needed));
      return ["| field | value | meaning |", "| --- | --- | --- |", ...rows].join("\n");
    })
    .join("\n\nor\n\n");
}

/** The row of a field, and those of the fields within it. */
const rowsOf = (name, field, needed) => [
  `| \`${name}\`${needed ? "" : " (optional)"} | ${cell(valueOf(field))} | ${cell(field.description ?? "")} |`,
  ...[field, ...(field.anyOf ?? [])]
    .flatMap(members)
    .flatMap(([inner, each, isNeeded]) => rowsOf(`${name}.${inner}`, each, isNeeded)),
];

const members = (form) =>
  Object.entries(form.properties ?? {}).map(([name, field]) => [
    name,
    field,
    form.required?.includes(name) ?? false,
  ]);

const cell = (text) => text.replaceAll("|", "\\|");

function valueOf(field) {
  const standard =
    field.default === undefined ? "" : `; default \`${JSON.stringify(field.default)}\``;
  if (field.enum) return field.enum.map((each) => `\`${each}\``).join(", ") + standard;
  if (field.anyOf) return [...new Set(field.anyOf.map(valueOf))].join(" or ") + standard;
  if (field.type === "array") return `list of ${field.items ? valueOf(field.items) : "values"}`;
  if (field.type === "object")
    return field.properties
      ? `{ ${Object.keys(field.properties)
          .map((name) => `\`${name}\``)
          .join(", ")} }`
      : "names and values";
  return (field.type ?? "value") + standard;
}

const edits = await table();
const schema = execFileSync(process.execPath, [join(root, "dist/cli.js"), "schema"], {
  encoding: "utf8",
});
writeFileSync(join(root, "media/recipe.schema.json"), schema);
const manifest = withEdits(JSON.parse(readFileSync(path, "utf8")), edits);
writeFileSync(path, await format(JSON.stringify(manifest), { parser: "json-stringify" }));
mkdirSync(join(root, "docs"), { recursive: true });
writeFileSync(
  join(root, "docs/edits.md"),
  await format(documentation(JSON.parse(schema), edits), { parser: "markdown" }),
);

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { recipeJsonSchema } from "../../../src/engine/recipe/schema";
import { EDITS } from "../../../src/engine/surgery/table";

const file = join(__dirname, "../../../media/recipe.schema.json");

test("the editor's schema is the engine's (npm run schema writes it)", () => {
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(
    JSON.parse(JSON.stringify(recipeJsonSchema())),
  );
});

test("the schema knows every edit and describes every key", () => {
  const text = readFileSync(file, "utf8");
  for (const kind of Object.keys(EDITS)) expect(text).toContain(`"${kind}"`);
  const undescribed: string[] = [];
  const walk = (node: unknown, place: string): void => {
    if (typeof node !== "object" || node === null) return;
    const { properties } = node as { properties?: Record<string, { description?: string }> };
    for (const [key, value] of Object.entries(properties ?? {}))
      if (value.description === undefined && key !== "$schema") undescribed.push(`${place}/${key}`);
    for (const [key, value] of Object.entries(node)) walk(value, `${place}/${key}`);
  };
  walk(JSON.parse(text), "");
  expect(undescribed).toEqual([]);
});

test("docs/edits.md has every edit and every field (npm run schema writes it)", () => {
  const docs = readFileSync(join(__dirname, "../../../docs/edits.md"), "utf8");
  const { properties } = recipeJsonSchema() as {
    properties: { edits: { items: { anyOf: { properties: Record<string, object> }[] } } };
  };
  for (const { properties: edit } of properties.edits.items.anyOf) {
    const [[kind, spec]] = Object.entries(edit);
    expect(docs).toContain(`## ${kind}\n`);
    const section = docs.split(`## ${kind}\n`)[1].split("\n## ")[0];
    const forms = (spec as { anyOf?: object[] }).anyOf ?? [spec];
    for (const form of forms as { properties?: object }[])
      for (const field of Object.keys(form.properties ?? {}))
        expect(section).toContain(`\`${field}\``);
  }
});

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

// From the text of a recipe to a recipe, or to what is wrong with it.
import * as path from "node:path";
import { parse, parseTree, printParseErrorCode, type ParseError } from "jsonc-parser";
import type { z } from "zod";
import { GraftError } from "../../protocol/errors";
import type { Problem } from "../../protocol/plan";
import { nearestKey } from "./keys";
import { RecipeSchema, type Recipe } from "./schema";

export interface OpenRecipe {
  /** The recipe file; relative paths in it resolve against its folder. */
  readonly path: string;
  readonly text: string;
  readonly recipe: Recipe;
}

/** Resolves a path that a recipe names. */
export const resolveIn = (recipe: { readonly path: string }, file: string): string =>
  path.resolve(path.dirname(recipe.path), file);

/** Throws `recipe-syntax` with line and column, or `recipe-schema` with the first of what is wrong. */
export function parseRecipe(file: string, text: string): OpenRecipe {
  const { recipe, problems } = checkRecipe(file, text);
  if (recipe !== undefined) return { path: file, text, recipe };
  const [first, ...rest] = problems;
  const more = rest.length > 0 ? ` (and ${rest.length} more)` : "";
  throw new GraftError("recipe-schema", `${path.basename(file)}: ${first.message}${more}`);
}

/** The recipe where its text fits the schema; else what does not fit. Throws `recipe-syntax` only. */
export function checkRecipe(
  file: string,
  text: string,
): { readonly recipe?: Recipe; readonly problems: readonly Problem[] } {
  const value = parseJson(file, text);
  const result = RecipeSchema.safeParse(value);
  if (result.success) return { recipe: result.data, problems: [] };
  return { problems: result.error.issues.flatMap((issue) => toProblems(issue)) };
}

function parseJson(file: string, text: string): unknown {
  const errors: ParseError[] = [];
  const options = { allowTrailingComma: true };
  const value: unknown = parse(text, errors, options);
  const [error] = errors;
  if (error === undefined && parseTree(text, [], options) !== undefined) return value;
  const offset = error?.offset ?? 0;
  const before = text.slice(0, offset).split("\n");
  const what =
    error === undefined ? "the file is empty" : sentence(printParseErrorCode(error.error));
  throw new GraftError(
    "recipe-syntax",
    `${path.basename(file)}:${before.length}:${before.at(-1)!.length + 1}: not a recipe yet: ${what}.`,
  );
}

/** "CommaExpected" → "comma expected" */
const sentence = (code: string): string =>
  code.replace(/[A-Z]/g, (letter, at) => `${at > 0 ? " " : ""}${letter.toLowerCase()}`);

/** A place in the recipe as a JSON pointer. */
export const pointerOf = (where: readonly PropertyKey[]): string =>
  where.map((part) => `/${String(part).replace(/~/g, "~0").replace(/\//g, "~1")}`).join("");

/** A union's issue is told by the member that the value was meant to be: of its type, with its keys. */
function toProblems(issue: z.core.$ZodIssue): Problem[] {
  const pointer = pointerOf(issue.path);
  const told = (message: string): Problem[] => [
    {
      code: "recipe-schema",
      severity: "error",
      message: `${pointer === "" ? "The recipe" : pointer}: ${message}`,
      pointer,
    },
  ];
  if (issue.code !== "invalid_union") return told(describe(issue));
  const isRoot = (each: z.core.$ZodIssue, code: string) =>
    each.path.length === 0 && each.code === code;
  const candidates = issue.errors.filter(
    (all) => !all.some((each) => isRoot(each, "invalid_type")),
  );
  const meant =
    candidates.find((all) => !all.some((each) => isRoot(each, "unrecognized_keys"))) ??
    (candidates.length === 1 ? candidates[0] : undefined);
  if (meant !== undefined)
    return meant.flatMap((each) =>
      toProblems({ ...each, path: [...issue.path, ...each.path] } as z.core.$ZodIssue),
    );
  const expected = candidates.flatMap((all) =>
    all.flatMap((each) => (each.path.length === 1 ? [String(each.path[0])] : [])),
  );
  const isMissing = issue.errors.every((all) =>
    all.some((each) => isRoot(each, "invalid_type") && each.message.endsWith("received undefined")),
  );
  if (isMissing) return told("is missing.");
  const unknown = new Set(
    candidates.flatMap((all) =>
      all.flatMap((each) => (each.code === "unrecognized_keys" ? each.keys : [])),
    ),
  );
  if (unknown.size > 0) return told(describeUnknown(issue.path, [...unknown], expected));
  // A schema that says what it expects says it better.
  if (issue.message !== "Invalid input") return told(`${issue.message}.`);
  return told(
    expected.length > 0
      ? `expected one of ${[...new Set(expected)].join(", ")}.`
      : "fits none of the known forms.",
  );
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") return describeUnknown(issue.path, issue.keys, []);
  return `${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}.`;
}

/** "unknown key learning_rate; did you mean learningRate?" */
function describeUnknown(
  path: readonly PropertyKey[],
  keys: readonly string[],
  expected: readonly string[],
): string {
  const meant = keys.flatMap((key) => nearestKey(path, key) ?? []);
  const known = [...new Set(expected)];
  const hint =
    meant.length > 0
      ? `; did you mean ${meant.join(", ")}?`
      : known.length > 0
        ? `; expected one of ${known.join(", ")}.`
        : ".";
  return `unknown ${keys.length === 1 ? "key" : "keys"} ${keys.join(", ")}${hint}`;
}

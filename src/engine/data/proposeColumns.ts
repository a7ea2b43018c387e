// Which column of a CSV could be the labels, and which columns the samples.
import { basename } from "node:path";
import type { CsvDescription } from "./csv";
import type { Draft } from "./draft";
import type { ModelInput } from "../graph/inputs";
import { nameHints } from "./names";
import type { Source } from "./schema";

/** Columns that number the rows. */
const ROW_NUMBER = /^(id|index|row|key|no|nr|number)$/i;

/** `path` as the recipe writes it. */
export function proposeColumns(
  table: CsvDescription,
  path: string,
  inputs: readonly ModelInput[],
): readonly Draft[] {
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) return [];
  const size = input.shape.slice(1).reduce((a, b) => a * b, 1);
  const hinted = table.columns.filter((name) => nameHints(name).labels);
  const last = table.columns.at(-1);
  const names = hinted.length > 0 ? hinted : last === undefined ? [] : [last];
  return names.flatMap((name) => {
    // `*` would be a pattern, and an unnamed column cannot be named.
    if (name === "" || name.includes("*")) return [];
    const columns = sampleColumns(table, name, size);
    if (columns === null) return [];
    const file = basename(path);
    const source: Source = columns === "rest" ? path : { file: path, columns };
    const which = typeof columns === "string" && columns !== "rest" ? `columns ${columns}, ` : "";
    const { labels, split } = nameHints(file);
    return {
      inputs: { [input.name]: source },
      labels: { file: path, columns: name },
      label: `${file}, ${which}${size} columns → ${input.name}`,
      labelText: `column ${name} of ${file}`,
      score:
        (columns === "rest" ? 6 : 4) +
        (hinted.length > 0 ? 4 : 0) +
        (split === "train" ? 1 : split === "test" ? -2 : 0) -
        (labels ? 2 : 0),
    };
  });
}

/** All the other columns ("rest"); or those with a common prefix and a number; or all but row numbers. Null: none fit. */
function sampleColumns(
  table: CsvDescription,
  label: string,
  size: number,
): string | string[] | null {
  const rest = [...table.columns.keys()].filter(
    (index) => table.columns[index] !== label && table.columns[index] !== "",
  );
  const numeric = (index: number): boolean => table.numeric[index] === true;
  const name = (index: number): string => table.columns[index]!;
  if (rest.length === size) return rest.every(numeric) ? "rest" : null;
  const prefixes = new Set(rest.flatMap((index) => /^(\D.*?)\d+$/.exec(name(index))?.[1] ?? []));
  for (const prefix of prefixes) {
    const matching = [...table.columns.keys()].filter((index) => name(index).startsWith(prefix));
    const usable = !prefix.includes("*") && !label.startsWith(prefix);
    if (usable && matching.length === size && matching.every(numeric)) return `${prefix}*`;
  }
  const values = rest.filter((index) => numeric(index) && !ROW_NUMBER.test(name(index)));
  const names = values.map(name);
  const usable = names.length === size && new Set(names).size === size;
  return usable && !names.some((text) => text.includes("*")) ? names : null;
}

// What is known of a source before it is read: the name, the shape and the dtype of its array.
import { basename } from "node:path";
import { GraftError } from "../../protocol/errors";
import { chooseColumns, type ColumnChoice, describeCsv } from "./csv";
import { isFolder } from "./files";
import { describeNpz, missingArray } from "./npz";
import { describeNpy } from "./npy";
import type { Source } from "./schema";
import { paddedShape } from "./sequences";
import {
  checkParts,
  columnsName,
  type LoadedInfo,
  NO_HEADER,
  onlyArray,
  sequenceArrays,
  sequencesNote,
  sourceFiles,
  sourceKind,
} from "./sources";

type Choice = Omit<ColumnChoice, "columns">;

/**
 * What `loadSource` would yield, from headers alone; undefined where the sequences would have to be read for that. Throws
 * as `loadSource` does.
 */
export async function headerOf(
  source: Source,
  base: string,
  choice: Choice,
): Promise<LoadedInfo | undefined> {
  const { file, ...parts } = typeof source === "string" ? { file: source } : source;
  const [path] = sourceFiles(source, base) as readonly [string, ...string[]];
  if (typeof file !== "string" || (await isFolder(path))) return undefined;
  const kind = await sourceKind(path);
  checkParts(kind, path, parts);
  switch (kind) {
    case "npy":
      return { name: basename(path), array: await describeNpy(path) };
    case "npz":
      return npzHeader(path, parts.array);
    case "csv":
      return parts.sequence === undefined
        ? csvHeader(path, { ...choice, columns: parts.columns })
        : undefined;
  }
}

async function npzHeader(path: string, array: string | undefined): Promise<LoadedInfo> {
  const { arrays, problems } = await describeNpz(path);
  const wanted = array ?? (await onlyArray(path));
  const title = `${wanted} in ${basename(path)}`;
  const info = (name: string) => {
    const found = arrays.get(name);
    if (found !== undefined) return { name, array: found };
    const problem = problems.get(name);
    throw problem === undefined
      ? missingArray(path, name, [...arrays.keys()])
      : new GraftError("data-format", problem);
  };
  const several = await sequenceArrays(path, wanted);
  if (several === undefined) return { ...info(wanted), name: title };
  const parts = several.map(info);
  const { shape, lengths, layout } = paddedShape(parts, title);
  const { dtype } = parts[0]!.array;
  const note = sequencesNote(several);
  return { name: title, note, array: { shape, dtype }, lengths, ...(layout && { layout }) };
}

async function csvHeader(path: string, choice: ColumnChoice): Promise<LoadedInfo> {
  const table = await describeCsv(path);
  const { columns, flat } = chooseColumns(table, basename(path), choice);
  const isText = choice.values === "labels" && columns.some((column) => !table.numeric[column]);
  return {
    name: columnsName(basename(path), choice),
    note: table.header ? undefined : NO_HEADER,
    array: { shape: flat ? [-1] : [-1, columns.length], dtype: isText ? "string" : "float64" },
  };
}

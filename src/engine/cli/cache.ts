// graft cache: what is in the bottleneck store, whether it is whole, taking it away, and taking it along.
import { InvalidArgumentError } from "commander";
import { GraftError } from "../../protocol/errors";
import { bottleneckFolder } from "../cache/folder";
import { listSpaces, pruneSpaces, verifySpaces, type SpaceSummary } from "../cache/spaces";
import { exportBottlenecks } from "../train/export";
import { parseBackend } from "../train/backend";
import { count, counted, print, printJson, size, table } from "./output";
import { readRecipe } from "./plan";

interface Json {
  readonly json: boolean;
}

export async function listCommand({ json }: Json): Promise<void> {
  const folder = bottleneckFolder();
  const spaces = await listSpaces(folder);
  if (json) {
    printJson({ folder, spaces });
    return;
  }
  const total = spaces.reduce((sum, space) => sum + space.bytes, 0);
  print(`${folder}: ${counted(spaces.length, "space")}, ${size(total)}`);
  if (spaces.length === 0) return;
  const head = ["space", "size", "samples", "values", "last used", "bottlenecks of"];
  print(table([head, ...spaces.map(row)], [1, 2, 3]));
}

const row = (space: SpaceSummary): string[] => [
  shortName(space),
  size(space.bytes),
  count(space.samples),
  count(space.width),
  space.inUse ? "in use" : space.lastUsed.toISOString().slice(0, 16).replace("T", " "),
  space.note === undefined
    ? "(made by another version)"
    : `${space.note.cut.map(({ name }) => name).join(", ")} of ${space.note.checkpoint}, ${space.note.backend}, for ${space.note.recipe}`,
];

const shortName = ({ space }: SpaceSummary): string => space.slice(0, 12);

export async function verifyCommand({ json }: Json): Promise<void> {
  const folder = bottleneckFolder();
  const result = await verifySpaces(folder);
  if (json) printJson({ folder, ...result });
  else {
    for (const { file, problem } of result.damaged) print(`${file}: ${problem}`);
    print(
      `${folder}: ${counted(result.chunks, "file")}, ${counted(result.samples, "sample")}, ${size(result.bytes)}`,
    );
  }
  if (result.damaged.length > 0)
    throw new GraftError(
      "checksum-mismatch",
      `${result.damaged.length} of ${result.chunks} files are damaged. The next run that needs them computes their samples again; graft cache prune removes whole spaces.`,
    );
}

export interface PruneOptions extends Json {
  readonly olderThan?: number;
  readonly maxSize?: number;
  readonly all: boolean;
}

export async function pruneCommand({ olderThan, maxSize, all, json }: PruneOptions): Promise<void> {
  if (!all && olderThan === undefined && maxSize === undefined)
    throw new GraftError(
      "invalid-option",
      "Say what to remove: --older-than DAYS, --max-size SIZE (the rest goes, least recently used first), or --all.",
    );
  const days = 24 * 60 * 60 * 1000;
  const { removed, inUse } = await pruneSpaces(
    bottleneckFolder(),
    all
      ? {}
      : {
          ...(olderThan !== undefined && { before: new Date(Date.now() - olderThan * days) }),
          ...(maxSize !== undefined && { maxBytes: maxSize }),
        },
  );
  if (json) {
    printJson({ removed, inUse });
    return;
  }
  const freed = removed.reduce((sum, space) => sum + space.bytes, 0);
  print(`removed ${counted(removed.length, "space")}, ${size(freed)}`);
  for (const space of inUse) print(`kept ${shortName(space)}: a training uses it`);
}

export interface ExportOptions extends Json {
  readonly output: string;
  readonly backend?: string;
}

export async function exportCommand(file: string, options: ExportOptions): Promise<void> {
  const recipe = await readRecipe(file);
  const backend = parseBackend(options.backend ?? process.env["GRAFT_BACKEND"]);
  const { output } = options;
  const result = await exportBottlenecks(recipe, { output, backend, store: bottleneckFolder() });
  if (options.json) printJson(result);
  else {
    print(table(result.arrays.map(({ name, shape, dtype }) => [name, shape.join(" × "), dtype])));
    print(`written to ${output}; ${counted(result.computed, "sample")} computed`);
  }
}

/** "30" */
export function parseDays(text: string): number {
  const days = Number(text);
  if (text.trim() !== "" && days >= 0) return days;
  throw new InvalidArgumentError("Expected a number of days.");
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** "500MB", "2.5 GB", "1000000" */
export function parseSize(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)b?\s*$/i.exec(text);
  if (match !== null) return Number(match[1]) * UNITS[match[2].toLowerCase()];
  throw new InvalidArgumentError("Expected a size, such as 500MB or 2GB.");
}

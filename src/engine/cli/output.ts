// What the command line writes, and where: results on stdout, errors and progress on stderr.
import { GraftError, toErrorData } from "../../protocol/errors";

/** As a broken pipe ends other programs: whoever read, such as `head`, has enough. */
const BROKEN_PIPE = 128 + 13;

export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(BROKEN_PIPE);
    throw error;
  });
}

export const print = (text: string): void => void process.stdout.write(`${text}\n`);

export const printJson = (value: unknown): void => print(JSON.stringify(value));

/** Columns of text, numbers right-aligned. */
export function table(
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          rightAligned.includes(column)
            ? cell.padStart(widths[column])
            : cell.padEnd(widths[column]),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export const count = (number: number): string => number.toLocaleString("en-US");

/** "1 file", "2 files" */
export const counted = (number: number, what: string): string =>
  `${count(number)} ${what}${number === 1 ? "" : "s"}`;

/** "0.4 MB", "12 kB" */
export function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e5) return `${(bytes / 1e6).toFixed(1)} MB`;
  return bytes >= 1000 ? `${(bytes / 1000).toFixed(1)} kB` : `${bytes} bytes`;
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Runs a command; a user's error is a message and exit code 1, with `json` also an object on stdout. */
export async function guard(json: boolean, command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    const data = toErrorData(error);
    if (json) printJson({ error: data });
    process.stderr.write(`graft: ${data.message}\n`);
    // What is not a user's error is a bug: its stack helps whoever mends it.
    if (!(error instanceof GraftError) && process.env["GRAFT_DEBUG"]) console.error(error);
    process.exitCode = 1;
  }
}

// Graft as its user runs it: the built command line, on files in a folder that is thrown away.
import { execFile } from "node:child_process";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { readNpy } from "../../src/engine/data/npy";
import type { RunEvent } from "../../src/protocol/run";

const CLI = resolve(import.meta.dirname, "../../dist/cli.js");

/** A folder for the files of one test file. `remove` it afterwards. */
export async function makeFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  // TensorFlow reports resolved paths; on some systems the temporary folder is a link.
  const path = await realpath(await mkdtemp(join(tmpdir(), "graft-interop-")));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Runs the command line in `folder`; rejects with its stderr. Bottlenecks and runs stay in the folder too. */
export async function graft(folder: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], {
    cwd: folder,
    env: { ...process.env, GRAFT_CACHE_DIR: join(folder, "cache") },
    maxBuffer: 2 ** 28,
  });
  return stdout;
}

export async function writeRecipe(folder: string, name: string, recipe: object): Promise<void> {
  await writeFile(join(folder, name), JSON.stringify(recipe, null, 2));
}

export async function train(folder: string, recipe: string): Promise<RunEvent[]> {
  const stdout = await graft(folder, ["train", recipe, "--json"]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RunEvent);
}

type EventOf<Name extends RunEvent["event"]> = Extract<RunEvent, { event: Name }>;

export const eventsOf = <Name extends RunEvent["event"]>(
  events: readonly RunEvent[],
  name: Name,
): EventOf<Name>[] => events.filter((each): each is EventOf<Name> => each.event === name);

/** The last event of that name. */
export function eventOf<Name extends RunEvent["event"]>(
  events: readonly RunEvent[],
  name: Name,
): EventOf<Name> {
  const found = eventsOf(events, name).at(-1);
  if (found === undefined) throw new Error(`The run told no "${name}".`);
  return found;
}

/** What `graft predict` writes, as rows of numbers. */
export async function predict(
  folder: string,
  checkpoint: string,
  input: string,
  more: readonly string[] = [],
): Promise<number[][]> {
  const output = "predicted.npy";
  await graft(folder, ["predict", checkpoint, "--input", input, "--output", output, ...more]);
  const { shape, dtype, data } = await readNpy(join(folder, output));
  if (dtype !== "float32" || shape.length !== 2) {
    throw new Error(`Expected a matrix of float32, found ${shape.join(" × ")} ${dtype}.`);
  }
  const values = data as Float32Array;
  const width = shape[1];
  return Array.from({ length: shape[0] }, (_, row) =>
    Array.from(values.subarray(row * width, (row + 1) * width)),
  );
}

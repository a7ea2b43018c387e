// The Python programs that judge Graft's files: real TensorFlow, in a process of its own.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe } from "vitest";

const python = process.env.GRAFT_PYTHON;
const skipReason = process.env.GRAFT_PYTHON_SKIP_REASON ?? "GRAFT_PYTHON is not set";

/** A `describe` that needs TensorFlow; where there is none its title says why it was skipped. */
export function withTensorFlow(title: string, tests: () => void): void {
  if (python) describe(title, tests);
  else describe.skip(`${title} (skipped: ${skipReason})`, tests);
}

/** Values of `--name`; a list repeats the option. */
export type Options = Readonly<Record<string, string | number | true | readonly string[]>>;

/** Runs a script of this folder and returns the JSON object that it prints; rejects with its stderr. */
export async function oracle<Report>(
  script: string,
  paths: readonly string[],
  options: Options = {},
): Promise<Report> {
  if (!python) throw new Error(skipReason);
  const args = [join(import.meta.dirname, script), ...paths, ...flags(options)];
  const { stdout } = await promisify(execFile)(python, args, {
    // No __pycache__ beside the scripts and the sample.
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout) as Report;
}

/** As the scripts take them. */
export const flags = (options: Options): string[] =>
  Object.entries(options).flatMap(([name, value]) => {
    if (value === true) return [`--${name}`];
    const values = typeof value === "object" ? value : [value];
    return values.flatMap((each) => [`--${name}`, String(each)]);
  });

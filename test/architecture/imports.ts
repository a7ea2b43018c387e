// What the files of src/ import, read from their text: type imports count too, and a bundler drops those.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");

export interface Import {
  /** The importing file, from the repository's root. */
  readonly file: string;
  /** A path from the repository's root, or the name of a package. */
  readonly target: string;
}

const SPECIFIERS = [
  /^(?:import|export)\b[^;"]*?\bfrom\s*"([^"]+)"/gm,
  /^import\s*"([^"]+)"/gm,
  /\b(?:import|require)\(\s*"([^"]+)"/g,
];

export function importsIn(file: string, text: string): Import[] {
  return SPECIFIERS.flatMap((pattern) => [...text.matchAll(pattern)]).map(([, specifier = ""]) => ({
    file,
    target: specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier) : specifier,
  }));
}

/** The TypeScript files of a folder, from the repository's root. */
export const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => posix.join(folder, name.replaceAll("\\", "/")));

export const allImports = (): Import[] =>
  filesIn("src").flatMap((file) => importsIn(file, readFileSync(join(root, file), "utf8")));

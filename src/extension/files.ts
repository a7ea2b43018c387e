// Which files Graft looks for, and how recipes are named. Knows no VS Code.
import * as path from "node:path";

/** Files that stand for a checkpoint; the engine decides what they are. */
export const CHECKPOINT_GLOB = "**/{checkpoint,*.index,*.ckpt,*.ckpt-*,*.zip}";
/** All files of checkpoints. */
export const CHECKPOINT_FILES_GLOB =
  "**/{checkpoint,*.index,*.meta,*.ckpt,*.ckpt-*,*.data-*,*.zip}";
export const RECIPE_GLOB = "**/*.graft.json";
export const DATA_GLOB = "**/*.{npy,npz,csv,tsv}";
export const EXCLUDE_GLOB = "**/{node_modules,.git,.venv,venv,__pycache__}/**";

const RECIPE_SUFFIX = ".graft.json";

export function isRecipe(file: string): boolean {
  return file.endsWith(RECIPE_SUFFIX);
}

/** "digits.ckpt" → "digits.graft.json"; `taken` says which names are used for something else. */
export function recipeName(checkpointName: string, taken: (name: string) => boolean): string {
  const stem =
    checkpointName
      .replace(/\.ckpt(?=$|-)|\.(zip|bin)$/, "")
      .replace(/-[?\d]{5}-of-\d{5}$/, "")
      .replace(/[<>:"/\\|?*]/g, "_") || "checkpoint";
  for (let i = 1; ; i++) {
    const name = i === 1 ? `${stem}${RECIPE_SUFFIX}` : `${stem}-${i}${RECIPE_SUFFIX}`;
    if (!taken(name)) return name;
  }
}

/** "digits.ckpt" → "digits-retrained.ckpt" */
export function resultName(checkpointName: string, how: string): string {
  const suffix = /\.(zip|bin)$/.exec(checkpointName)?.[0] ?? ".ckpt";
  return `${checkpointName.replace(/\.ckpt.*$|\.(zip|bin)$/, "")}-${how}${suffix}`;
}

/** "digits.ckpt" → "digits.zip" */
export const convertedName = (checkpointName: string, suffix: string): string =>
  `${checkpointName.replace(/\.ckpt(?=$|-).*$|\.(zip|bin)$/, "")}${suffix}`;

/** How many characters of a name come before its suffix. */
export const stemLength = (name: string): number => name.replace(/\.(ckpt|zip|bin)$/, "").length;

/** How a recipe in `folder` writes `file`: relative where that is possible, with forward slashes. */
export function relativeTo(folder: string, file: string): string {
  const relative = path.relative(folder, file);
  return relative.split(path.sep).join("/");
}

/** Whether two absolute paths name the same file; Windows does not care about case. */
export function samePath(a: string, b: string): boolean {
  const [left, right] = [path.resolve(a), path.resolve(b)];
  return process.platform === "win32" ? left.toLowerCase() === right.toLowerCase() : left === right;
}

// Where Graft keeps what can be computed again: bottlenecks and runs.
import * as path from "node:path";
import envPaths from "env-paths";

const VARIABLE = "GRAFT_CACHE_DIR";

/** The platform's cache folder for Graft, unless GRAFT_CACHE_DIR names another. */
export const cacheFolder = (): string =>
  path.resolve(process.env[VARIABLE] || envPaths("graft", { suffix: "" }).cache);

/** Names another folder for this process, where one is given. */
export function useCacheFolder(folder: string | undefined): void {
  if (folder) process.env[VARIABLE] = path.resolve(folder);
}

export const bottleneckFolder = (): string => path.join(cacheFolder(), "bottlenecks");

export const runsFolder = (): string => path.join(cacheFolder(), "runs");

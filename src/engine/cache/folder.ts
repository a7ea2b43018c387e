// Where Graft keeps what can be computed again: bottlenecks and runs.
import * as path from "node:path";
import envPaths from "env-paths";

/** The platform's cache folder for Graft, unless GRAFT_CACHE_DIR names another. */
export const cacheFolder = (): string =>
  process.env["GRAFT_CACHE_DIR"] || envPaths("graft", { suffix: "" }).cache;

export const bottleneckFolder = (): string => path.join(cacheFolder(), "bottlenecks");

export const runsFolder = (): string => path.join(cacheFolder(), "runs");

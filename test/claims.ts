// Which process trains a run, as its folder says.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The process of the latest claim on the run in `folder`. */
export function jobPid(folder: string): number {
  const claims = readdirSync(folder).filter((name) => name.startsWith("claim-"));
  const { owner } = JSON.parse(readFileSync(join(folder, claims.sort().at(-1)!), "utf8")) as {
    owner: string;
  };
  return Number.parseInt(owner, 10);
}

// A file in a space for each process that uses it, so that nobody prunes what is in use.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { isAlive, OWNER, OWNER_PATTERN } from "../files/owner";

const LEASE = new RegExp(`^(${OWNER_PATTERN})\\.\\d+\\.lease$`);

let leases = 0;

export interface Lease {
  release(): Promise<void>;
}

export async function takeLease(folder: string): Promise<Lease> {
  const file = path.join(folder, `${OWNER}.${leases++}.lease`);
  await fs.writeFile(file, "");
  return { release: () => fs.rm(file, { force: true }).catch(() => undefined) };
}

/** Whether a process that lives uses the space. Leases of those that are gone are removed. */
export async function isLeased(folder: string): Promise<boolean> {
  let leased = false;
  for (const name of await fs.readdir(folder)) {
    const owner = LEASE.exec(name)?.[1];
    if (owner === undefined) continue;
    if (isAlive(owner)) leased = true;
    else await fs.rm(path.join(folder, name), { force: true });
  }
  return leased;
}

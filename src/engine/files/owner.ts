// Which process something belongs to: a name for it that no later process has, and whether that process still lives.
// Process numbers are reused, after a reboot and in containers above all; the number alone would not do.
import * as fs from "node:fs";
import * as os from "node:os";

/** Two boots are never so close; where the kernel does not number them, the clock tells them apart. */
const SAME_BOOT_SECONDS = 60;

const read = (file: string): string | undefined => {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
};

/** The kernel's name of this boot; undefined where there is none (macOS, Windows). */
const BOOT = read("/proc/sys/kernel/random/boot_id")?.replaceAll("-", "").slice(0, 12);

/** When a process began, in clock ticks since boot; undefined when it is gone. */
function linuxStart(pid: number): string | undefined {
  // The command's name, in brackets, may contain anything: what counts comes after it.
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const gone = fields === undefined || fields[0] === "Z" || fields[0] === "X";
  return gone ? undefined : fields[19];
}

const bootSeconds = (): number => Math.round(Date.now() / 1000 - os.uptime());

/** This process: letters, digits and hyphens, so that file names can carry it. */
export const OWNER: string =
  BOOT === undefined
    ? `${process.pid}-0-${bootSeconds()}`
    : `${process.pid}-${linuxStart(process.pid)}-${BOOT}`;

/** The form of `OWNER`, to find it in a file name. */
export const OWNER_PATTERN = String.raw`\d+-\d+-[0-9a-f]+`;

export function isAlive(owner: string): boolean {
  const [pid, start, boot] = owner.split("-");
  if (BOOT !== undefined) return boot === BOOT && linuxStart(Number(pid)) === start;
  if (Math.abs(Number(boot) - bootSeconds()) > SAME_BOOT_SECONDS) return false;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

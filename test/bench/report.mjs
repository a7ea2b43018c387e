// What the bench says: lines for people, lines for programs, and RESULTS.md.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/process.mjs";
import { THREADS } from "./runner.mjs";
import { WORKS } from "./works.mjs";

const digits = (value, count = 3) => Number(value.toPrecision(count)).toString();

function time(seconds) {
  if (seconds < 1e-3) return `${digits(seconds * 1e6)} µs`;
  return seconds < 1 ? `${digits(seconds * 1e3)} ms` : `${digits(seconds)} s`;
}

export function textLine({ work, peer, peerVersion, skipped, wrong, ...row }) {
  const what = `${work.padEnd(26)} ${peer.padEnd(12)}`;
  if (skipped) return `${what} skipped: ${skipped}`;
  if (wrong) return `${what} does not count: ${wrong}`;
  const times = `Graft ${time(row.graft)}, ${peer} ${time(row.peerMedian)}`;
  return `${what} ${`${digits(row.ratio)}×`.padStart(7)}   ${times} (${peerVersion})`;
}

/** One line of JSON; undefined where there is no comparison. */
export function jsonLine({ work, peer, peerVersion, graft, peerMedian, ratio, skipped, wrong }) {
  if (skipped || wrong) return undefined;
  return JSON.stringify({ work, peer, peerVersion, graft, peerMedian, ratio });
}

const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();

function machine({ rounds, load }) {
  const [{ model }] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const changed = git("status", "--porcelain") === "" ? "" : " and uncommitted changes";
  return [
    `${new Date().toISOString().slice(0, 10)}, commit ${git("rev-parse", "--short", "HEAD")}${changed}.`,
    `${model}, ${cpus().length} cores, ${memory} GB, ${type()} ${release()}, Node ${process.versions.node}.`,
    `Threads for everybody: ${THREADS}. Rounds: ${rounds}. Load before the first: ${load.toFixed(2)}.`,
  ].join("\n");
}

const cell = (text) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function tableRow({ peer, peerVersion, skipped, wrong, ...row }) {
  if (skipped) return [peer, "skipped", "", "", cell(skipped)];
  if (wrong) return [peer, "does not count", "", "", cell(wrong)];
  const range = `${digits(row.lowest)}–${digits(row.highest)}`;
  return [
    peer,
    time(row.graft),
    time(row.peerMedian),
    `${digits(row.ratio)} (${range})`,
    peerVersion,
  ];
}

function section(work, rows) {
  const [{ notes = {} } = {}] = rows.filter((row) => row.notes);
  const remarks = Object.entries(notes).map(([name, text]) => `${name}: ${text}`);
  const table = [
    ["peer", "Graft", "peer", "ratio (lowest–highest round)", "version, or why not"],
    ["---", "---", "---", "---", "---"],
    ...rows.map(tableRow),
  ];
  return [
    `## ${work}`,
    [`Measured: ${WORKS[work].unit}.`, ...remarks.map((each) => `Graft's ${each}.`)].join(" "),
    table.map((cells) => `| ${cells.join(" | ")} |`).join("\n"),
  ].join("\n\n");
}

/** Writes test/bench/RESULTS.md. `load`: the machine's before the first round. */
export async function writeResults(rows, conditions) {
  const works = [...new Set(rows.map(({ work }) => work))];
  const text = [
    "# Results of the bench",
    "Written by `npm run bench -- --write`. A ratio is the peer's time over Graft's: above 1, Graft is faster. What each work is: [README.md](README.md).",
    machine(conditions),
    ...works.map((work) =>
      section(
        work,
        rows.filter((row) => row.work === work),
      ),
    ),
  ].join("\n\n");
  const file = join(root, "test/bench/RESULTS.md");
  const { format, resolveConfig } = await import("prettier");
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), parser: "markdown" }));
  return file;
}

export const loadNow = () => loadavg()[0];

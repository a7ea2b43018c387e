// A run that is killed again and again: half the times at a random instant, half at a named point of a durable write. After
// each kill the store is whole, and no row that was committed is ever computed again; in the end the weights are those
// of a run that nobody disturbed. GRAFT_KILLS=200 kills more often. Needs `npm run build`, which `npm test` does first.
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { POINTS } from "../../../src/engine/files/replace";
import { verifyChunk } from "../../../src/engine/cache/chunk";
import { isLeased } from "../../../src/engine/cache/lease";
import { readNpy, writeNpy } from "../../../src/engine/data/npy";
import { randomStream } from "../../../src/engine/graph/random";
import type { RunEvent } from "../../../src/protocol/run";
import { digits, recipe, type Workplace } from "../train/world";

const KILLS = Number(process.env["GRAFT_KILLS"] ?? 12);
const SEED = Number(process.env["GRAFT_KILLS_SEED"] ?? 1);
const CLI = path.join(__dirname, "../../../dist/cli.js");
const SAMPLES = 15_000;
const CHUNKS = 2;

let place: Workplace;
let what: string;
beforeAll(async () => {
  place = digits();
  what = path.join(place.folder, "killed.graft.json");
  await writeManyDigits(place.folder);
  const phase = { epochs: 8, batch: 100 };
  const text = recipe({
    // Rows of 300 numbers: two chunks.
    edits: [{ freeze: "hidden1" }, { replaceOutput: { classes: 5 } }],
    data: { inputs: "many_X.npy", labels: "many_y.npy", validation: 0.2 },
    train: [
      { ...phase, optimizer: { momentum: { learningRate: 0.02 } } },
      { ...phase, optimizer: { momentum: { learningRate: 0.002 } }, continue: true },
    ],
    save: { as: "killed.ckpt" },
  });
  fs.writeFileSync(what, JSON.stringify(text));
});
afterAll(() => place.dispose());

/** The digits again and again, each time with other noise. */
async function writeManyDigits(folder: string): Promise<void> {
  const [x, y] = await Promise.all(
    ["X", "y"].map((name) => readNpy(path.join(folder, `digits_5_to_9_${name}.npy`))),
  );
  const random = randomStream(SEED, ["noise"]);
  const count = y.shape[0];
  const data = Float32Array.from(
    { length: SAMPLES * 64 },
    (_, index) => Number(x.data[index % (count * 64)]) + random.uniform(),
  );
  const labels = Int32Array.from({ length: SAMPLES }, (_, row) => Number(y.data[row % count]) - 5);
  await writeNpy(path.join(folder, "many_X.npy"), { dtype: "float32", shape: [SAMPLES, 64], data });
  await writeNpy(path.join(folder, "many_y.npy"), {
    dtype: "int32",
    shape: [SAMPLES],
    data: labels,
  });
}

/** When a process dies: after so long, or at the nth time that the write of a file stands at a point. */
type Death =
  | { readonly after: number }
  | { readonly point: (typeof POINTS)[number]; readonly file: string; readonly nth: number };

interface Outcome {
  readonly killed: boolean;
  readonly code: number | null;
  readonly events: readonly RunEvent[];
  readonly errors: string;
  readonly milliseconds: number;
}

function train(cache: string, resume: string | undefined, death?: Death): Promise<Outcome> {
  const preload = death !== undefined && "point" in death;
  const child = spawn(
    process.execPath,
    [
      ...(preload ? ["--require", path.join(__dirname, "dieAt.cjs")] : []),
      ...[CLI, "train", what, "--json", "--cache", cache],
      ...(resume === undefined ? [] : ["--resume", resume]),
    ],
    { env: { ...process.env, DIE_AT: JSON.stringify(death ?? {}) } },
  );
  const began = performance.now();
  let [output, errors] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
  const timer =
    death !== undefined && "after" in death
      ? setTimeout(() => child.kill("SIGKILL"), death.after)
      : undefined;
  return new Promise((resolve) =>
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      // The last line may have been cut off.
      const lines = output.split("\n").slice(0, -1);
      resolve({
        killed: signal === "SIGKILL",
        code,
        errors,
        events: lines.map((line) => JSON.parse(line) as RunEvent),
        milliseconds: performance.now() - began,
      });
    }),
  );
}

const isNothing = ({ events }: Outcome) => JSON.stringify(events).includes("run-not-found");

const hashes = ({ events }: Outcome) => {
  const told = events.find((event) => event.event === "variables");
  return told?.event === "variables"
    ? Object.fromEntries(told.variables.map(({ name, sha256 }) => [name, sha256]))
    : undefined;
};

/** Everything that was committed: each file whole, and no key in it twice. Returns the files' identities. */
async function committed(cache: string): Promise<Map<string, number>> {
  const root = path.join(cache, "bottlenecks");
  const files = new Map<string, number>();
  const keys = new Set<string>();
  let rows = 0;
  for (const space of fs.existsSync(root) ? fs.readdirSync(root) : []) {
    expect(await isLeased(path.join(root, space))).toBe(false);
    for (const name of fs.readdirSync(path.join(root, space))) {
      if (!name.endsWith(".rows")) continue;
      const file = path.join(root, space, name);
      const chunk = await verifyChunk(file);
      files.set(name, fs.statSync(file).ino);
      for (let at = 0; at < chunk.keys.length; at += 4, rows++)
        keys.add(chunk.keys.subarray(at, at + 4).join());
    }
  }
  expect(keys.size).toBe(rows);
  return files;
}

const temporaries = (folder: string) =>
  fs.readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith(".tmp"));

const latestRun = (cache: string) => {
  const runs = path.join(cache, "runs");
  return fs.existsSync(runs) ? fs.readdirSync(runs).sort().at(-1) : undefined;
};

describe("a run that is killed", () => {
  test(
    `${KILLS} times ends with the weights of one that is not`,
    { timeout: 3_600_000 },
    async () => {
      const reference = await train(path.join(place.folder, "reference"), undefined);
      expect(reference).toMatchObject({ killed: false, code: 0 });
      const expected = hashes(reference)!;

      const random = randomStream(SEED, ["kills"]);
      let [kills, finished, caches] = [0, 0, 0];
      let cache = "";
      let files = new Map<string, number>();
      const begin = () => {
        cache = path.join(place.folder, `cache-${caches++}`);
        files = new Map();
      };
      begin();
      const check = async (end: Outcome) => {
        const now = await committed(cache);
        // What was committed stays, and is not written again.
        for (const [name, inode] of files) expect(now.get(name)).toBe(inode);
        files = now;
        // It may have been killed as it saved, after it told what came out.
        if (hashes(end) !== undefined) expect(hashes(end)).toEqual(expected);
        if (end.killed) {
          kills++;
          return;
        }
        expect(hashes(end)).toBeDefined();
        // What the killed ones left in the cache and beside the result is gone.
        expect(temporaries(place.folder)).toEqual([]);
        finished++;
        begin();
      };
      for (let attempt = 0; kills < KILLS; attempt++) {
        const place = Math.floor(attempt / 2);
        const death: Death =
          attempt % 2 === 0
            ? { after: random.uniform() * reference.milliseconds }
            : {
                point: POINTS[place % POINTS.length],
                // Rows are written only while some are missing.
                file: files.size === CHUNKS ? "state.bin" : ".rows",
                nth: 1 + random.below(2),
              };
        const run = latestRun(cache);
        let end = await train(cache, run, death);
        // Killed before it kept anything, or before it was a run at all.
        if (isNothing(end)) end = await train(cache, undefined, death);
        expect(end.killed || end.code === 0, `${JSON.stringify(death)}: ${end.errors}`).toBe(true);
        await check(end);
      }
      // What the last one left goes on to its end.
      const run = latestRun(cache);
      if (run !== undefined) {
        let end = await train(cache, run);
        if (isNothing(end)) end = await train(cache, undefined);
        await check(end);
      }
      console.log(`${(reference.milliseconds / 1000).toFixed(1)} s undisturbed`);
      console.log(`${kills} kills, ${finished} runs finished`);
      expect(finished).toBeGreaterThan(0);
    },
  );
});

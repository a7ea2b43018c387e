// How much memory training takes from a store that is larger: a run of the built command line, its resident memory sampled.
//   node test/bench/memory.mjs [--gigabytes 4] [--batch 500] [--backend wasm] [--folder DIR] [--keep]
// Rows are those of a layer widened to 4,096 units; the folder (in the system's temporary one) needs as much space. Linux only.
import { spawn } from "node:child_process";
import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../../scripts/process.mjs";

const { values: options } = parseArgs({
  options: {
    gigabytes: { type: "string", default: "4" },
    batch: { type: "string", default: "500" },
    backend: { type: "string", default: "auto" },
    folder: { type: "string", default: tmpdir() },
    keep: { type: "boolean", default: false },
  },
});

const INPUTS = 64;
const UNITS = 4096;
const CLASSES = 5;
const samples = Math.ceil((Number(options.gigabytes) * 1e9) / (UNITS * 4));

function writeNpy(file, descr, shape, part, parts) {
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const text = dict.padEnd(128 - 10 - 1) + "\n";
  const handle = openSync(file, "w");
  writeSync(
    handle,
    Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00", "latin1"),
      Buffer.from([text.length, 0]),
      Buffer.from(text),
    ]),
  );
  for (let index = 0; index < parts; index++) writeSync(handle, part(index));
  closeSync(handle);
}

const folder = mkdtempSync(join(options.folder, "graft-memory-"));
cpSync(join(root, "samples/digits"), folder, { recursive: true });
const row = new Float32Array(INPUTS);
writeNpy(
  join(folder, "X.npy"),
  "<f4",
  [samples, INPUTS],
  () => {
    for (let at = 0; at < INPUTS; at++) row[at] = Math.random() * 16;
    return new Uint8Array(row.buffer);
  },
  samples,
);
const labels = Int32Array.from({ length: samples }, () => Math.floor(Math.random() * CLASSES));
writeNpy(join(folder, "y.npy"), "<i4", [samples], () => new Uint8Array(labels.buffer), 1);
const recipe = join(folder, "memory.graft.json");
writeFileSync(
  recipe,
  JSON.stringify({
    checkpoint: "digits_0_to_4.ckpt",
    edits: [
      { addUnits: { layer: "hidden1", units: UNITS - 300, init: "random", train: "all" } },
      { freeze: "hidden1" },
      { replaceOutput: { classes: CLASSES } },
    ],
    data: { inputs: "X.npy", labels: "y.npy", validation: 0.1 },
    train: [
      { epochs: 1, batch: Number(options.batch), optimizer: { sgd: { learningRate: 1e-4 } } },
    ],
  }),
);

const child = spawn(
  process.execPath,
  [join(root, "dist/cli.js"), "train", recipe, "--json", "--cache", join(folder, "cache")],
  { env: { ...process.env, GRAFT_BACKEND: options.backend }, stdio: ["ignore", "pipe", "inherit"] },
);
let stage = "start";
const peaks = {};
const began = {};
const timer = setInterval(() => {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"));
  if (found) peaks[stage] = Math.max(peaks[stage] ?? 0, Number(found[1]) / 1000);
}, 50);
let rest = "";
child.stdout.on("data", (data) => {
  const lines = (rest + data).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const event = JSON.parse(line);
    const next = { bottlenecks: "featurizing", step: "training", epoch: "validated" }[event.event];
    if (next && next !== stage) began[(stage = next)] = performance.now();
    if (event.event === "ended" || event.error) console.log(event.message ?? event.error.message);
  }
});
child.on("close", () => {
  clearInterval(timer);
  if (!options.keep) rmSync(folder, { recursive: true, force: true });
  console.log(
    `${samples} rows of ${UNITS} numbers, ${options.gigabytes} GB, batch ${options.batch}`,
  );
  for (const [name, peak] of Object.entries(peaks))
    console.log(`${name}: at most ${peak.toFixed(0)} MB resident`);
  const seconds = (from, to) => ((began[to] - began[from]) / 1000).toFixed(1);
  console.log(
    `featurized in ${seconds("featurizing", "training")} s, an epoch with validation in ${seconds("training", "validated")} s`,
  );
});

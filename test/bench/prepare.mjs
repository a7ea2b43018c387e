// The folder of a work: its data, its checkpoint, its recipe, the order of its samples. Made once, in the cache.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "../../scripts/cache.mjs";
import { root, run } from "../../scripts/process.mjs";
import { environment } from "./environments.mjs";
import { program } from "./programs.mjs";
import { frozenLayers } from "./works.mjs";

const MAKERS = ["prepare.py", "networks.py"].map((name) => join(root, "test/bench/peers", name));

/** Two more epochs than are timed: one to warm up, one whose losses everybody reads. */
const trainedEpochs = ({ kind, epochs = 1 }) => (kind === "train" ? epochs + 2 : epochs);

function recipeOf(work) {
  const frozen = frozenLayers(work).map(({ name }) => ({ freeze: name }));
  return {
    checkpoint: "model.ckpt",
    edits: frozen,
    data: { inputs: { X: "X.npy" }, labels: "y.npy", validation: 0 },
    train: [
      {
        epochs: trainedEpochs(work),
        batch: work.batch,
        optimizer: { sgd: { learningRate: work.learningRate ?? 0.01 } },
      },
    ],
    save: { as: "result/graft.ckpt" },
  };
}

async function must(what, [command, ...args]) {
  const { code, output } = await run(command, args, { capture: true });
  if (code !== 0) throw new Error(`${what} failed (${code}): ${output.trim().slice(-1500)}`);
}

/** Throws where there is no Python: TensorFlow writes the checkpoint that all start from. */
export async function prepareWork(name, work) {
  const recipe = recipeOf(work);
  const { command, reason } = await environment("python");
  if (reason) throw new Error(`The bench needs Python with TensorFlow: ${reason}`);
  const sources = MAKERS.map((file) => readFileSync(file, "utf8"));
  return cached(`bench-${name}`, [work, recipe, sources], async (folder) => {
    const told = { name, ...work, frozenLayers: frozenLayers(work).map((layer) => layer.name) };
    writeFileSync(join(folder, "work.json"), JSON.stringify(told, null, 2));
    writeFileSync(join(folder, "work.graft.json"), JSON.stringify(recipe, null, 2));
    await must(`preparing ${name}`, [...command("prepare"), folder]);
    const order = [process.execPath, program("order"), folder, String(work.samples)];
    await must(`the order of ${name}`, order);
  });
}

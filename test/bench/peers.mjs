// Who is measured. `environment` and `program`: what runs it. `agrees`: how far, relatively, its result may be from Graft's
// for each kind of work; undefined where there is no result. `request`: what it is asked for besides the work. `job`: how it does a whole one.
import { join } from "node:path";
import { root } from "../../scripts/process.mjs";

/** Same values, same batches in the same order: only rounding differs. */
const SAME_BATCHES = 1e-3;
/** Same values, batches of its own: the order of samples moves these losses by 0.02 %, twice the learning rate by 5 %. */
const OWN_BATCHES = 0.005;
const SAME_FORWARD = 1e-4;

export const PEERS = {
  graft: { environment: "node", program: "worker", job: graftJob },
  tf1: {
    environment: "python",
    program: "tf1",
    agrees: { train: SAME_BATCHES, job: SAME_BATCHES },
    job: onceJob,
  },
  keras: {
    environment: "python",
    program: "keras_peer",
    agrees: { train: OWN_BATCHES, featurize: SAME_FORWARD, job: OWN_BATCHES },
    job: onceJob,
  },
  "tf-function": {
    environment: "python",
    program: "tf_function",
    agrees: { featurize: SAME_FORWARD },
  },
  dl4j: {
    environment: "java",
    program: "Dl4jPeer",
    agrees: { train: OWN_BATCHES },
    // Its small ops are faster on one thread than on two (0.28 and 0.35 s an epoch): it gets what suits it.
    env: { OMP_NUM_THREADS: "1" },
  },
  "tfjs-node": { environment: "native", program: "tfjsNode", agrees: { train: SAME_BATCHES } },
  matmul: { environment: "python", program: "matmul", agrees: {} },
  uncached: {
    environment: "node",
    program: "worker",
    agrees: { retrain: SAME_BATCHES },
    request: { cache: false },
  },
};

/** A whole job of a peer: its program, asked once. */
function onceJob(command, folder) {
  return {
    command: [...command, "--once", folder],
    check: (output) => JSON.parse(output.trim().split("\n").at(-1)).check,
  };
}

/** A whole job of Graft: its command line, with an empty cache: `folder`/result is. */
function graftJob(_command, folder, { backend }) {
  const recipe = join(folder, "work.graft.json");
  return {
    command: [
      ...[process.execPath, join(root, "dist/cli.js"), "train", recipe, "--json"],
      ...["--backend", backend],
    ],
    env: { GRAFT_CACHE_DIR: join(folder, "result/cache") },
    check: (output) => {
      const events = output
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      if (!events.some(({ event }) => event === "saved")) throw new Error("nothing was saved");
      return events.findLast(({ event }) => event === "epoch").loss;
    },
  };
}

// Chooses what computes, in this one place, and says why.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as util from "node:util";
import { GraftError } from "../../protocol/errors";
import type { BackendInfo } from "../../protocol/run";
import { loadRuntime } from "../compile/session";
import type { OpName } from "../graph/catalogue";
import type { Model } from "../graph/model";
import { tf } from "../ops/tf";
import { compiled } from "./compiled";
import { eager } from "./eager";
import type { Executor } from "./executor";
import { withFallback } from "./fallback";

export const BACKENDS = ["compiled", "tfjs-node", "wasm", "cpu"] as const;
export type BackendName = (typeof BACKENDS)[number];
export type BackendChoice = BackendName | "auto";
type EagerName = Exclude<BackendName, "compiled">;

/**
 * Ops whose gradient needs a kernel that the wasm backend does not have (Conv2DBackpropFilter, UnsortedSegmentSum, …),
 * or has wrong (MaxPool's, where the largest values are negative or tie, as after a ReLU).
 */
export const NO_GRADIENT_ON_WASM: ReadonlySet<OpName> = new Set<OpName>([
  "Conv2D",
  "DepthwiseConv2D",
  "Conv2DTranspose",
  "MaxPool",
  "Gather",
]);

/** What a run needs of a backend. */
export interface BackendNeeds {
  /** Nodes that gradients flow through. */
  readonly trained: ReadonlySet<string>;
  /** Told what runs elsewhere than on the chosen backend. */
  readonly note: (text: string) => void;
  /** The most threads that a compiled program may use; those of the machine where it is not said. */
  readonly threads?: number | undefined;
  /** Why this choice; "as asked" where it is not said. */
  readonly because?: string | undefined;
  /** How long training may go on without looking up. */
  readonly turnMs?: number | undefined;
}

/** Reads a choice as a person writes it, in a setting or a flag. */
export function parseBackend(text: string | undefined): BackendChoice {
  if (text === undefined || text === "" || text === "auto") return "auto";
  const name = BACKENDS.find((each) => each === text);
  if (name !== undefined) return name;
  throw new GraftError(
    "backend-unavailable",
    `There is no backend ${text}. The backends are auto, ${BACKENDS.join(", ")}.`,
  );
}

const asked = ({ because = "as asked" }: BackendNeeds): string => because;

/** What runs a model. Throws `backend-unavailable` where a chosen backend cannot run. */
export async function chooseExecutor(
  choice: BackendChoice,
  model: Model,
  needs: BackendNeeds,
): Promise<Executor> {
  if (choice !== "auto" && choice !== "compiled") return chooseEager(choice, model, needs);
  const runtime = loadRuntime();
  if ("version" in runtime) {
    const threads = needs.threads ?? os.availableParallelism();
    const reason = choice === "auto" ? "the fastest one" : asked(needs);
    const version = `onnxruntime ${runtime.version}`;
    const executor = compiled(
      { name: "compiled", version, reason, threads },
      threads,
      needs.turnMs,
    );
    return withFallback(executor, () => chooseEager("auto", model, needs), needs.note);
  }
  if (choice === "compiled")
    throw new GraftError("backend-unavailable", `${runtime.problem}. Choose auto, wasm or cpu.`);
  return chooseEager("auto", model, needs, `${runtime.problem}; `);
}

async function chooseEager(
  choice: EagerName | "auto",
  model: Model,
  needs: BackendNeeds,
  because = "",
): Promise<Executor> {
  const missing = [...needs.trained]
    .map((name) => model.nodes.get(name)!)
    .find((node) => NO_GRADIENT_ON_WASM.has(node.op));
  if (choice !== "auto") {
    if (choice === "wasm" && missing !== undefined)
      throw new GraftError(
        "backend-unavailable",
        `The wasm backend cannot train through ${missing.name} (${missing.op}). Choose compiled, cpu or tfjs-node, or freeze up to here.`,
      );
    return set(choice, asked(needs), needs);
  }
  const native = loadNative();
  if (native === undefined)
    return set("tfjs-node", `${because}native TensorFlow is installed`, needs);
  if (missing === undefined)
    return set("wasm", `${because}${native}; wasm trains every op of this graph`, needs);
  const cannot = `wasm cannot train through ${missing.name} (${missing.op})`;
  return set("cpu", `${because}${native}; ${cannot}`, needs);
}

async function set(name: EagerName, reason: string, needs: BackendNeeds): Promise<Executor> {
  switch (name) {
    case "tfjs-node": {
      const problem = loadNative();
      if (problem !== undefined) throw new GraftError("backend-unavailable", `${problem}.`);
      await tf.setBackend("tensorflow");
      break;
    }
    case "wasm": {
      const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
      setWasmPaths(wasmFolder());
      await tf.setBackend("wasm");
      break;
    }
    case "cpu":
      await import("@tensorflow/tfjs-backend-cpu");
      await tf.setBackend("cpu");
      break;
  }
  await tf.ready();
  return eager({ name, version: tf.version_core, reason }, needs.turnMs);
}

/** Loads tfjs-node; says why where that fails. */
function loadNative(): string | undefined {
  try {
    // tfjs-node 4.22 calls a function that Node 23 removed.
    const legacy = util as { isNullOrUndefined?: (value: unknown) => boolean };
    legacy.isNullOrUndefined ??= (value) => value === null || value === undefined;
    require("@tensorflow/tfjs-node");
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === "MODULE_NOT_FOUND"
      ? "tfjs-node is not installed"
      : `tfjs-node does not load (${(error as Error).message.split("\n")[0]})`;
  }
}

/** "compiled (onnxruntime 1.30.0, up to 2 threads): the fastest one" */
export const backendText = ({ name, version, reason, threads }: BackendInfo): string =>
  `${name} (${[version, ...(threads === undefined ? [] : [`up to ${threads} threads`])].join(", ")}): ${reason}`;

/** The .wasm files lie beside the bundle, or in the package when nothing is bundled. */
function wasmFolder(): string {
  const file = "tfjs-backend-wasm.wasm";
  if (fs.existsSync(path.join(__dirname, file))) return __dirname + path.sep;
  return path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + path.sep;
}

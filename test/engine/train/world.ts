// Runs recipes in this process, in a folder that goes away.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { RunEvent } from "../../../src/protocol/run";
import { parseRecipe } from "../../../src/engine/recipe/parse";
import type { BackendChoice } from "../../../src/engine/train/backend";
import type { SavedState } from "../../../src/engine/train/state";
import { trainRecipe } from "../../../src/engine/train/train";

export const SAMPLES = path.join(__dirname, "../../../samples");

export interface Workplace {
  readonly folder: string;
  /** Bottlenecks, kept between the runs of one workplace. */
  readonly store: string;
  dispose(): void;
}

/** A copy of the digits sample. */
export const digits = (): Workplace => copyOf("digits");

/** A copy of a sample's folder. */
export function copyOf(sample: string): Workplace {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "graft-train-"));
  // Whoever tried the sample left its result there.
  const filter = (file: string) => path.basename(file) !== "result";
  fs.cpSync(path.join(SAMPLES, sample), folder, { recursive: true, filter });
  return {
    folder,
    store: path.join(folder, "store"),
    dispose: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

/** The sample's recipe with some of its parts replaced. */
export const recipe = (more: object = {}): object => ({
  checkpoint: "digits_0_to_4.ckpt",
  edits: [{ freeze: "hidden[12]" }, { replaceOutput: { classes: 5 } }],
  data: {
    inputs: { X: "digits_5_to_9_X.npy" },
    labels: "digits_5_to_9_y.npy",
    classes: ["5", "6", "7", "8", "9"],
    validation: 0.2,
  },
  train: [{ epochs: 3, batch: 50, optimizer: { momentum: { learningRate: 0.02 } } }],
  ...more,
});

export interface Trained {
  readonly events: readonly RunEvent[];
  readonly states: readonly SavedState[];
  /** How often training looked up. */
  readonly turns: number;
  of<Name extends RunEvent["event"]>(name: Name): Extract<RunEvent, { event: Name }>[];
}

export interface TrainOptions {
  readonly backend?: BackendChoice;
  readonly resume?: SavedState;
  /** Stops after so many looks up: after each step of training there is one. */
  readonly stopAfter?: number;
  /** How long training may go on without looking up. */
  readonly turnMs?: number;
  readonly watch?: (event: RunEvent) => void;
  /** Bytes of bottlenecks in memory. */
  readonly memory?: number;
}

export async function train(
  { folder, store }: Workplace,
  what: object,
  { backend = "compiled", resume, stopAfter, turnMs, watch, memory }: TrainOptions = {},
): Promise<Trained> {
  const file = path.join(folder, "test.graft.json");
  const events: RunEvent[] = [];
  const states: SavedState[] = [];
  let asked = 0;
  let training = false;
  await trainRecipe(parseRecipe(file, JSON.stringify(what)), {
    run: "test",
    backend,
    store,
    ...(memory !== undefined && { memory }),
    emit: (event) => {
      events.push(event);
      watch?.(event);
      if (event.event === "phase") training = true;
    },
    ...(stopAfter !== undefined && { turnMs: 0 }),
    ...(turnMs !== undefined && { turnMs }),
    stopRequested: () => training && ++asked > (stopAfter ?? Infinity),
    abandoned: () => false,
    resume: resume ?? null,
    keepState: async (state) => void states.push(state),
  });
  return {
    events,
    states,
    turns: asked,
    of: <Name extends RunEvent["event"]>(name: Name) =>
      events.filter((event): event is Extract<RunEvent, { event: Name }> => event.event === name),
  };
}

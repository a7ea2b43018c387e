// A run from its folder: what the job process and the command line both do.
import { GraftError, toErrorData } from "../../protocol/errors";
import type { RunEvent } from "../../protocol/run";
import { bottleneckFolder } from "../cache/folder";
import { parseRecipe } from "../recipe/parse";
import { parseBackend } from "./backend";
import { appendEvent, claimRun, openRun, type OpenedRun } from "./runs";
import { readState, writeState } from "./state";
import { trainRecipe } from "./train";

export interface JobControl {
  readonly emit: (event: RunEvent) => void;
  readonly stopRequested: () => boolean;
  readonly abandoned: () => boolean;
  /** As a setting or a flag says it; undefined chooses. */
  readonly backend: string | undefined;
}

/** Runs (or goes on with) the run `name`. A failure is an `ended` event, and is thrown as well. */
export async function runJob(name: string, resume: boolean, control: JobControl): Promise<void> {
  const run = openRun(name);
  await claimRun(run);
  const emit = (event: RunEvent) => {
    appendEvent(run, event);
    control.emit(event);
  };
  const began = performance.now();
  try {
    const state = resume ? await stateToResume(run) : null;
    await trainRecipe(parseRecipe(run.record.recipe, run.text), {
      run: run.run,
      backend: parseBackend(control.backend),
      store: bottleneckFolder(),
      emit,
      stopRequested: control.stopRequested,
      abandoned: control.abandoned,
      resume: state,
      keepState: (next) => writeState(run.stateFile, next),
    });
  } catch (error) {
    const { code, message } = toErrorData(error);
    const seconds = (performance.now() - began) / 1000;
    const ended = { state: "failed", message, code, prefixSamples: 0, seconds } as const;
    try {
      emit({ event: "ended", ...ended });
    } catch {
      // Where the disk takes nothing more, what failed first is what counts.
    }
    throw error;
  }
}

async function stateToResume(run: OpenedRun) {
  const state = await readState(run.stateFile);
  if (state !== null) return state;
  throw new GraftError(
    "run-not-found",
    `The run ${run.run} ended before it kept anything, so there is nothing to resume. Train again.`,
  );
}

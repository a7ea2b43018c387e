// graft verify: proves on a person's own model and data what the tests prove on ours. Writes nothing but a temporary folder.
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import type { Verification, VerifyCheck } from "../../protocol/verify";
import { openCheckpoint } from "../formats/table";
import type { OpenRecipe } from "../recipe/parse";
import { backendText, type BackendChoice } from "../train/backend";
import { prepare } from "../train/prepare";
import { inferenceExecutor } from "../train/score";
import { checkCached } from "./cached";
import { checkComparison } from "./comparison";
import { checkFunction } from "./drift";
import { checkFrozen } from "./frozen";
import { sampleOf, trial } from "./trial";

/** Steps where nobody says how many. */
export const VERIFY_STEPS = 10;

export interface VerifyRequest {
  readonly open: OpenRecipe;
  /** Training steps of each phase. */
  readonly steps: number;
  /** What a finished run of the recipe has saved, to be compared as well. */
  readonly result: string | undefined;
  readonly backend: BackendChoice;
  readonly stopRequested: () => boolean;
}

/** Throws where the recipe cannot be trained; what is wrong otherwise is a check that failed. */
export async function verifyRecipe(request: VerifyRequest): Promise<Verification> {
  const { open, steps, backend, stopRequested } = request;
  const prepared = await prepare(open);
  const { checkpoint, phases } = prepared;
  const store = await fs.mkdtemp(path.join(os.tmpdir(), "graft-verify-"));
  try {
    const result = request.result === undefined ? undefined : await openCheckpoint(request.result);
    try {
      const sample = sampleOf(open, prepared, steps);
      const world = { backend, store, steps, stopRequested };
      const run = async (of: OpenRecipe) => {
        const done = await trial(of, sample, world);
        if (done === null) throw new GraftError("cancelled", "The verification was stopped.");
        return done;
      };
      const cached = await run(open);
      const checks: VerifyCheck[] = [await checkFrozen(cached, result)];
      checks.push(
        cached.cached
          ? checkCached(cached, await run(withoutCache(open)))
          : {
              check: "cached",
              state: "skipped",
              text: "no phase trains on bottlenecks",
              details: [],
              figures: {},
            },
      );
      const executor = await inferenceExecutor(backend, phases[0], () => undefined);
      checks.push(await checkFunction({ open, checkpoint, executor, samples: prepared }));
      checks.push(await checkComparison({ open, source: checkpoint, result, backend }));
      return {
        recipe: open.path,
        steps,
        backend: backendText(cached.backend),
        checks,
        passed: checks.every(({ state }) => state !== "failed"),
      };
    } finally {
      await result?.close();
    }
  } finally {
    await checkpoint.close();
    await fs.rm(store, { recursive: true, force: true });
  }
}

const withoutCache = (open: OpenRecipe): OpenRecipe => ({
  ...open,
  recipe: { ...open.recipe, train: open.recipe.train.map((phase) => ({ ...phase, cache: false })) },
});

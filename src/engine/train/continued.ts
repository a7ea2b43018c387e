// A phase that continues: whether it takes over the optimizer's state of the phase before, and how many updates that
// state has seen. Both follow from the recipe, so that neither is kept with a run.
import type { Phase } from "../recipe/schema";
import { optimizerRule } from "./optimizers/table";

/** Whether phase `index` goes on with the slots of the one before: it says so, and they hold the same. */
export function takesOver(phases: readonly Phase[], index: number): boolean {
  if (index === 0 || !phases[index].continue) return false;
  const [before, now] = [phases[index - 1], phases[index]].map((phase) =>
    optimizerRule(phase.optimizer),
  );
  return before.holds === now.holds;
}

/** Steps of an epoch over `samples`; the last one may be smaller. */
export const stepsPerEpoch = (phase: Phase, samples: number): number =>
  Math.ceil(samples / phase.batch);

/** Updates that the optimizer's state has seen when phase `index` begins: 0 where it is fresh. */
export function updatesBefore(phases: readonly Phase[], index: number, samples: number): number {
  if (!takesOver(phases, index)) return 0;
  const before = phases[index - 1];
  return updatesBefore(phases, index - 1, samples) + before.epochs * stepsPerEpoch(before, samples);
}

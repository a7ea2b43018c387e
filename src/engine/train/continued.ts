// A phase that continues: how many updates the optimizers' state has seen that it takes over. It follows from the recipe,
// so that it is not kept with a run.
import type { Phase } from "../recipe/schema";
import { optimizerRule } from "./optimizers/table";

/** Whether an optimizer of a phase, its own or one of a group, has slots that hold `what`. */
const holds = ({ optimizer, groups = [] }: Phase, what: string): boolean =>
  [optimizer, ...groups.flatMap((group) => group.optimizer ?? [])].some(
    (each) => optimizerRule(each).holds === what,
  );

/** Steps of an epoch over `samples`; the last one may be smaller. */
export const stepsPerEpoch = (phase: Phase, samples: number): number =>
  Math.ceil(samples / phase.batch);

/** Updates that slots that hold `what` have seen when phase `index` begins: 0 where they are fresh. */
export function updatesBefore(
  phases: readonly Phase[],
  index: number,
  samples: number,
  what: string,
): number {
  const before = phases[index - 1];
  if (index === 0 || !phases[index].continue || !holds(before, what)) return 0;
  const steps = before.epochs * stepsPerEpoch(before, samples);
  return updatesBefore(phases, index - 1, samples, what) + steps;
}

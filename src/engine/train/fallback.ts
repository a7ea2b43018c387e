// What cannot be compiled runs eagerly: a whole step, or a whole forward pass, never parts of one.
import { Untraceable } from "../compile/recorder";
import type { Executor, Forward, Training } from "./executor";

/** Tries `first`; where an op cannot be compiled, tells it once and goes on with `second`. */
export function withFallback(
  first: Executor,
  second: () => Promise<Executor>,
  note: (text: string) => void,
): Executor {
  const told = new Set<string>();
  const fallen = async (error: unknown, what: string): Promise<Executor> => {
    if (!(error instanceof Untraceable)) throw error;
    const executor = await second();
    const text = `${error.message}, so ${what} on ${executor.info.name}: ${executor.info.reason}.`;
    if (!told.has(text)) note(text);
    told.add(text);
    return executor;
  };
  return {
    info: first.info,
    forward(request): Forward {
      let forward = first.forward(request);
      return {
        run: (...batch) =>
          forward.run(...batch).catch(async (error: unknown) => {
            const executor = await fallen(error, "the forward pass runs");
            await forward.release();
            forward = executor.forward(request);
            return forward.run(...batch);
          }),
        release: () => forward.release(),
      };
    },
    training(request): Training {
      let training = first.training(request);
      return {
        run: (...steps) =>
          training.run(...steps).catch(async (error: unknown) => {
            const executor = await fallen(error, "training runs");
            await training.release();
            training = executor.training(request);
            return training.run(...steps);
          }),
        release: () => training.release(),
      };
    },
  };
}

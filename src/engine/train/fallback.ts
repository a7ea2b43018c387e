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
  /** Something of the first executor, until it cannot be compiled; then of the other. */
  function switching<T extends { release(): Promise<void> }>(
    make: (executor: Executor) => T,
    what: string,
  ) {
    let current = make(first);
    return {
      use: <R>(work: (current: T) => Promise<R>): Promise<R> =>
        work(current).catch(async (error: unknown) => {
          const executor = await fallen(error, what);
          await current.release();
          current = make(executor);
          return work(current);
        }),
      release: () => current.release(),
    };
  }

  return {
    info: first.info,
    forward(request): Forward {
      const forward = switching((executor) => executor.forward(request), "the forward pass runs");
      return {
        prepare: (...what) => forward.use((each) => each.prepare(...what)),
        run: (...batch) => forward.use((each) => each.run(...batch)),
        release: () => forward.release(),
      };
    },
    training(request): Training {
      const training = switching((executor) => executor.training(request), "training runs");
      return {
        run: (...steps) => training.use((each) => each.run(...steps)),
        release: () => training.release(),
      };
    },
  };
}

// The job process: one run or one verification, then it ends. Native calls block its event loop; the engine's stays free.
import { toErrorData } from "../protocol/errors";
import type { RunEvent } from "../protocol/run";
import type { JobMessage, JobOrder } from "./jobs";
import { parseRecipe } from "./recipe/parse";
import { parseBackend } from "./train/backend";
import { runJob } from "./train/job";
import { latestResult } from "./verify/latest";
import { reportText } from "./verify/report";
import { VERIFY_STEPS, verifyRecipe } from "./verify/verify";

let stopping = false;
let abandoned = false;
// Where the engine is gone the message is lost, which is no reason to fail: the run's folder has every event.
const send = (message: JobMessage) =>
  process.send?.(message, undefined, undefined, () => undefined);

/** Epochs of a small network take less than a millisecond: so often events are sent, all that there are. */
const SEND_EVERY_MS = 50;
let waiting: RunEvent[] = [];
let timer: NodeJS.Timeout | undefined;

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  if (waiting.length > 0) send({ type: "events", events: waiting });
  waiting = [];
}

function emit(event: RunEvent): void {
  waiting.push(event);
  timer ??= setTimeout(flush, SEND_EVERY_MS);
}

const stopRequested = () => stopping || abandoned;
const backend = process.env["GRAFT_BACKEND"];

const train = ({ run, resume }: JobOrder & { type: "run" }): Promise<void> =>
  runJob(run, resume, { emit, stopRequested, abandoned: () => abandoned, backend }).finally(flush);

async function verify({ recipe, text }: JobOrder & { type: "verify" }): Promise<void> {
  const open = parseRecipe(recipe, text);
  const verification = await verifyRecipe({
    open,
    steps: VERIFY_STEPS,
    result: await latestResult(open),
    backend: parseBackend(backend),
    stopRequested,
  });
  send({ type: "verified", result: { verification, text: reportText(verification) } });
}

process.on("message", (order: JobOrder) => {
  if (order.type === "stop") {
    stopping = true;
    return;
  }
  (order.type === "run" ? train(order) : verify(order))
    .catch((error: unknown) => send({ type: "failed", error: toErrorData(error) }))
    .finally(() => process.disconnect?.());
});

// The engine is gone, and the window with it: stop at the next step and keep the state.
process.on("disconnect", () => {
  abandoned = true;
});

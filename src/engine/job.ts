// The job process: one run, then it ends. Native calls block its event loop; the engine's stays free.
import { toErrorData } from "../protocol/errors";
import type { JobMessage, JobOrder } from "./jobs";
import { runJob } from "./train/job";

let stopping = false;
let abandoned = false;
// Where the engine is gone the message is lost, which is no reason to fail: the run's folder has every event.
const send = (message: JobMessage) =>
  process.send?.(message, undefined, undefined, () => undefined);

process.on("message", (order: JobOrder) => {
  if (order.type === "stop") {
    stopping = true;
    return;
  }
  runJob(order.run, order.resume, {
    emit: (event) => send({ type: "event", event }),
    stopRequested: () => stopping || abandoned,
    abandoned: () => abandoned,
    backend: process.env["GRAFT_BACKEND"],
  })
    .catch((error: unknown) => send({ type: "failed", error: toErrorData(error) }))
    .finally(() => process.disconnect?.());
});

// The engine is gone, and the window with it: stop at the next step and keep the state.
process.on("disconnect", () => {
  abandoned = true;
});

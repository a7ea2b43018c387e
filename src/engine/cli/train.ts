// graft train: the main job without an editor. The same run folder, events and state as in the editor.
import { SingleBar, Presets } from "cli-progress";
import type { RunEvent } from "../../protocol/run";
import { parseRecipe, resolveIn } from "../recipe/parse";
import { backendText } from "../train/backend";
import { runJob } from "../train/job";
import { GraftError } from "../../protocol/errors";
import { createRun, openRun, summarize } from "../train/runs";
import { count, counted, percent, print, printJson, size, table } from "./output";
import { readRecipe } from "./plan";

export interface TrainOptions {
  readonly json: boolean;
  readonly backend?: string;
  readonly resume?: string;
}

export async function trainCommand(file: string, options: TrainOptions): Promise<void> {
  let stopping = false;
  const stop = () => {
    // A second Ctrl+C does not wait for the step to end.
    if (stopping) process.exit(130);
    stopping = true;
    process.stderr.write("Stopping at the next step; press Ctrl+C again to stop at once.\n");
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const run =
    options.resume === undefined ? await startRun(file) : await runToResume(file, options.resume);
  const tell = options.json ? printJson : narrator(file, run);
  try {
    await runJob(run, options.resume !== undefined, {
      emit: tell,
      stopRequested: () => stopping,
      abandoned: () => false,
      backend: options.backend ?? process.env["GRAFT_BACKEND"],
    });
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
  if (stopping) process.exitCode = 130;
}

async function startRun(file: string): Promise<string> {
  const recipe = await readRecipe(file);
  const open = parseRecipe(recipe.path, recipe.text);
  return createRun(recipe.path, resolveIn(open, open.recipe.checkpoint), recipe.text).run;
}

/** A run goes on as it began: of the recipe it was started with, in the text that it had then. */
async function runToResume(file: string, name: string): Promise<string> {
  const recipe = await readRecipe(file);
  const run = openRun(name);
  if (run.record.recipe !== recipe.path)
    throw new GraftError(
      "run-not-found",
      `${name} is a run of ${run.record.recipe}, not of ${recipe.path}. Resume it with that recipe.`,
    );
  if (summarize(run).state === "finished")
    throw new GraftError(
      "run-not-found",
      `The run ${name} has finished. Start another with: graft train ${file}`,
    );
  if (run.text !== recipe.text)
    process.stderr.write("The recipe has changed since; the run goes on with what it was.\n");
  return name;
}

/** Says what happens in a few lines, with bars where there is a terminal to draw them on. */
function narrator(recipe: string, run: string): (event: RunEvent) => void {
  const bars = process.stderr.isTTY ? progressBars() : undefined;
  let saved = false;
  return (event) => {
    switch (event.event) {
      case "started":
        print(`${event.resumed ? "Resuming" : "Training"} ${event.recipe}`);
        print(`  backend      ${backendText(event.backend)}`);
        return;
      case "data":
        for (const line of event.bound) print(`  ${line}`);
        print(
          `  samples      ${count(event.training)} to train, ${count(event.validation)} to validate`,
        );
        return;
      case "phase":
        bars?.stop();
        print(
          `  phase ${event.phase + 1}      ${counted(event.epochs, "epoch")}, ${event.optimizer}, ${counted(event.trainableParameters, "number")} ${event.trainableParameters === 1 ? "trains" : "train"}, ${event.cached ? "cached" : "uncached"}`,
        );
        if (event.groups !== undefined)
          print(
            `  groups       ${event.groups.map((group) => `${group.numbers}: ${group.optimizer}`).join("; ")}`,
          );
        return;
      case "bottlenecks": {
        if (event.done < event.total) {
          bars?.show("bottlenecks", event.done, event.total, "");
          return;
        }
        bars?.stop();
        const from =
          event.reused === event.total
            ? "reused from the cache"
            : `${count(event.total - event.reused)} computed, ${count(event.reused)} reused`;
        print(
          `  bottlenecks  ${count(event.total)} × ${counted(event.valuesPerSample, "value")}, ${size(event.bytes)}, ${from}`,
        );
        return;
      }
      case "epoch": {
        const numbers = epochText(event);
        if (bars !== undefined) bars.show("epochs", event.epoch, event.epochs, numbers);
        else if (isTold(event.epoch, event.epochs))
          print(`  epoch ${event.epoch}/${event.epochs}  ${numbers}`);
        if (event.epoch === event.epochs && bars !== undefined) {
          bars.stop();
          print(`  epoch ${event.epoch}/${event.epochs}  ${numbers}`);
        }
        return;
      }
      case "evaluation":
        print(
          table(
            event.classes.map((each) => [`    ${each.name}`, `${each.correct} of ${each.samples}`]),
            [1],
          ),
        );
        return;
      case "variables": {
        const frozen = event.variables.filter((variable) => variable.frozen);
        const same = frozen.filter((variable) => variable.unchanged);
        print(`  frozen       ${same.length} of ${frozen.length} variables unchanged, bit for bit`);
        const inPart = event.variables.filter(({ keptUnchanged }) => keptUnchanged !== undefined);
        const kept = inPart.filter(({ keptUnchanged }) => keptUnchanged);
        if (inPart.length > 0)
          print(
            `  in part      ${kept.length} of ${inPart.length} variables, the frozen numbers unchanged`,
          );
        return;
      }
      case "saved":
        saved = true;
        print(`  saved        ${event.path}`);
        for (const note of event.notes) print(`  note         ${note}`);
        return;
      case "note":
        print(`  note         ${event.text}`);
        return;
      case "ended":
        bars?.stop();
        if (event.state === "failed") return;
        print(`${event.message} (${event.seconds.toFixed(1)} s)`);
        if (event.state === "stopped") print(`Resume with: graft train ${recipe} --resume ${run}`);
        if (!saved) print(`Save with:   graft save ${run} --as FILE`);
        return;
      case "step":
    }
  };
}

/** Without a terminal: the first epoch, the last, and about ten between. */
const isTold = (epoch: number, epochs: number): boolean =>
  epoch === 1 || epoch === epochs || epoch % Math.max(1, Math.round(epochs / 10)) === 0;

function epochText(event: Extract<RunEvent, { event: "epoch" }>): string {
  const accuracy = event.accuracy === null ? "" : ` · accuracy ${percent(event.accuracy)}`;
  const loss = `loss ${event.loss.toFixed(4)}${accuracy}`;
  if (event.validationLoss === null) return loss;
  const right =
    event.validationAccuracy === null ? "" : ` · accuracy ${percent(event.validationAccuracy)}`;
  return `${loss} · validation loss ${event.validationLoss.toFixed(4)}${right}`;
}

function progressBars() {
  let bar: SingleBar | undefined;
  let shown = "";
  return {
    show(what: string, value: number, total: number, text: string) {
      if (bar === undefined || shown !== what) {
        bar?.stop();
        bar = new SingleBar(
          {
            format: `  ${what.padEnd(11)}  {bar} {value}/{total} {text}`,
            clearOnComplete: true,
            hideCursor: true,
            fps: 20,
          },
          Presets.shades_classic,
        );
        bar.start(total, value, { text });
        shown = what;
      } else bar.update(value, { text });
    },
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}

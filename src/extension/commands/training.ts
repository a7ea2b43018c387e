// Training Settings: epochs, batch, optimizer and learning rate of a phase.
import { OPTIMIZER_NAMES, optimizerLabel, OPTIMIZERS } from "../../protocol/optimizers";
import type { App } from "../app";
import { changeRecipe } from "../recipe/edit";
import { readRecipe, setValue } from "../recipe/text";
import { checkNumber, readNumber } from "./answers";
import { BACK, input, pick, pickOrType, walk, type Answer } from "./ask";
import { confirmText } from "./confirm";
import { editable } from "./edit";
import {
  askedOf,
  MOST_ASKED,
  newPhase,
  phaseText,
  readSettings,
  withOptimizer,
  writeSettings,
  type Settings,
} from "./settings";

/** Epochs, batch, optimizer, what the optimizer asks, and the confirmation. */
const STEPS = 4 + MOST_ASKED;

type Phase = Readonly<Record<string, unknown>>;

export async function trainingSettings(app: App, recipe: unknown): Promise<void> {
  const target = await editable(app, recipe);
  if (!target) return;
  const phases = readPhases(target.text);
  const index = await whichPhase(phases, "Training Settings");
  if (index === undefined) return;
  const old = phases[index] ?? newPhase();
  const title =
    phases.length > 1 || index > 0 ? `Training Settings: phase ${index + 1}` : "Training Settings";
  const settings = await askSettings(title, readSettings(old), (text) =>
    confirmText(target, text, { title, prompt: "", step: STEPS, steps: STEPS }),
  );
  if (!settings) return;
  const written = writeSettings(old, settings);
  await changeRecipe(target, (text) => writePhase(text, index, written));
}

/** Add Training Phase: what trains from then on, and how. */
export async function addPhase(app: App, recipe: unknown): Promise<void> {
  const target = await editable(app, recipe);
  if (!target) return;
  const index = Math.max(1, readPhases(target.text).length);
  const title = `Training Settings: phase ${index + 1}`;
  const prompt = "Layer that trains from this phase on, or a pattern for several";
  const layers = app.session.plan?.layers.map(({ name }) => name) ?? [];
  const unfreeze = await pickOrType({ title, prompt }, [AS_BEFORE, ...layers], "layers");
  if (unfreeze === undefined || unfreeze === BACK) return;
  const start = unfreeze === AS_BEFORE ? newPhase() : { unfreeze };
  const settings = await askSettings(title, readSettings(start), (text) =>
    confirmText(target, text, { title, prompt: "", step: STEPS, steps: STEPS }),
  );
  if (!settings) return;
  await changeRecipe(target, (text) => {
    // The first phase is there without being written: now it must be, to have another behind it.
    const first = writeSettings(newPhase(), readSettings(newPhase()));
    const phased = readPhases(text).length === 0 ? writePhase(text, 0, first) : text;
    return writePhase(phased, readPhases(phased).length, writeSettings(start, settings));
  });
}

const AS_BEFORE = "The same layers as before";

/** The recipe's text with one of its phases written; the first makes the list. */
export const writePhase = (text: string, index: number, phase: Phase): string =>
  readPhases(text).length === 0
    ? setValue(text, ["train"], [phase])
    : setValue(text, ["train", index], phase);

function askSettings(
  title: string,
  start: Settings,
  last: (text: string) => Promise<Answer<"write">>,
): Promise<Settings | undefined> {
  const steps = STEPS;
  const number = async (
    step: number,
    prompt: string,
    value: number,
    check: (text: string) => string | undefined,
    set: (value: number) => Settings,
  ): Promise<Answer<Settings>> => {
    const text = await input({ title, step, steps, prompt }, String(value), check);
    return typeof text === "string" ? set(readNumber(text)) : text;
  };
  const counted = (text: string) => checkNumber(text, 1, 1_000_000);
  return walk<Settings>(start, [
    (s) =>
      number(1, "Epochs: how often each sample is used", s.epochs, counted, (epochs) => ({
        ...s,
        epochs,
      })),
    (s) => number(2, "Batch: samples per step", s.batch, counted, (batch) => ({ ...s, batch })),
    async (s) => {
      const choices = CHOICES.map((choice) => ({
        ...choice,
        description: choice.value === s.optimizer ? "now" : "",
      }));
      const active = choices.find(({ value }) => value === s.optimizer);
      const optimizer = await pick({ title, step: 3, steps, prompt: "Optimizer" }, choices, active);
      if (optimizer === undefined || optimizer === BACK) return optimizer;
      return optimizer === s.optimizer ? s : { ...s, ...withOptimizer(optimizer) };
    },
    ...Array.from({ length: MOST_ASKED }, (_, index) => (s: Settings) => {
      const asked = askedOf(s.optimizer)[index];
      if (asked === undefined) return null;
      const { name, prompt, check } = asked;
      return number(4 + index, prompt, s.parameters[name]!, check, (value) => ({
        ...s,
        parameters: { ...s.parameters, [name]: value },
      }));
    }),
    async (s) => {
      const answer = await last(phaseText(s));
      return answer === "write" ? s : answer;
    },
  ]);
}

const CHOICES = OPTIMIZER_NAMES.map((value) => ({
  label: optimizerLabel(value),
  detail: `${value}: ${OPTIMIZERS[value].formula}`,
  value,
}));

export async function whichPhase(
  phases: readonly Phase[],
  title: string,
): Promise<number | undefined> {
  if (phases.length < 2) return 0;
  const choices = phases.map((phase, value) => ({
    label: `Phase ${value + 1}`,
    description: phaseText(readSettings(phase)),
    value,
  }));
  const answer = await pick({ title, prompt: "Which phase changes?" }, choices);
  return answer === BACK ? undefined : answer;
}

export function readPhases(text: string): readonly Phase[] {
  const { train } = readRecipe(text);
  return Array.isArray(train) ? (train as readonly Phase[]) : [];
}

// The settings of a training phase, between the recipe's words and what is asked. Knows no VS Code.
import {
  isNumber,
  OPTIMIZER_NAMES,
  OPTIMIZERS,
  parametersOf,
  withDefaults,
  type NumberParameter,
  type OptimizerName,
} from "../../protocol/optimizers";
import { checkNumber, checkPositive } from "./answers";

export interface Settings {
  readonly epochs: number;
  readonly batch: number;
  readonly optimizer: OptimizerName;
  /** The parameters of the optimizer that are asked, by name. */
  readonly parameters: Readonly<Record<string, number>>;
}

export interface AskedParameter {
  readonly name: string;
  readonly prompt: string;
  readonly check: (text: string) => string | undefined;
}

type Phase = Readonly<Record<string, unknown>>;

const CHECKS: { readonly [Range in NumberParameter["range"]]: AskedParameter["check"] } = {
  positive: checkPositive,
  share: (text) => checkNumber(text, 0, 0.9999, false),
  fromZero: (text) => checkNumber(text, 0, Infinity, false),
};

export const newPhase = (): Phase => ({});

/** What is asked of an optimizer, in order. */
export const askedOf = (optimizer: OptimizerName): readonly AskedParameter[] =>
  Object.entries(parametersOf(optimizer)).flatMap(([name, parameter]) =>
    isNumber(parameter) && parameter.prompt !== undefined
      ? [{ name, prompt: parameter.prompt, check: CHECKS[parameter.range] }]
      : [],
  );

/** The most that is asked of any. */
export const MOST_ASKED = Math.max(...OPTIMIZER_NAMES.map((name) => askedOf(name).length));

export function readSettings(phase: Phase): Settings {
  const said = record(phase["optimizer"]);
  const optimizer = OPTIMIZER_NAMES.find((name) => name in said) ?? "sgd";
  return {
    // What the recipe's schema assumes where a phase says nothing.
    epochs: number(phase["epochs"], 20),
    batch: number(phase["batch"], 50),
    ...withOptimizer(optimizer, record(said[optimizer])),
  };
}

/** An optimizer, with what is asked of it as `said`, and else by default. */
export function withOptimizer(
  optimizer: OptimizerName,
  said: Readonly<Record<string, unknown>> = {},
): Pick<Settings, "optimizer" | "parameters"> {
  const [all, defaults] = [withDefaults(optimizer, said), withDefaults(optimizer, {})];
  const parameters = Object.fromEntries(
    askedOf(optimizer).map(({ name }) => [name, number(all[name], defaults[name] as number)]),
  );
  return { optimizer, parameters };
}

/** The phase with these settings; what they do not cover stays. */
export function writeSettings(phase: Phase, settings: Settings): Phase {
  const { epochs, batch, optimizer, parameters } = settings;
  const kept = record(record(phase["optimizer"])[optimizer]);
  return { ...phase, epochs, batch, optimizer: { [optimizer]: { ...kept, ...parameters } } };
}

/** "20 epochs, batches of 50, gradient descent, learning rate 0.01" */
export function phaseText({ epochs, batch, optimizer, parameters }: Settings): string {
  const how = [
    OPTIMIZERS[optimizer].title,
    ...Object.entries(parameters).map(([name, value]) => `${spaced(name)} ${value}`),
  ];
  return `${epochs} ${epochs === 1 ? "epoch" : "epochs"}, batches of ${batch}, ${how.join(", ")}`;
}

/** "learningRate" → "learning rate" */
const spaced = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function number(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

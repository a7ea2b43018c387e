// The settings of a training phase, between the recipe's words and what is asked. Knows no VS Code.

export type OptimizerName = "sgd" | "momentum";

export interface Settings {
  readonly epochs: number;
  readonly batch: number;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly momentum: number;
}

type Phase = Readonly<Record<string, unknown>>;

/** What the recipe's schema assumes where a phase says nothing. */
const DEFAULTS: Settings = {
  epochs: 20,
  batch: 50,
  optimizer: "sgd",
  learningRate: 0.01,
  momentum: 0.9,
};

export const newPhase = (): Phase => ({});

export function readSettings(phase: Phase): Settings {
  const optimizer = record(phase["optimizer"]);
  const name: OptimizerName = "momentum" in optimizer ? "momentum" : "sgd";
  const rates = record(optimizer[name]);
  return {
    epochs: number(phase["epochs"], DEFAULTS.epochs),
    batch: number(phase["batch"], DEFAULTS.batch),
    optimizer: name,
    learningRate: number(rates["learningRate"], DEFAULTS.learningRate),
    momentum: number(rates["momentum"], DEFAULTS.momentum),
  };
}

/** The phase with these settings; what they do not cover stays. */
export function writeSettings(phase: Phase, settings: Settings): Phase {
  const { epochs, batch, optimizer, learningRate, momentum } = settings;
  const rates = optimizer === "momentum" ? { learningRate, momentum } : { learningRate };
  return { ...phase, epochs, batch, optimizer: { [optimizer]: rates } };
}

/** "20 epochs, batches of 50, gradient descent with learning rate 0.01" */
export function phaseText({ epochs, batch, optimizer, learningRate, momentum }: Settings): string {
  const how =
    optimizer === "momentum"
      ? `momentum ${momentum} with learning rate ${learningRate}`
      : `gradient descent with learning rate ${learningRate}`;
  return `${epochs} ${epochs === 1 ? "epoch" : "epochs"}, batches of ${batch}, ${how}`;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function number(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

// The optimizers: what a recipe may say of each. The recipe's schema, the engine's rules, the Training Settings command
// and the README's table all follow this one; `train/optimizers/table.ts` holds the rule of each.

/** Where two libraries compute an optimizer differently, whose way is taken. */
export const FORMULAS = ["tf1", "keras"] as const;
export type Formula = (typeof FORMULAS)[number];

export interface NumberParameter {
  /** One number, or that of each library. */
  readonly default: number | Readonly<Record<Formula, number>>;
  /** "positive": more than 0; "share": from 0 up to, but not including, 1; "fromZero": 0 or more. */
  readonly range: "positive" | "share" | "fromZero";
  readonly description: string;
  /** Asked by Training Settings with these words; what has none is written in the recipe by who wants it. */
  readonly prompt?: string;
}

export interface FlagParameter {
  readonly default: boolean;
  readonly description: string;
}

export interface FormulaParameter {
  readonly default: Formula;
  readonly description: string;
}

export type Parameter = NumberParameter | FlagParameter | FormulaParameter;

export interface OptimizerInfo {
  /** As it stands in a sentence. */
  readonly title: string;
  /** The default formula: g the gradient, w the value, η the learning rate, t the number of the step. */
  readonly formula: string;
  /** In the order in which they are asked and written. */
  readonly parameters: Readonly<Record<string, Parameter>>;
}

const learningRate = (value: number): NumberParameter => ({
  default: value,
  range: "positive",
  description: "How far a step goes along the gradient.",
  prompt: "Learning rate",
});

const momentum: NumberParameter = {
  default: 0.9,
  range: "share",
  description: "How much of the last step stays.",
  prompt: "Momentum: how much of the last step stays, from 0 to 1",
};

const share = (value: number, description: string): NumberParameter => ({
  default: value,
  range: "share",
  description,
});

const epsilon = (tf1: number, keras: number): NumberParameter => ({
  default: { tf1, keras },
  range: "fromZero",
  description: "Keeps the divisor away from 0.",
});

const formula = (value: Formula, difference: string): FormulaParameter => ({
  default: value,
  description: `Whose formula: tf1 as tf.compat.v1.train, keras as keras.optimizers. They differ in ${difference}.`,
});

const beta1 = share(0.9, "Decay of the average of gradients.");
const beta2 = share(0.999, "Decay of the average of squared gradients.");

export const OPTIMIZERS = {
  sgd: {
    title: "gradient descent",
    formula: "w ← w − η·g",
    parameters: { learningRate: learningRate(0.01) },
  },
  momentum: {
    title: "momentum",
    formula: "a ← μ·a + g; w ← w − η·a",
    parameters: { learningRate: learningRate(0.01), momentum },
  },
  nesterov: {
    title: "Nesterov momentum",
    formula: "a ← μ·a + g; w ← w − η·(g + μ·a)",
    parameters: { learningRate: learningRate(0.01), momentum },
  },
  adagrad: {
    title: "Adagrad",
    formula: "a ← a + g²; w ← w − η·g ∕ √(a + ε)",
    parameters: {
      learningRate: learningRate(0.01),
      initialAccumulatorValue: {
        default: 0.1,
        range: "positive",
        description: "Where the sum of squared gradients starts.",
      },
      epsilon: epsilon(0, 1e-7),
      formula: formula("tf1", "epsilon"),
    },
  },
  rmsprop: {
    title: "RMSProp",
    formula: "s ← ρ·s + (1 − ρ)·g²; m ← μ·m + η·g ∕ √(s + ε); w ← w − m",
    parameters: {
      learningRate: learningRate(0.001),
      rho: share(0.9, "Decay of the average of squared gradients."),
      momentum: share(0, "How much of the last step stays."),
      epsilon: epsilon(1e-10, 1e-7),
      centered: {
        default: false,
        description: "Divide by the spread of the gradients instead of their size.",
      },
      formula: formula(
        "tf1",
        "epsilon and in where the average of squared gradients starts: 1 in tf1, 0 in keras",
      ),
    },
  },
  adam: {
    title: "Adam",
    formula:
      "m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; w ← w − η·√(1 − β₂ᵗ) ∕ (1 − β₁ᵗ) · m ∕ (√v + ε)",
    parameters: {
      learningRate: learningRate(0.001),
      beta1,
      beta2,
      epsilon: epsilon(1e-8, 1e-7),
      formula: formula("tf1", "epsilon"),
    },
  },
  adamw: {
    title: "AdamW",
    formula: "w ← w − η·λ·w, beside a step of Adam",
    parameters: {
      learningRate: learningRate(0.001),
      weightDecay: {
        default: { tf1: 4e-6, keras: 0.004 },
        range: "fromZero",
        description: "The share of a weight that a step takes away, times the learning rate.",
        prompt: "Weight decay: the share of a weight that a step takes away",
      },
      beta1,
      beta2,
      epsilon: epsilon(1e-8, 1e-7),
      formula: formula(
        "keras",
        "epsilon and in the decay: in tf1 (tf.contrib.opt and TensorFlow Addons) the learning rate does not multiply it",
      ),
    },
  },
} as const satisfies Readonly<Record<string, OptimizerInfo>>;

export type OptimizerName = keyof typeof OPTIMIZERS;
export const OPTIMIZER_NAMES = Object.keys(OPTIMIZERS) as OptimizerName[];

/** "Gradient descent" */
export const optimizerLabel = (name: OptimizerName): string => {
  const { title } = OPTIMIZERS[name];
  return `${title.charAt(0).toUpperCase()}${title.slice(1)}`;
};

type ValueOf<P> = P extends FlagParameter ? boolean : P extends FormulaParameter ? Formula : number;
type ParametersOf<Name extends OptimizerName> = (typeof OPTIMIZERS)[Name]["parameters"];

/** What a rule computes with: every parameter of an optimizer. */
export type OptimizerSettings<Name extends OptimizerName> = {
  readonly [P in keyof ParametersOf<Name>]: ValueOf<ParametersOf<Name>[P]>;
};

/** An optimizer as a recipe names it; `withDefaults` fills in what it does not say. */
export type Optimizer = {
  [Name in OptimizerName]: { readonly [Key in Name]: Partial<OptimizerSettings<Name>> };
}[OptimizerName];

/** The same optimizer at another learning rate: every one has a learning rate. */
export function withLearningRate(optimizer: Optimizer, learningRate: number): Optimizer {
  const [[name, settings]] = Object.entries(optimizer);
  return { [name]: { ...settings, learningRate } } as Optimizer;
}

export const parametersOf = (name: OptimizerName): Readonly<Record<string, Parameter>> =>
  OPTIMIZERS[name].parameters;

export const isNumber = (parameter: Parameter): parameter is NumberParameter =>
  "range" in parameter;

/** Every parameter of an optimizer: what `said` says, and else the default. */
export function withDefaults(
  name: OptimizerName,
  said: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const parameters = parametersOf(name);
  const whose = (said["formula"] ?? parameters["formula"]?.default ?? "tf1") as Formula;
  return Object.fromEntries(
    Object.entries(parameters).map(([key, { default: value }]) => [
      key,
      said[key] ?? (typeof value === "object" ? value[whose] : value),
    ]),
  );
}

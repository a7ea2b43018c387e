// Gradient cases of recurrent ops.
import type {
  GRUInput,
  LSTMInput,
  OpAttributes,
  RecurrentActivation,
} from "../../../src/engine/graph/catalogue";
import { GRU_CELL, LSTM_CELL } from "../handmade";
import { of, type Case, type Row } from "./case";
import { fixed, x, type Input } from "./inputs";

const ACTIVATIONS = Object.keys({
  tanh: 0,
  sigmoid: 0,
  hardSigmoid: 0,
  relu: 0,
  relu6: 0,
  leakyRelu: 0,
  elu: 0,
  selu: 0,
  softplus: 0,
  softsign: 0,
  identity: 0,
} satisfies Record<RecurrentActivation, 0>) as RecurrentActivation[];

interface Sizes {
  readonly batch: number;
  readonly time: number;
  readonly features: number;
  readonly units: number;
  /** Columns of an LSTM's projection. */
  readonly projected: number;
}
const SIZES: Sizes = { batch: 3, time: 4, features: 3, units: 2, projected: 3 };

/** Sequences that end, that begin late and that have a hole. */
const HOLES = [1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1];
/** Sequences of 2, 4 and 1 steps. */
const ENDS = [1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0];

const sequence = ({ batch, time, features }: Sizes, timeMajor: boolean): Input =>
  x(timeMajor ? [time, batch, features] : [batch, time, features]);

const maskOf = ({ batch, time }: Sizes, mask: readonly number[]): Input =>
  fixed("float32", [batch, time], mask);

interface Options {
  readonly sizes?: Partial<Sizes>;
  readonly mask?: readonly number[];
  /** Rows of an initial state: one for all samples where it is 1. */
  readonly rows?: number;
}

/** A hundred steps: of two sequences, one is as long. */
const LONG: Options = {
  sizes: { time: 100, batch: 2 },
  mask: Array.from({ length: 200 }, (_, at) => (at < 161 ? 1 : 0)),
};

function lstm(
  what: string,
  takes: readonly LSTMInput[],
  changes: Partial<OpAttributes["LSTM"]> = {},
  { sizes, mask = HOLES, rows }: Options = {},
): Row<"LSTM"> {
  const all = { ...SIZES, ...sizes };
  const { batch, features, units } = all;
  const attributes = { ...LSTM_CELL, takes, ...changes };
  const out = takes.includes("projection") ? all.projected : units;
  const inputs: Record<LSTMInput, Input> = {
    kernel: x([features, 4 * units]),
    recurrentKernel: x([out, 4 * units + attributes.peepholeColumns.length]),
    joinedKernel: x([features + out, 4 * units]),
    bias: x([4 * units]),
    peepholeInput: x([units]),
    peepholeForget: x([units]),
    peepholeOutput: x([units]),
    projection: x([units, out]),
    initialH: x([rows ?? batch, out]),
    initialC: x([rows ?? batch, units]),
    mask: maskOf(all, mask),
  };
  const given = takes.map((each) => inputs[each]);
  return [what, attributes, sequence(all, attributes.timeMajor), ...given];
}

const TF1: readonly LSTMInput[] = ["joinedKernel", "bias"];
const DL4J: readonly LSTMInput[] = ["kernel", "recurrentKernel", "bias"];
const DL4J_GATES = { gates: ["c", "f", "o", "i"], forgetBias: 0, masked: "reset" } as const;
const GRAVES = { ...DL4J_GATES, peepholeColumns: ["f", "o", "i"] } as const;
const PEEPHOLES: readonly LSTMInput[] = ["peepholeInput", "peepholeForget", "peepholeOutput"];
const STATES: readonly LSTMInput[] = ["initialH", "initialC"];
const CLIPS = { cellClip: 0.4, projectionClip: 0.3 };

export const LSTM: readonly Case[] = of(
  "LSTM",
  lstm("joined kernel", TF1),
  lstm("two kernels, no bias", ["kernel", "recurrentKernel"], DL4J_GATES),
  lstm("a forget bias alone", ["kernel", "recurrentKernel"], { gates: ["f", "i", "o", "c"] }),
  lstm("one step", TF1, {}, { sizes: { time: 1 } }),
  lstm(
    "one sample, one feature, one unit",
    TF1,
    {},
    { sizes: { batch: 1, features: 1, units: 1 } },
  ),
  lstm("time major", TF1, { timeMajor: true }),
  lstm("peepholes", [...TF1, ...PEEPHOLES]),
  lstm("one peephole", [...TF1, "peepholeOutput"]),
  lstm("peepholes as columns", DL4J, GRAVES),
  lstm("projection", [...TF1, "projection"]),
  lstm("projection and peepholes", [...TF1, ...PEEPHOLES, "projection"]),
  lstm("projection, clipped", [...TF1, "projection"], CLIPS),
  lstm("peepholes, clipped", [...TF1, ...PEEPHOLES], { cellClip: 0.4 }),
  lstm("initial states", [...TF1, ...STATES]),
  lstm("one initial state for all", [...TF1, ...STATES], {}, { rows: 1 }),
  lstm("an initial cell only", [...TF1, "initialC"]),
  lstm("masked", [...TF1, "mask"], {}, { mask: ENDS }),
  lstm("masked, time major", [...TF1, "mask"], { timeMajor: true }, { mask: ENDS }),
  lstm("masked, with holes", [...TF1, "mask"]),
  lstm("masked, with everything", [...TF1, ...PEEPHOLES, "projection", ...STATES, "mask"], CLIPS),
  lstm("masked, reset", [...DL4J, "mask"], DL4J_GATES, { mask: ENDS }),
  lstm("masked, reset, peepholes as columns", [...DL4J, "mask"], GRAVES),
  lstm("masked, reset, with everything", [...TF1, ...PEEPHOLES, "projection", ...STATES, "mask"], {
    ...CLIPS,
    masked: "reset",
  }),
  lstm("a hundred steps", TF1, {}, LONG),
  lstm(
    "a hundred steps, with everything",
    [...TF1, ...PEEPHOLES, "projection", "mask"],
    CLIPS,
    LONG,
  ),
  ...ACTIVATIONS.map((activation) =>
    lstm(`activation ${activation}`, [...TF1, "peepholeOutput"], { activation }),
  ),
  ...ACTIVATIONS.map((gateActivation) =>
    lstm(`gates ${gateActivation}`, [...TF1, "peepholeForget"], { gateActivation }),
  ),
);

function gru(
  what: string,
  takes: readonly GRUInput[],
  changes: Partial<OpAttributes["GRU"]> = {},
  { sizes, mask = HOLES, rows }: Options = {},
): Row<"GRU"> {
  const all = { ...SIZES, ...sizes };
  const { batch, features, units } = all;
  const attributes = { ...GRU_CELL, takes, ...changes } as const;
  const inputs: Record<GRUInput, Input> = {
    gateKernel: x([features + units, 2 * units]),
    gateBias: x([2 * units]),
    candidateKernel: x([features + units, units]),
    candidateBias: x([units]),
    initialH: x([rows ?? batch, units]),
    mask: maskOf(all, mask),
  };
  const given = takes.map((each) => inputs[each]);
  return [what, attributes, sequence(all, attributes.timeMajor), ...given];
}

const KERNELS: readonly GRUInput[] = ["gateKernel", "gateBias", "candidateKernel", "candidateBias"];

export const GRU: readonly Case[] = of(
  "GRU",
  gru("plain", KERNELS),
  gru("update gate first", KERNELS, { gates: ["u", "r"] }),
  gru("no biases", ["gateKernel", "candidateKernel"]),
  gru("one step", KERNELS, {}, { sizes: { time: 1 } }),
  gru(
    "one sample, one feature, one unit",
    KERNELS,
    {},
    { sizes: { batch: 1, features: 1, units: 1 } },
  ),
  gru("time major", KERNELS, { timeMajor: true }),
  gru("initial state", [...KERNELS, "initialH"]),
  gru("one initial state for all", [...KERNELS, "initialH"], {}, { rows: 1 }),
  gru("masked", [...KERNELS, "mask"], {}, { mask: ENDS }),
  gru("masked, with holes and an initial state", [...KERNELS, "initialH", "mask"]),
  gru("masked, reset", [...KERNELS, "initialH", "mask"], { masked: "reset" }),
  gru("masked, time major", [...KERNELS, "mask"], { timeMajor: true }, { mask: ENDS }),
  gru("a hundred steps", KERNELS, {}, LONG),
  gru("a hundred steps, masked", [...KERNELS, "mask"], {}, LONG),
  ...ACTIVATIONS.map((activation) => gru(`activation ${activation}`, KERNELS, { activation })),
  ...ACTIVATIONS.map((gateActivation) =>
    // Gates without a bound make numbers grow.
    gru(`gates ${gateActivation}`, KERNELS, { gateActivation }, { sizes: { time: 2 } }),
  ),
);

const STEPS = { axis: 1, batchAxis: 0 };

export const Reverse: readonly Case[] = of(
  "Reverse",
  ["steps", STEPS, x([2, 4, 3])],
  ["steps, time major", { axis: 0, batchAxis: 1 }, x([4, 2, 3])],
  ["features", { axis: 2, batchAxis: 0 }, x([2, 4, 3])],
  ["up to lengths", STEPS, x([4, 4, 3]), fixed("int32", [4], [2, 4, 1, 0])],
  [
    "up to lengths, time major",
    { axis: 0, batchAxis: 1 },
    x([4, 3, 2]),
    fixed("int32", [3], [3, 4, 1]),
  ],
);

const MAJOR = { timeMajor: true };
const MINOR = { timeMajor: false };

export const LastStep: readonly Case[] = of(
  "LastStep",
  ["all there", MINOR, x([3, 4, 2])],
  ["all there, time major", MAJOR, x([4, 3, 2])],
  ["one step", MINOR, x([3, 1, 2])],
  ["masked", MINOR, x([3, 4, 2]), maskOf(SIZES, ENDS)],
  ["masked, with holes", MINOR, x([3, 4, 2]), maskOf(SIZES, HOLES)],
  ["masked, time major", MAJOR, x([4, 3, 2]), maskOf(SIZES, ENDS)],
);

// The node of a recurrent cell: what it takes, and its attributes.
import type {
  GRUInput,
  LSTMInput,
  OpAttributes,
  RecurrentActivation,
} from "../../../../graph/catalogue";
import {
  inputOf,
  make,
  meaningOf,
  shapeOf,
  type Lifting,
  type Made,
  type Meaning,
} from "../lifting";
import { inputNode, nodeAt, type SourceNode, type Tensor } from "../source";
import type { Cell } from "./cells";
import { behind, type Recurrence } from "./loop";
import { isZero } from "./zeros";

/** What the cells of a loop have in common. */
export interface Setting {
  readonly loop: Recurrence;
  readonly masked: "hold" | "reset";
  readonly timeMajor: boolean;
  readonly mask: Meaning | undefined;
}

interface Details {
  readonly name: string;
  readonly origin: readonly string[];
  readonly batch: number | null;
}

type Given<Input> = readonly (readonly [Input, Meaning | undefined])[];

/** Undefined where a weight is no variable, or the shapes do not fit. */
export function cellNode(
  lifting: Lifting,
  setting: Setting,
  cell: Cell,
  x: Meaning,
  details: Details,
): Made | undefined {
  const { loop, masked, timeMajor, mask } = setting;
  const source = nodeAt(loop.graph, behind(loop.graph, cell.output))!;
  const of = (tensor: Tensor | undefined): Meaning | undefined =>
    tensor && meaningOf(lifting, tensor);
  const initial = (index: number): Meaning | undefined =>
    initialState(lifting, loop, cell.states[index]!.initial);
  const common = {
    activation: cell.activation as RecurrentActivation,
    gateActivation: cell.gateActivation as RecurrentActivation,
    masked,
    timeMajor,
  };
  if (cell.op === "LSTM") {
    const { peepholes } = cell;
    const weights: Given<LSTMInput> = [
      ["joinedKernel", of(cell.kernel)],
      ["bias", of(cell.bias)],
      ["peepholeInput", of(peepholes.i)],
      ["peepholeForget", of(peepholes.f)],
      ["peepholeOutput", of(peepholes.o)],
      ["projection", of(cell.projection)],
    ];
    const rest: Given<LSTMInput> = [
      ["initialH", initial(0)],
      ["initialC", initial(1)],
      ["mask", mask],
    ];
    const { takes, inputs } = given(weights, rest);
    const { gates, forgetBias, cellClip, projectionClip } = cell;
    const attributes: OpAttributes["LSTM"] = {
      ...common,
      takes,
      gates,
      peepholeColumns: [],
      forgetBias,
      cellClip,
      projectionClip,
    };
    return areVariables(weights)
      ? make(lifting, source, "LSTM", attributes, [x, ...inputs], details)
      : undefined;
  }
  const weights: Given<GRUInput> = [
    ["gateKernel", of(cell.kernel)],
    ["gateBias", of(cell.bias)],
    ["candidateKernel", of(cell.candidate.kernel)],
    ["candidateBias", of(cell.candidate.bias)],
  ];
  const rest: Given<GRUInput> = [
    ["initialH", initial(0)],
    ["mask", mask],
  ];
  const { takes, inputs } = given(weights, rest);
  const attributes: OpAttributes["GRU"] = { ...common, takes, gates: cell.gates };
  return areVariables(weights)
    ? make(lifting, source, "GRU", attributes, [x, ...inputs], details)
    : undefined;
}

function given<Input>(...lists: readonly Given<Input>[]) {
  const there = lists.flat().flatMap(([input, meaning]) => (meaning ? [{ input, meaning }] : []));
  return {
    takes: there.map(({ input }) => input),
    inputs: there.map(({ meaning }) => meaning),
  };
}

const areVariables = (weights: Given<string>): boolean =>
  weights.every(([, meaning]) => meaning === undefined || meaning.kind === "variable");

/** What a state starts with; undefined: zeros. One row for all samples may be repeated for each. */
export function initialState(
  lifting: Lifting,
  { graph }: Recurrence,
  tensor: Tensor,
): Meaning | undefined {
  if (isZero(graph, tensor)) return undefined;
  const row = repeatedRow(lifting, nodeAt(graph, behind(graph, tensor)));
  return row ?? meaningOf(lifting, tensor);
}

/** x of tile(x, [batch, 1]), where x has one row. */
function repeatedRow(lifting: Lifting, tile: SourceNode | undefined): Meaning | undefined {
  const repeats = tile?.op === "Tile" ? inputNode(lifting.graph, tile, 1) : undefined;
  if (tile === undefined || repeats?.op !== "Pack") return undefined;
  const row = inputOf(lifting, tile, 0);
  const columns = inputOf(lifting, repeats, 1);
  const isOne = columns.kind === "static" && columns.value.values.every((value) => value === 1);
  return isOne && shapeOf(row).length === 2 && shapeOf(row)[0] === 1 ? row : undefined;
}

// A recurrence as dynamic_rnn writes one: a while loop that reads a step of one sequence and writes one of another.
import { numberOf } from "../../dtypes";
import * as attribute from "../attributes";
import {
  cast,
  floatType,
  INT32,
  integer,
  integers,
  result,
  step,
  typeOf,
  type Attributes,
  type Emission,
} from "../emission";
import { filledArray, newArray } from "./arrays";
import { rangeOf, repeated, shapeOf, sizeAt, transposed, zerosOf } from "./sizes";
import { WhileLoop } from "./while";

/** What a step can use. */
export interface Body {
  /** The step of the sequence: [batch, features]. */
  readonly x: string;
  readonly states: readonly string[];
  readonly op: (
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
  ) => string;
  /** A number of the sequence's type. */
  readonly number: (name: string, value: number) => string;
  readonly integer: (name: string, value: number) => string;
  /** A tensor from outside of the loop. */
  readonly outside: (tensor: string) => string;
}

export interface State {
  /** What is given of it: a row for each sample, or one for all. */
  readonly initial: string | undefined;
  readonly rows: number;
  /** Numbers per sample. */
  readonly width: number;
}

export interface Recurrence {
  readonly x: string;
  readonly features: number;
  readonly timeMajor: boolean;
  /** [batch, time] */
  readonly mask: string | undefined;
  readonly states: readonly State[];
  /** Numbers per sample that a step gives out. */
  readonly width: number;
  readonly masked: "hold" | "reset";
  /** The states after the step; the first is what it gives out. */
  readonly step: (body: Body) => readonly string[];
}

/** The sequence of what the steps give out. */
export function emitRecurrence(to: Emission, recurrence: Recurrence): string {
  const { timeMajor, states, width, masked } = recurrence;
  const T = typeOf(to, recurrence.x);
  const sequence = timeMajor ? recurrence.x : transposed(to, "transpose", recurrence.x, [1, 0, 2]);
  const shape = shapeOf(to, sequence);
  const [steps, batch] = [sizeAt(to, "steps", shape, 0), sizeAt(to, "batch", shape, 1)];
  const places = rangeOf(to, "range", steps);
  const zeros = (name: string, columns: number) => zerosOf(to, name, sequence, batch, columns);
  const initial = states.map(({ initial: given, rows, width: columns }, index) => {
    if (given === undefined) return zeros(`zeros_${index}`, columns);
    return rows === 1 ? repeated(to, `Tile_${index}`, given, batch) : given;
  });
  const input = filledArray(to, "input", sequence, steps, places, [-1, recurrence.features]);
  const output = newArray(to, "output", T, steps, [-1, width]);
  const mask = recurrence.mask && maskOf(to, recurrence.mask);
  const there = mask && filledArray(to, "mask", mask, steps, places, [-1]);

  const loop = new WhileLoop(to);
  const [time, flow, ...before] = loop.enter(
    [integer(to, "time", 0), `${output}:1`, ...initial],
    steps,
  );
  const read = (name: string, from: typeof input, dtype: typeof T): string =>
    loop.op(
      name,
      "TensorArrayReadV3",
      [loop.outside(from.handle), time!, loop.outside(from.flow)],
      { dtype },
    );
  const isThere = there && read("there", there, attribute.ofType("bool"));
  const after = recurrence.step({
    x: read("TensorArrayReadV3", input, T),
    states: before,
    op: (name, op, inputs, attributes) => loop.op(name, op, inputs, attributes),
    number: (name, value) => loop.constant(name, floatType(to, sequence), value),
    integer: (name, value) => loop.constant(name, "int32", value),
    outside: (tensor) => loop.outside(tensor),
  });
  /** `value` where a sample is still there. */
  const unlessEnded = (name: string, value: string, otherwise: () => string): string =>
    isThere === undefined ? value : loop.op(name, "Select", [isThere, value, otherwise()], { T });
  const ended = (name: string, columns: number) => () => loop.outside(zeros(name, columns));
  const next = after.map((value, index) => {
    const otherwise =
      masked === "hold" ? () => before[index]! : ended(`ended_${index}`, states[index]!.width);
    return unlessEnded(`next_${index}`, value, otherwise);
  });
  const given = unlessEnded("output", after[0]!, ended("ended", width));
  const write = loop.op(
    "TensorArrayWriteV3",
    "TensorArrayWriteV3",
    [loop.outside(output), time!, given, flow!],
    { T },
  );
  const later = loop.op("add", "Add", [time!, loop.constant("add/y", "int32", 1)], { T: INT32 });
  const [, written] = loop.close([later, write, ...next]);

  const all = [output, rangeOf(to, "stack/range", steps), written!];
  const gathered: Attributes = { dtype: T, element_shape: attribute.shape([-1, width]) };
  if (timeMajor) return result(to, "TensorArrayGatherV3", all, gathered);
  const stack = step(to, "stack", "TensorArrayGatherV3", all, gathered);
  return result(to, "Transpose", [stack, integers(to, "perm", [1, 0, 2])], { T, Tperm: INT32 });
}

/** Steps first, as truths. */
const maskOf = (to: Emission, mask: string): string =>
  transposed(to, "mask", cast(to, mask, numberOf("bool")), [1, 0]);

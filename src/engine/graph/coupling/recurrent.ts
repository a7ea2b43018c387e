// The ties of recurrent ops: a unit has a column in each block of its gates, a row in the recurrent kernel, and a
// number in what else is per unit.
import type { GRUInput, LSTMInput } from "../catalogue";
import { GRU_BLOCKS, gruUnits, LSTM_BLOCKS, lstmUnits, portOf, sequenceAxes } from "../recurrent";
import type { Embedding } from "./places";
import { contracting, end, tie, type End, type Tie, type TieRule } from "./tie";

/** A column of each unit in each of the blocks; what stands behind the blocks belongs to none. */
const blocks = (port: number | undefined, axis: number, times: number, size: number): End[] =>
  port === undefined
    ? []
    : [{ ...end(port, axis), embedding: { kind: "tiled", times, inner: 1, size } }];

const whole = (port: number | undefined, axis: number): End[] =>
  port === undefined ? [] : [end(port, axis)];

/** Rows [x; h] of a joined kernel. */
const rows = (port: number, offset: number, size: number): End => ({
  ...end(port, 0),
  embedding: { kind: "part", offset, size } satisfies Embedding,
});

/** Samples and steps stay what they are. */
function samplesAndSteps(timeMajor: boolean, mask: number | undefined): Tie[] {
  const { batch, time } = sequenceAxes(timeMajor);
  return [
    tie(end(0, batch), end("output", batch), ...whole(mask, 0)),
    tie(end(0, time), end("output", time), ...whole(mask, 1)),
  ];
}

export const lstm: TieRule<"LSTM"> = (attributes, inputs, output) => {
  const { takes, timeMajor } = attributes;
  const port = (input: LSTMInput) => portOf<"LSTM">(takes, input);
  const units = lstmUnits(attributes, inputs);
  const [features, width] = [inputs[0][2], output[2]];
  const [kernel, recurrent] = [port("kernel"), port("recurrentKernel")];
  const [joined, projection] = [port("joinedKernel"), port("projection")];
  const perUnit = [
    ...[kernel, recurrent, joined].flatMap((each) => blocks(each, 1, LSTM_BLOCKS, units)),
    ...blocks(port("bias"), 0, LSTM_BLOCKS, units),
    ...whole(port("peepholeInput"), 0),
    ...whole(port("peepholeForget"), 0),
    ...whole(port("peepholeOutput"), 0),
    ...whole(port("initialC"), 1),
  ];
  const given = [end("output", 2), ...whole(port("initialH"), 1)];
  const ties = [...samplesAndSteps(timeMajor, port("mask"))];
  if (projection === undefined) ties.push(tie(...perUnit, ...given));
  else ties.push(tie(...perUnit), tie(...given, end(projection, 1)));
  // The cell is inside the op: its columns stand for it.
  if (projection !== undefined) ties.push(contracting(perUnit[0], end(projection, 0)));
  if (kernel !== undefined) ties.push(contracting(end(0, 2), end(kernel, 0)));
  if (recurrent !== undefined) {
    const ownColumns = attributes.peepholeColumns.length;
    ties.push(contracting(end("output", 2), { ...end(recurrent, 0), ownColumns }));
  }
  if (joined !== undefined)
    ties.push(
      contracting(end(0, 2), rows(joined, 0, features)),
      contracting(end("output", 2), rows(joined, features, width)),
    );
  return ties;
};

export const gru: TieRule<"GRU"> = (attributes, inputs) => {
  const { takes, timeMajor } = attributes;
  const port = (input: GRUInput) => portOf<"GRU">(takes, input);
  const units = gruUnits(attributes, inputs);
  const features = inputs[0][2];
  const [gates, candidate] = [port("gateKernel"), port("candidateKernel")];
  const kernels = [gates, candidate].filter((each) => each !== undefined);
  return [
    ...samplesAndSteps(timeMajor, port("mask")),
    tie(
      ...blocks(gates, 1, GRU_BLOCKS, units),
      ...blocks(port("gateBias"), 0, GRU_BLOCKS, units),
      ...whole(candidate, 1),
      ...whole(port("candidateBias"), 0),
      ...whole(port("initialH"), 1),
      end("output", 2),
    ),
    ...kernels.flatMap((each) => [
      contracting(end(0, 2), rows(each, 0, features)),
      contracting(end("output", 2), rows(each, features, units)),
    ]),
  ];
};

// The inputs of recurrent ops: which stands where, and what shape each has.
//
// LSTM, of n units, reading f features and giving out p numbers (n, or the columns of the projection):
//   kernel [f, 4n] and recurrentKernel [p, 4n + peephole columns], or joinedKernel [f + p, 4n] with rows [x; h];
//   bias [4n]; peephole… [n]; projection [n, p]; initialH [batch or 1, p]; initialC [batch or 1, n]; mask [batch, time].
// GRU: gateKernel [f + n, 2n] and candidateKernel [f + n, n] with rows [x; h]; gateBias [2n]; candidateBias [n].
import type { OpAttributes } from "./catalogue";
import type { Node, Ref, Shape } from "./model";

export type RecurrentOp = "LSTM" | "GRU";
type InputOf<Op extends RecurrentOp> = OpAttributes[Op]["takes"][number];

/** The blocks of columns of an LSTM's kernels. */
export const LSTM_BLOCKS = 4;
/** Those of a GRU's gates. */
export const GRU_BLOCKS = 2;

/** Which input of the node is `input`; undefined where it has none. */
export function portOf<Op extends RecurrentOp>(
  takes: readonly InputOf<Op>[],
  input: InputOf<Op>,
): number | undefined {
  const place = takes.indexOf(input);
  return place < 0 ? undefined : place + 1;
}

/** Units of an LSTM with these inputs; -1 where no shape tells. */
export function lstmUnits(attributes: OpAttributes["LSTM"], inputs: readonly Shape[]): number {
  const { takes, peepholeColumns } = attributes;
  const columns = (input: "kernel" | "joinedKernel" | "recurrentKernel"): number | undefined => {
    const port = portOf<"LSTM">(takes, input);
    return port === undefined ? undefined : inputs[port]?.[1];
  };
  const ofKernel = columns("kernel") ?? columns("joinedKernel");
  if (ofKernel !== undefined) return ofKernel < 0 ? -1 : ofKernel / LSTM_BLOCKS;
  const ofRecurrent = columns("recurrentKernel") ?? -1;
  return ofRecurrent < 0 ? -1 : (ofRecurrent - peepholeColumns.length) / LSTM_BLOCKS;
}

/** Units of a GRU with these inputs. */
export function gruUnits({ takes }: OpAttributes["GRU"], inputs: readonly Shape[]): number {
  const port = portOf<"GRU">(takes, "candidateKernel");
  return (port === undefined ? undefined : inputs[port]?.[1]) ?? -1;
}

/** The axes of a sequence. */
export const sequenceAxes = (
  timeMajor: boolean,
): { readonly batch: number; readonly time: number } =>
  timeMajor ? { batch: 1, time: 0 } : { batch: 0, time: 1 };

/** The inputs that a node computes with: of a recurrent layer and its like, not those that tell which steps are there. */
export function dataInputs(node: Node): readonly Ref[] {
  switch (node.op) {
    case "LSTM":
    case "GRU": {
      const mask = node.attributes.takes.findIndex((input) => input === "mask") + 1;
      return mask === 0 ? node.inputs : node.inputs.toSpliced(mask, 1);
    }
    case "LastStep":
    case "Reverse":
      return node.inputs.slice(0, 1);
    case "SequenceMask":
      return [];
    default:
      return node.inputs;
  }
}

// What the columns of a recurrent layer's variables are, in words: their shapes alone do not tell.
import type { GRUGate, LSTMGate } from "./catalogue";
import type { Model, Node } from "./model";

const GATES: Readonly<Record<LSTMGate | GRUGate, string>> = {
  i: "input",
  f: "forget",
  c: "cell",
  o: "output",
  r: "reset",
  u: "update",
};

/** Which inputs have a block of columns for each gate. */
const BLOCKS: ReadonlySet<string> = new Set([
  "kernel",
  "recurrentKernel",
  "joinedKernel",
  "bias",
  "gateKernel",
  "gateBias",
]);

/** By variable: "4 × 12 columns: input, cell, forget, output"; with "; 3 of peepholes" where these stand behind. */
export function gateWords(model: Model): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  for (const node of model.nodes.values()) {
    if (node.op !== "LSTM" && node.op !== "GRU") continue;
    node.attributes.takes.forEach((input, place) => {
      const ref = node.inputs[place + 1]!;
      if (!BLOCKS.has(input) || !("variable" in ref)) return;
      const columns = model.variables.get(ref.variable)!.shape.at(-1)!;
      words.set(ref.variable, blocks(node, columns, input === "recurrentKernel"));
    });
  }
  return words;
}

function blocks(
  { op, attributes }: Extract<Node, { op: "LSTM" | "GRU" }>,
  columns: number,
  isRecurrent: boolean,
): string {
  const { gates } = attributes;
  const behind = op === "LSTM" && isRecurrent ? attributes.peepholeColumns.length : 0;
  const peepholes = behind === 0 ? "" : `; ${behind} of peepholes`;
  const names = gates.map((gate) => GATES[gate]).join(", ");
  return `${gates.length} × ${(columns - behind) / gates.length} columns: ${names}${peepholes}`;
}

// Which tensors of sequences have time as their first axis. Data has samples first, so that such an input is not fed, and
// such an output not scored, as if it had.
import { refName, type Model, type Node } from "./model";
import { consumers } from "./order";

/** Whether sequences that are fed to `name` reach a recurrent layer with time first. */
export function takesTimeFirst(model: Model, name: string): boolean {
  const uses = consumers(model);
  const open: [name: string, swapped: boolean][] = [[name, false]];
  const seen = new Set<string>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [at, swapped] = next;
    for (const reader of uses.get(at) ?? []) {
      const node = model.nodes.get(reader)!;
      if (node.op === "LSTM" || node.op === "GRU") {
        if (refName(node.inputs[0]) === at) return node.attributes.timeMajor !== swapped;
      } else if (isSequence(model, reader) && !seen.has(reader)) {
        seen.add(reader);
        open.push([reader, swapped !== swaps(node)]);
      }
    }
  }
  return false;
}

/** Whether `name` is a sequence with time first. One that is fed has samples first. */
export function givesTimeFirst(model: Model, name: string): boolean {
  let swapped = false;
  for (let at = name; isSequence(model, at);) {
    const node = model.nodes.get(at)!;
    if (node.op === "LSTM" || node.op === "GRU") return node.attributes.timeMajor !== swapped;
    swapped = swapped !== swaps(node);
    const before = node.inputs.find((input) => "node" in input && isSequence(model, input.node));
    if (before === undefined) return swapped;
    at = refName(before);
  }
  return false;
}

const isSequence = ({ shapes }: Model, name: string): boolean => shapes.get(name)?.length === 3;

/** Whether a node swaps samples and time. */
const swaps = (node: Node): boolean =>
  node.op === "Transpose" && node.attributes.permutation.join() === "1,0,2";

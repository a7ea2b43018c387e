// The step of an LSTM: BasicLSTMCell and LSTMCell, with peepholes, a projection and clips.
//   c' = clip(gate(f + bias) · c + gate(i) · act(j))    m = gate(o) · act(c')    h' = clip(m · projection) or m
import { isTransposed } from "../dense";
import { behind, numberOf, type Recurrence, type State } from "./loop";
import {
  activated,
  affine,
  blockOf,
  clipped,
  isSame,
  isState,
  opOf,
  pairs,
  PRODUCT,
  SUM,
  termsOf,
  unmasked,
  type Affine,
  type Block,
  type Unmasked,
} from "./step";
import type { Tensor } from "../source";

/** "c" is the block that goes through the layer's activation. */
export type LstmGate = "i" | "c" | "f" | "o";

export interface LstmCell extends Affine {
  readonly op: "LSTM";
  /** [h, c] */
  readonly states: readonly [State, State];
  /** What the step yields, as the next step gets it. */
  readonly output: Tensor;
  /** How it gets to the next step. */
  readonly carried: Unmasked;
  readonly gates: readonly LstmGate[];
  readonly forgetBias: number;
  readonly peepholes: { readonly [Gate in Exclude<LstmGate, "c">]?: Tensor };
  readonly projection?: Tensor;
  readonly cellClip: number | null;
  readonly projectionClip: number | null;
  readonly activation: string;
  readonly gateActivation: string;
}

/** A gate: its activation of a block, a constant and a peephole. */
interface Gate {
  readonly activation: string;
  readonly block: Block;
  readonly bias: number;
  readonly peephole?: Tensor;
}

/** The LSTM that carries `c` as its cell state. */
export function readLstm(loop: Recurrence, c: State): LstmCell | undefined {
  const next = unmasked(loop, c.next);
  const { value: sum, clip: cellClip } = clipped(loop, next.value);
  const isOld = (tensor: Tensor): boolean => isState(loop, tensor, c);
  const isNew = (tensor: Tensor): boolean => isSame(loop, tensor, next.value);
  for (const [kept, fresh] of pairs(loop, sum, SUM))
    for (const [old, forgotten] of pairs(loop, kept, PRODUCT)) {
      const forget = isOld(old) ? gateOf(loop, forgotten, isOld) : undefined;
      if (forget === undefined) continue;
      const written = inputAndBlock(loop, fresh, forget.activation, isOld);
      const out = outputOf(loop, c, forget.activation, isNew);
      if (written === undefined || out === undefined) continue;
      const cell = { c, next, forget, ...written, ...out, cellClip };
      return assemble(loop, cell);
    }
  return undefined;
}

interface Parts extends Output {
  readonly c: State;
  readonly next: Unmasked;
  readonly forget: Gate;
  readonly input: Gate;
  readonly block: Gate;
  readonly cellClip: number | null;
}

function assemble(loop: Recurrence, parts: Parts): LstmCell | undefined {
  const { c, forget, input, block, out, h, activation } = parts;
  const owners: readonly (readonly [LstmGate, Gate])[] = [
    ["i", input],
    ["c", block],
    ["f", forget],
    ["o", out],
  ];
  const gates = owners.flatMap((_, place) =>
    owners.filter(([, gate]) => gate.block.index === place).map(([name]) => name),
  );
  const isWhole = owners.every(
    ([, gate], place) =>
      isSame(loop, gate.block.of, forget.block.of) &&
      owners.some(([, other]) => other.block.index === place),
  );
  const product = affine(loop, forget.block.of);
  const isPlain = input.bias === 0 && block.bias === 0 && out.bias === 0;
  if (!isWhole || product === undefined || !isState(loop, product.h, h) || !isPlain)
    return undefined;
  if (block.activation !== activation || block.peephole) return undefined;
  const peepholes = {
    ...(input.peephole && { i: input.peephole }),
    ...(forget.peephole && { f: forget.peephole }),
    ...(out.peephole && { o: out.peephole }),
  };
  return {
    op: "LSTM",
    ...product,
    states: [h, c],
    output: parts.carried.value,
    carried: parts.carried,
    gates,
    forgetBias: forget.bias,
    peepholes,
    ...(parts.projection && { projection: parts.projection }),
    cellClip: parts.cellClip,
    projectionClip: parts.projectionClip,
    activation,
    gateActivation: forget.activation,
  };
}

function gateOf(
  loop: Recurrence,
  tensor: Tensor,
  isPeeped: (tensor: Tensor) => boolean,
): Gate | undefined {
  const found = activated(loop, tensor);
  if (found === undefined) return undefined;
  let block: Block | undefined;
  let bias = 0;
  let peephole: Tensor | undefined;
  for (const term of termsOf(loop, found.input)) {
    const number = numberOf(loop.graph, term);
    const [weight] = pairs(loop, term, PRODUCT).find(([, state]) => isPeeped(state)) ?? [];
    if (number !== undefined) bias += number;
    else if (weight !== undefined && peephole === undefined) peephole = behind(loop.graph, weight);
    else if (block === undefined) block = blockOf(loop, term, 4);
    else return undefined;
  }
  return block && { activation: found.activation, block, bias, ...(peephole && { peephole }) };
}

/** gate(i) · act(j): where both are the same function, either may be either. */
function inputAndBlock(
  loop: Recurrence,
  product: Tensor,
  gateActivation: string,
  isOld: (tensor: Tensor) => boolean,
): { readonly input: Gate; readonly block: Gate } | undefined {
  for (const [a, b] of pairs(loop, product, PRODUCT)) {
    const [input, block] = [gateOf(loop, a, isOld), gateOf(loop, b, isOld)];
    if (input?.activation === gateActivation && block && !block.peephole) return { input, block };
  }
  return undefined;
}

interface Output {
  readonly h: State;
  readonly carried: Unmasked;
  readonly out: Gate;
  readonly activation: string;
  readonly projection?: Tensor;
  readonly projectionClip: number | null;
}

/** The state that becomes gate(o) · act(c'), or a projection of it. */
function outputOf(
  loop: Recurrence,
  c: State,
  gateActivation: string,
  isNew: (tensor: Tensor) => boolean,
): Output | undefined {
  for (const h of loop.states) {
    if (h === c) continue;
    const carried = unmasked(loop, h.next);
    const { value, clip } = clipped(loop, carried.value);
    const matMul = opOf(loop, value);
    const isProjected = matMul?.op === "MatMul" && !isTransposed(matMul);
    const product = isProjected ? matMul.inputs[0] : carried.value;
    for (const [a, b] of pairs(loop, product, PRODUCT)) {
      const out = gateOf(loop, a, isNew);
      const cell = activated(loop, b);
      if (out?.activation !== gateActivation || cell === undefined || !isNew(cell.input)) continue;
      const { activation } = cell;
      const projection = isProjected ? behind(loop.graph, matMul.inputs[1]) : undefined;
      const projectionClip = isProjected ? clip : null;
      return { h, carried, out, activation, projectionClip, ...(projection && { projection }) };
    }
  }
  return undefined;
}

// The step of a GRU: r, u = gate([x, h] · kernel + bias)    c = act([x, r · h] · kernel + bias)    h' = u · h + (1 − u) · c
import { numberOf, type Recurrence, type State } from "./loop";
import {
  activated,
  affine,
  blockOf,
  isSame,
  isState,
  opOf,
  pairs,
  PRODUCT,
  SUM,
  unmasked,
  type Affine,
  type Block,
  type Unmasked,
} from "./step";
import type { Tensor } from "../source";

export interface GruCell extends Affine {
  readonly op: "GRU";
  readonly states: readonly [State];
  readonly output: Tensor;
  readonly carried: Unmasked;
  readonly gates: readonly ("r" | "u")[];
  readonly candidate: Pick<Affine, "kernel" | "bias">;
  readonly activation: string;
  readonly gateActivation: string;
}

/** The GRU that carries `h`. */
export function readGru(loop: Recurrence, h: State): GruCell | undefined {
  const carried = unmasked(loop, h.next);
  const isOld = (tensor: Tensor): boolean => isState(loop, tensor, h);
  for (const [kept, fresh] of pairs(loop, carried.value, SUM))
    for (const [update, old] of pairs(loop, kept, PRODUCT)) {
      const u = isOld(old) ? gateOf(loop, update) : undefined;
      if (u === undefined) continue;
      for (const [rest, candidate] of pairs(loop, fresh, PRODUCT)) {
        if (!isOneMinus(loop, rest, update)) continue;
        const found = candidateOf(loop, candidate, isOld);
        const product = affine(loop, u.block.of);
        if (!found || !product || !isOld(product.h) || !isSame(loop, product.x, found.x)) continue;
        const { r } = found;
        const isPair = isSame(loop, r.block.of, u.block.of) && r.block.index !== u.block.index;
        if (!isPair || r.activation !== u.activation) continue;
        return {
          op: "GRU",
          ...product,
          states: [h],
          output: carried.value,
          carried,
          gates: u.block.index === 1 ? ["r", "u"] : ["u", "r"],
          candidate: found.candidate,
          activation: found.activation,
          gateActivation: u.activation,
        };
      }
    }
  return undefined;
}

interface Gate {
  readonly activation: string;
  /** Of what the kernel yields. */
  readonly block: Block;
}

/** A block of activated columns, or a block of columns that is activated itself. */
function gateOf(loop: Recurrence, tensor: Tensor): Gate | undefined {
  const block = blockOf(loop, tensor, 2);
  const whole = block && activated(loop, block.of);
  if (whole !== undefined)
    return { activation: whole.activation, block: { of: whole.input, index: block!.index } };
  const part = activated(loop, tensor);
  const own = part && blockOf(loop, part.input, 2);
  return own && { activation: part.activation, block: own };
}

function isOneMinus(loop: Recurrence, tensor: Tensor, value: Tensor): boolean {
  const node = opOf(loop, tensor);
  if (node?.op !== "Sub") return false;
  return numberOf(loop.graph, node.inputs[0]) === 1 && isSame(loop, node.inputs[1], value);
}

interface Candidate {
  readonly r: Gate;
  readonly x: Tensor;
  readonly candidate: Pick<Affine, "kernel" | "bias">;
  readonly activation: string;
}

/** act([x, r · h] · kernel + bias) */
function candidateOf(
  loop: Recurrence,
  tensor: Tensor,
  isOld: (tensor: Tensor) => boolean,
): Candidate | undefined {
  const found = activated(loop, tensor);
  const product = found && affine(loop, found.input);
  if (found === undefined || product === undefined) return undefined;
  const [reset] = pairs(loop, product.h, PRODUCT).find(([, old]) => isOld(old)) ?? [];
  const r = reset && gateOf(loop, reset);
  const { x, kernel, bias } = product;
  return r && { r, x, activation: found.activation, candidate: { kernel, ...(bias && { bias }) } };
}

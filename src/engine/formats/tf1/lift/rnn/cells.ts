// The recurrent cells of a loop: each is one LSTM or GRU of the catalogue.
import { readGru, type GruCell } from "./gru";
import type { Recurrence } from "./loop";
import { readLstm, type LstmCell } from "./lstm";
import { isSameMask, isState, unmasked, type Mask } from "./step";
import { isZero } from "./zeros";

export type Cell = LstmCell | GruCell;

export interface Cells {
  readonly cells: readonly Cell[];
  /** Which steps are there; undefined: all. */
  readonly mask: Mask | undefined;
  /** What the state of a sample that has ended is. */
  readonly masked: "hold" | "reset";
}

/** Undefined where a state belongs to no cell, or cells are not masked alike. */
export function readCells(loop: Recurrence): Cells | undefined {
  const all = loop.states.flatMap((state) => readLstm(loop, state) ?? readGru(loop, state) ?? []);
  const owned = all.flatMap((cell) => [...cell.states]);
  if (all.length === 0 || new Set(owned).size !== loop.states.length) return undefined;
  if (owned.length !== loop.states.length) return undefined;
  const { mask } = all[0].carried;
  const kinds = new Set<"hold" | "reset">();
  for (const state of owned) {
    const found = unmasked(loop, state.next);
    if (!isSameMask(loop, found.mask, mask)) return undefined;
    const { otherwise } = found;
    if (otherwise === undefined || isState(loop, otherwise, state)) kinds.add("hold");
    else if (isZero(loop.graph, otherwise)) kinds.add("reset");
    else return undefined;
  }
  const [masked] = kinds;
  return kinds.size === 1 ? { cells: all, mask, masked } : undefined;
}

/** Whether what is written of a step is 0 where a sample has ended, as the cells' output is. */
export function isMaskedAlike(loop: Recurrence, { mask }: Cells): boolean {
  return loop.written.every(({ step }) => {
    const found = unmasked(loop, step);
    if (found.otherwise === undefined) return mask === undefined;
    return isSameMask(loop, found.mask, mask) && isZero(loop.graph, found.otherwise);
  });
}

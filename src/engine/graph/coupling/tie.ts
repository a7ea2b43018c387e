// How one op ties axes of its inputs and its output together.
import type { Embedding } from "./places";
import type { OpAttributes, OpName } from "../catalogue";
import type { Shape } from "../model";

/** An axis of the op's output, or of one of its inputs. */
export interface End {
  readonly port: "output" | number;
  readonly axis: number;
  /** How the tie's axis lies in this one, where it is not the same. */
  readonly embedding?: Embedding;
  /** Of rows that read units: so many columns at their end read nothing, but are numbers of the unit itself. */
  readonly ownColumns?: number;
}

/** Axes that can only be resized together. */
export interface Tie {
  readonly ends: readonly End[];
  /** The op sums over the axis: what stands at the second end are weights that read the units of the first. */
  readonly contracts?: true;
  /** One of several axes that became one: units on that one lie along whichever they fit into. */
  readonly alternative?: true;
  /** What each unit becomes depends on the others, so that more of them change what the network computes. */
  readonly mixes?: true;
}

/** The ties of a node. An axis of no tie cannot be resized. */
export type TieRule<Op extends OpName = OpName> = (
  attributes: OpAttributes[Op],
  inputs: readonly Shape[],
  output: Shape,
) => readonly Tie[];

export const end = (port: End["port"], axis: number): End => ({ port, axis });
export const tie = (...ends: readonly End[]): Tie => ({ ends });
export const mixing = (...ends: readonly End[]): Tie => ({ ends, mixes: true });
/** The op sums over the axis: `weights` read the `units`. */
export const contracting = (units: End, weights: End): Tie => ({
  ends: [units, weights],
  contracts: true,
});

// A gradient case: an op with its attributes and inputs.
import type { OpAttributes, OpName } from "../../../src/engine/graph/catalogue";
import type { Input } from "./inputs";

/** Ops whose output does not change with a small change of its input, or that have no inputs. */
export const FLAT = [
  ...(["Placeholder", "Const", "Opaque", "OneHot", "ArgMax"] as const),
  ...(["Equal", "Greater", "GreaterEqual", "Less", "InTopK", "SequenceMask"] as const),
] as const satisfies readonly OpName[];

export type Differentiable = Exclude<OpName, (typeof FLAT)[number]>;

export interface Case<Op extends Differentiable = Differentiable> {
  readonly op: Op;
  /** What is special about it. */
  readonly what: string;
  readonly attributes: OpAttributes[Op];
  readonly inputs: readonly Input[];
  /** Batch norm and dropout: as while training. */
  readonly training?: boolean;
}

export const nameOf = ({ op, what }: Case): string => `${op}: ${what}`;

export type Attributes<Op extends Differentiable> = OpAttributes[Op];
/** What, attributes, inputs. */
export type Row<Op extends Differentiable> = readonly [string, Attributes<Op>, ...Input[]];

export const of = <Op extends Differentiable>(op: Op, ...rows: Row<Op>[]): Case[] =>
  rows.map(
    ([what, attributes, ...inputs]) => ({ op, what, attributes, inputs }) as unknown as Case,
  );

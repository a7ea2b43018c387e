// What it takes to run an op of the catalogue.
import type { OpAttributes, OpName } from "../graph/catalogue";
import type { Node } from "../graph/model";
import type { Tensor } from "./tf";

/** How a graph is run: which nodes are in training mode, and what they need there. */
export interface RunContext {
  /** Dropout drops and batch norm uses the batch's statistics; false: both as after training. */
  readonly training: (node: Node) => boolean;
  /** Of a batch norm in training mode, 1 for every channel that trains; undefined where all do. */
  readonly trainedChannels: (node: Node) => Uint8Array | undefined;
  /** Scalars fed to placeholders that only a mode depends on, such as keep_prob. */
  readonly scalars: ReadonlyMap<string, number>;
  /** A tensor of uniform numbers in [0, 1) that belong to this node and step. */
  readonly random: (node: Node, shape: readonly number[]) => Tensor;
  /** Receives the new moving statistics of batch norms in training mode, by variable. */
  readonly updates: Map<string, Tensor>;
}

export type Kernel<Op extends OpName> = (
  inputs: readonly Tensor[],
  attributes: OpAttributes[Op],
  node: Node<Op>,
  context: RunContext,
) => Tensor;

/** Nothing trains, nothing is random: what prediction and featurizing use. */
export const INFERENCE: RunContext = {
  training: () => false,
  trainedChannels: () => undefined,
  scalars: new Map(),
  random: () => {
    throw new Error("inference draws no random numbers");
  },
  updates: new Map(),
};

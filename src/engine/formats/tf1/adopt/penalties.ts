// Regularization: what adds up something of each number of a variable, in whatever order they stand.
import type { Node } from "../../../graph/model";

/** Whether a node that reads a variable is, in a network of layers, L2 of it or the first half of L1. */
export const isPenalty = ({ op }: Node): boolean => op === "L2Loss" || op === "Abs";

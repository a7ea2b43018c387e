// Zeros of a size that only a run knows: initial states, and outputs of samples that have ended.
import * as attributes from "../attributes";
import { readConstant } from "../constants";
import { nodeAt, type SourceGraph, type SourceNode, type Tensor } from "../source";
import { behind, numberOf } from "./loop";

export const isZero = (graph: SourceGraph, tensor: Tensor): boolean =>
  zeroMaker(graph, tensor) !== undefined;

/** The op that fills a tensor with zeros. */
export function zeroMaker(graph: SourceGraph, tensor: Tensor): SourceNode | undefined {
  const node = nodeAt(graph, behind(graph, tensor));
  if (node?.op === "ZerosLike") return node;
  if (node?.op === "Fill") return numberOf(graph, node.inputs[1]) === 0 ? node : undefined;
  const proto = node?.op === "Const" ? attributes.tensor(node, "value") : undefined;
  return proto && readConstant(proto)?.values.every((value) => value === 0) ? node : undefined;
}

// What one step of a recurrence computes, as expressions: sums, products, activations, clips, products with kernels.
import * as attributes from "../attributes";
import { isTransposed } from "../dense";
import { nodeAt, tensorName, type SourceNode, type Tensor } from "../source";
import { behind, carriedBy, numberOf, type Recurrence, type State } from "./loop";

/** The op that computes a tensor, behind what hands it on. */
export const opOf = ({ graph }: Recurrence, tensor: Tensor): SourceNode | undefined =>
  nodeAt(graph, behind(graph, tensor));

export const isSame = ({ graph }: Recurrence, a: Tensor, b: Tensor): boolean =>
  tensorName(behind(graph, a)) === tensorName(behind(graph, b));

export const isState = ({ graph }: Recurrence, tensor: Tensor, state: State): boolean =>
  carriedBy(graph, tensor) === state.merge;

/** Both orders of two inputs of an op that commutes; none where the tensor is no such op. */
export function pairs(loop: Recurrence, tensor: Tensor, op: RegExp): (readonly [Tensor, Tensor])[] {
  const node = opOf(loop, tensor);
  if (node === undefined || !op.test(node.op) || node.inputs.length !== 2) return [];
  const [a, b] = node.inputs;
  return [
    [a, b],
    [b, a],
  ];
}

export const SUM = /^Add(V2)?$/;
export const PRODUCT = /^Mul$/;

/** A gate adds up fewer terms. Sums that share terms would be twice as many with each level. */
const DEEPEST_SUM = 4;

/** The terms of a sum, and of the sums in it. */
export function termsOf(loop: Recurrence, tensor: Tensor, levels = DEEPEST_SUM): Tensor[] {
  const [pair] = levels === 0 ? [] : pairs(loop, tensor, SUM);
  return pair === undefined
    ? [behind(loop.graph, tensor)]
    : pair.flatMap((term) => termsOf(loop, term, levels - 1));
}

const ACTIVATIONS: ReadonlyMap<string, string> = new Map([
  ["Tanh", "tanh"],
  ["Sigmoid", "sigmoid"],
  ["Relu", "relu"],
  ["Relu6", "relu6"],
  ["Elu", "elu"],
  ["Selu", "selu"],
  ["Softplus", "softplus"],
  ["Softsign", "softsign"],
]);

export interface Activated {
  readonly activation: string;
  readonly input: Tensor;
}

/** An activation function of a tensor, by its name in the catalogue. */
export function activated(loop: Recurrence, tensor: Tensor): Activated | undefined {
  const node = opOf(loop, tensor);
  const activation = ACTIVATIONS.get(node?.op ?? "");
  return activation === undefined ? undefined : { activation, input: node!.inputs[0] };
}

export interface Clipped {
  readonly value: Tensor;
  readonly clip: number | null;
}

/** max(min(value, clip), −clip), or just the value. */
export function clipped(loop: Recurrence, tensor: Tensor): Clipped {
  const outer = opOf(loop, tensor);
  const inner = outer?.op === "Maximum" ? opOf(loop, outer.inputs[0]) : undefined;
  const [low, high] = [outer, inner].map((node) => numberOf(loop.graph, node?.inputs[1]));
  if (inner?.op === "Minimum" && high !== undefined && low === -high)
    return { value: inner.inputs[0], clip: attributes.shortest(high) };
  return { value: tensor, clip: null };
}

/** [x, h] · kernel + bias */
export interface Affine {
  readonly x: Tensor;
  readonly h: Tensor;
  readonly kernel: Tensor;
  readonly bias?: Tensor;
}

export function affine(loop: Recurrence, tensor: Tensor): Affine | undefined {
  const node = opOf(loop, tensor);
  if (node === undefined) return undefined;
  const isBiased = /^(BiasAdd|BiasAddV1|Add|AddV2)$/.test(node.op);
  const product = isBiased ? opOf(loop, node.inputs[0]) : node;
  if (product?.op !== "MatMul" || isTransposed(product)) return undefined;
  const parts = joined(loop, product.inputs[0]);
  if (parts === undefined) return undefined;
  const found = { x: parts[0], h: parts[1], kernel: behind(loop.graph, product.inputs[1]) };
  return isBiased ? { ...found, bias: behind(loop.graph, node.inputs[1]) } : found;
}

/** concat([a, b], 1) */
function joined(loop: Recurrence, tensor: Tensor): readonly [Tensor, Tensor] | undefined {
  const node = opOf(loop, tensor);
  if (node?.inputs.length !== 3) return undefined;
  const [a, b, c] = node.inputs;
  const [axis, first, second] = node.op === "Concat" ? [a, b, c] : [c, a, b];
  if (!/^Concat(V2)?$/.test(node.op) || !isLastOfTwo(numberOf(loop.graph, axis))) return undefined;
  return [first, second];
}

const isLastOfTwo = (axis: number | undefined): boolean => axis === 1 || axis === -1;

/** One of several equal blocks of columns. */
export interface Block {
  readonly of: Tensor;
  readonly index: number;
}

export function blockOf(loop: Recurrence, tensor: Tensor, count: number): Block | undefined {
  const at = behind(loop.graph, tensor);
  const node = nodeAt(loop.graph, at);
  if (node?.op !== "Split" || attributes.integer(node, "num_split") !== count) return undefined;
  if (!isLastOfTwo(numberOf(loop.graph, node.inputs[0]))) return undefined;
  return { of: node.inputs[1], index: at.output };
}

/** Which samples are still there in a step: those that are longer than the steps so far, or those of a sequence that says so. */
export type Mask =
  | { readonly lengths: Tensor }
  /** A read step of a mask. */
  | { readonly step: Tensor };

export interface Unmasked {
  readonly value: Tensor;
  /** What a sample that has ended gets instead. */
  readonly otherwise?: Tensor;
  readonly mask?: Mask;
}

/** select(ended, otherwise, value), or just the value. */
export function unmasked(loop: Recurrence, tensor: Tensor): Unmasked {
  const { graph } = loop;
  const node = opOf(loop, tensor);
  const [condition, a, b] = node?.inputs ?? [];
  const test = node?.op === "Select" ? opOf(loop, condition) : undefined;
  if (test?.op === "GreaterEqual" && loop.counters.has(carriedBy(graph, test.inputs[0]) ?? ""))
    return { value: b, otherwise: a, mask: { lengths: behind(graph, test.inputs[1]) } };
  if (test !== undefined && loop.read.has(test.name))
    return { value: a, otherwise: b, mask: { step: behind(graph, condition) } };
  return { value: tensor };
}

export const isSameMask = (loop: Recurrence, a: Mask | undefined, b: Mask | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b;
  if ("lengths" in a) return "lengths" in b && isSame(loop, a.lengths, b.lengths);
  return "step" in b && isSame(loop, a.step, b.step);
};

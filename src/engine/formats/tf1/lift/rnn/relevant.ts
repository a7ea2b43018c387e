// The last step of each sample, taken by its index:
//   gather_nd(x, stack([range(batch), last], 1)), where last is lengths − 1 or argmax(mask · [1, 2, …], 1)
//   gather(reshape(x, [−1, n]), range(batch) · steps + (lengths − 1))
//   gather(x, steps − 1, axis)
import * as attributes from "../attributes";
import type { Known } from "../known";
import {
  consumed,
  inputOf,
  make,
  meaningOf,
  numbersOf,
  sameValue,
  shapeOf,
  type Lifter,
  type Lifting,
  type Made,
  type Meaning,
} from "../lifting";
import { inputNode, nodeAt, type SourceNode, type Tensor } from "../source";

/** Where steps or samples come first. */
interface Order {
  readonly timeMajor: boolean;
}

export const gatherNd: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const stack = inputNode(lifting.graph, node, 1);
  const axis = stack && attributes.integer(stack, "axis");
  if (stack?.op !== "Pack" || stack.inputs.length !== 2 || (axis !== 1 && axis !== -1))
    return undefined;
  if (x.kind !== "node" || shapeOf(x).length !== 3) return undefined;
  for (const timeMajor of [false, true]) {
    const [rows, last] = timeMajor ? stack.inputs.toReversed() : stack.inputs;
    if (!isEveryIndex(lifting, rows, x, timeMajor ? 1 : 0)) continue;
    const lengths = minusOne(lifting, last);
    if (lengths !== undefined) return lastOfLengths(lifting, node, x, lengths, { timeMajor });
    const mask = maskOfLargest(lifting, nodeAt(lifting.graph, last), x, timeMajor ? 0 : 1);
    if (mask !== undefined) return lastOf(lifting, node, x, [mask], { timeMajor });
  }
  return undefined;
};

/** What `otherwise` makes of a Gather that takes no last steps. */
export const gatherOrRelevant =
  (otherwise: Lifter): Lifter =>
  (lifting, node) =>
    lastOfAll(lifting, node) ?? lastOfFlat(lifting, node) ?? otherwise(lifting, node);

/** gather(x, steps − 1, axis) */
function lastOfAll(lifting: Lifting, node: SourceNode): Meaning | undefined {
  const x = inputOf(lifting, node, 0);
  const axis = numbersOf(lifting, node, 2)?.[0];
  const last = inputNode(lifting.graph, node, 1);
  if (x.kind !== "node" || shapeOf(x).length !== 3 || (axis !== 0 && axis !== 1)) return undefined;
  const isLast =
    last?.op === "Sub" &&
    known(lifting, last.inputs[1]) === 1 &&
    isSizeOf(lifting, last.inputs[0], x, axis);
  return isLast ? lastOf(lifting, node, x, [], { timeMajor: axis === 0 }) : undefined;
}

function lastOfFlat(lifting: Lifting, node: SourceNode): Meaning | undefined {
  const flat = inputOf(lifting, node, 0);
  const [from] = flat.kind === "node" && flat.node.op === "Reshape" ? flat.node.inputs : [];
  const x = from && "node" in from ? lifting.made.get(from.node) : undefined;
  const sum = inputNode(lifting.graph, node, 1);
  const [samples, , features] = x ? shapeOf(x) : [];
  if (x === undefined || samples !== -1 || shapeOf(flat).join() !== `-1,${features}`)
    return undefined;
  if (sum === undefined || !/^Add(V2)?$/.test(sum.op)) return undefined;
  for (const [start, last] of [sum.inputs, sum.inputs.toReversed()]) {
    const product = nodeAt(lifting.graph, start);
    const lengths = product?.op === "Mul" ? minusOne(lifting, last) : undefined;
    if (product === undefined || lengths === undefined) continue;
    for (const [rows, steps] of [product.inputs, product.inputs.toReversed()])
      if (isEveryIndex(lifting, rows, x, 0) && isSizeOf(lifting, steps, x, 1))
        return lastOfLengths(lifting, node, x, lengths, { timeMajor: false });
  }
  return undefined;
}

function lastOfLengths(
  lifting: Lifting,
  node: SourceNode,
  x: Made,
  lengths: Meaning,
  order: Order,
): Meaning | undefined {
  const origin = consumed(lifting, node, [x, lengths]);
  const name = `${node.name}:mask`;
  const mask = make(lifting, node, "SequenceMask", order, [lengths, x], { name, origin });
  return mask && lastOf(lifting, node, x, [mask], order, [x, lengths]);
}

function lastOf(
  lifting: Lifting,
  node: SourceNode,
  x: Made,
  masks: readonly Meaning[],
  order: Order,
  stops: readonly Meaning[] = [x, ...masks],
): Meaning | undefined {
  const origin = consumed(lifting, node, stops);
  return make(lifting, node, "LastStep", order, [x, ...masks], { origin, batch: x.batch });
}

/** argmax(mask · (range(0, steps) + 1), 1) */
function maskOfLargest(
  lifting: Lifting,
  last: SourceNode | undefined,
  x: Meaning,
  axis: number,
): Meaning | undefined {
  const { graph } = lifting;
  const product = last?.op === "ArgMax" ? inputNode(graph, last, 0) : undefined;
  const numbered = product?.op === "Mul" ? inputNode(graph, product, 1) : undefined;
  const places = numbered?.op === "Cast" ? inputNode(graph, numbered, 0) : undefined;
  if (last === undefined || product === undefined || !/^Add(V2)?$/.test(places?.op ?? ""))
    return undefined;
  const isPlaces =
    known(lifting, last.inputs[1]) === 1 &&
    known(lifting, places!.inputs[1]) === 1 &&
    isEveryIndex(lifting, places!.inputs[0], x, axis);
  return isPlaces ? inputOf(lifting, product, 0) : undefined;
}

const known = (lifting: Lifting, tensor: Tensor | undefined): Known | undefined => {
  const meaning = tensor && meaningOf(lifting, tensor);
  return meaning?.kind === "static" && meaning.value.values.length === 1
    ? meaning.value.values[0]
    : undefined;
};

/** range(0, size of the axis) */
export function isEveryIndex(
  lifting: Lifting,
  tensor: Tensor | undefined,
  x: Meaning,
  axis: number,
): boolean {
  const range = nodeAt(lifting.graph, tensor);
  const [start, limit, delta] = range?.inputs ?? [];
  if (range?.op !== "Range" || limit === undefined) return false;
  const isCounting = known(lifting, start) === 0 && known(lifting, delta) === 1;
  return isCounting && isSizeOf(lifting, limit, x, axis);
}

/** Whether a tensor is the size of an axis of x: by its number, or because it is computed so. */
function isSizeOf(lifting: Lifting, tensor: Tensor, x: Meaning, axis: number): boolean {
  const size = shapeOf(x)[axis];
  const count = known(lifting, tensor);
  if (size !== undefined && size >= 0) return count === size;
  if (axis === 0 && typeof count === "object" && count?.batch === 1) return true;
  const [of, place] = sizeIn(lifting, tensor) ?? [];
  return place === axis && sameValue(of, x);
}

/** x and axis of shape(x)[axis]. */
export function sizeIn(
  lifting: Lifting,
  tensor: Tensor | undefined,
): readonly [x: Meaning, axis: number] | undefined {
  const part = nodeAt(lifting.graph, tensor);
  const shape = part && inputNode(lifting.graph, part, 0);
  if (part?.op !== "StridedSlice" || shape?.op !== "Shape") return undefined;
  const [axis] = numbersOf(lifting, part, 1) ?? [];
  const isOne = axis !== undefined && attributes.integer(part, "shrink_axis_mask") === 1;
  return isOne ? [inputOf(lifting, shape, 0), axis] : undefined;
}

/** x of x − 1 */
function minusOne(lifting: Lifting, tensor: Tensor | undefined): Meaning | undefined {
  const node = nodeAt(lifting.graph, tensor);
  if (node?.op !== "Sub" || known(lifting, node.inputs[1]) !== 1) return undefined;
  return inputOf(lifting, node, 0);
}

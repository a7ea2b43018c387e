// Ops that take tensors apart, put them side by side and repeat them. An output of several is a node of its own, named as
// TensorFlow names it ("split:1").
import { fromStart } from "../../../graph/shapes";
import * as attributes from "./attributes";
import type { Known } from "./known";
import {
  inputOf,
  inputsOf,
  isUnknownRank,
  make,
  numbersOf,
  shapeOf,
  type Lifter,
  type Lifting,
  type Meaning,
} from "./lifting";
import { integersOf } from "./shape";
import { tensorName, type SourceNode } from "./source";

type Bound = number | null;

/** What is taken along one axis. */
interface Part {
  readonly begin: Bound;
  readonly end: Bound;
  readonly stride: number;
}

const WHOLE: Part = { begin: null, end: null, stride: 1 };

/** Whether a part is all of an axis of `size`. */
const isWhole = ({ begin, end, stride }: Part, size: number): boolean =>
  stride === 1 && (begin === null || begin === 0) && (end === null || (size >= 0 && end === size));

const one = (index: number): Part => ({
  begin: index,
  end: index === -1 ? null : index + 1,
  stride: 1,
});

function take(
  lifting: Lifting,
  node: SourceNode,
  x: Meaning,
  cut: readonly Part[],
  name: string,
): Meaning | undefined {
  // An axis that is taken whole may change its size later on.
  const parts = cut.map((part, axis) => (isWhole(part, shapeOf(x)[axis]) ? WHOLE : part));
  const begin = parts.map((part) => part.begin);
  const end = parts.map((part) => part.end);
  const strides = parts.map((part) => part.stride);
  const open = shapeOf(x).flatMap((size, axis) => (size < 0 ? [axis] : []));
  // Of several open axes the first is the batch: others may be cut.
  const samples = open.length > 1 && open[0] === 0 ? [0] : open;
  const isCut = samples.some((axis) => parts[axis] !== WHOLE);
  // How many samples a part of the batch counts, only a run knows.
  const batch = isCut ? { batch: null } : {};
  return make(lifting, node, "Slice", { begin, end, strides }, [x], { name, ...batch });
}

/** Slice(x, begin, size), where a size of -1 is the rest. */
export const slice: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const [begin, size] = [numbersOf(lifting, node, 1), integersOf(lifting, node, 2)];
  if (isUnknownRank(x) || begin?.length !== size?.length) return undefined;
  const parts = begin?.map((from, axis): Part | undefined => {
    const count = size![axis];
    if (count === -1) return { begin: from, end: null, stride: 1 };
    if (typeof count === "number") return { begin: from, end: from + count, stride: 1 };
    return from === 0 && isAll(x, axis, count) ? WHOLE : undefined;
  });
  return parts?.every((part) => part !== undefined)
    ? take(lifting, node, x, parts, node.name)
    : undefined;
};

/** Whether a size that is counted in batches is that of an open axis. */
const isAll = (x: Meaning, axis: number, size: Known): boolean =>
  x.kind === "node" && shapeOf(x)[axis] === -1 && size !== null && typeof size === "object"
    ? size.batch === x.batch
    : false;

/** x[begin:end:stride, …, newaxis, index]: the masks say what each place in the brackets is. */
export const stridedSlice: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const begin = numbersOf(lifting, node, 1);
  const end = integersOf(lifting, node, 2);
  const strides = numbersOf(lifting, node, 3);
  if (isUnknownRank(x) || !begin || !strides || begin.length !== end?.length) return undefined;
  const has = (mask: string, place: number): boolean =>
    (((attributes.integer(node, mask) ?? 0) >> place) & 1) === 1;
  const rank = shapeOf(x).length;
  const parts: Part[] = [];
  /** Axes of the input that go, and of the result that come. */
  const dropped: number[] = [];
  const added: number[] = [];
  for (const place of begin.keys()) {
    const axis = parts.length;
    if (has("ellipsis_mask", place)) {
      const later = begin.slice(place + 1);
      const named = later.filter((_, index) => !has("new_axis_mask", place + 1 + index)).length;
      while (parts.length < rank - named) parts.push(WHOLE);
    } else if (has("new_axis_mask", place)) added.push(axis - dropped.length + added.length);
    else if (has("shrink_axis_mask", place)) {
      dropped.push(axis);
      parts.push(one(begin[place]));
    } else {
      const to = end[place];
      const isOpen = has("end_mask", place) || isAll(x, axis, to);
      if (!isOpen && typeof to !== "number") return undefined;
      parts.push({
        begin: has("begin_mask", place) ? null : begin[place],
        end: isOpen ? null : (to as number),
        stride: strides[place],
      });
    }
  }
  while (parts.length < rank) parts.push(WHOLE);
  const steps: ((from: Meaning, name: string) => Meaning | undefined)[] = [];
  if (!parts.every((part, axis) => isWhole(part, shapeOf(x)[axis])))
    steps.push((from, name) => take(lifting, node, from, parts, name));
  if (dropped.length > 0)
    steps.push((from, name) => make(lifting, node, "Squeeze", { axes: dropped }, [from], { name }));
  for (const axis of added)
    steps.push((from, name) => make(lifting, node, "ExpandDims", { axis }, [from], { name }));
  return steps.reduce<Meaning | undefined>((from, step, index) => {
    const name = index === steps.length - 1 ? node.name : `${node.name}:part${index + 1}`;
    return from && step(from, name);
  }, x);
};

/** The outputs of a node that somebody reads, and the first. */
function outputsRead({ graph }: Lifting, node: SourceNode): Set<number> {
  const read = graph.readers.get(node.name)!.flatMap((reader) => reader.inputs);
  return new Set([
    0,
    ...read.filter((input) => input.node === node.name).map(({ output }) => output),
  ]);
}

/** A slice for each output that is read, from where it begins and ends along an axis. */
function slices(
  lifting: Lifting,
  node: SourceNode,
  x: Meaning,
  axis: number,
  boundsOf: (output: number) => readonly [begin: number, end: number] | undefined,
  nameOf: (output: number) => string,
): (Meaning | undefined)[] {
  const outputs: (Meaning | undefined)[] = [];
  if (shapeOf(x)[axis] === undefined) return outputs;
  for (const output of outputsRead(lifting, node)) {
    const bounds = boundsOf(output);
    if (bounds === undefined) continue;
    const [begin, end] = bounds;
    const parts = shapeOf(x)
      .map(() => WHOLE)
      .with(axis, { begin, end, stride: 1 });
    outputs[output] = take(lifting, node, x, parts, nameOf(output));
  }
  return outputs;
}

/** Split(axis, x) into parts of one size; SplitV(x, sizes, axis), where a size may be -1. */
export const split: Lifter = (lifting, node) => {
  const listed = node.op === "SplitV";
  const x = inputOf(lifting, node, listed ? 0 : 1);
  const [axis] = numbersOf(lifting, node, listed ? 2 : 0) ?? [];
  if (axis === undefined || isUnknownRank(x)) return undefined;
  const along = fromStart(axis, shapeOf(x).length);
  const size = shapeOf(x)[along] ?? -1;
  const ends = listed
    ? endsOf(numbersOf(lifting, node, 1), size)
    : evenEnds(attributes.integer(node, "num_split"), size);
  if (ends === undefined || size < 0) return undefined;
  const name = (output: number) => tensorName({ node: node.name, output });
  const bounds = (output: number) => {
    const [begin, end] = [output === 0 ? 0 : ends(output - 1), ends(output)];
    return begin === undefined || end === undefined ? undefined : ([begin, end] as const);
  };
  return slices(lifting, node, x, along, bounds, name);
};

type Ends = (output: number) => number | undefined;

const evenEnds = (count: number | undefined, size: number): Ends | undefined =>
  count === undefined || count < 1 || size % count !== 0
    ? undefined
    : (output) => (output < count ? ((output + 1) * size) / count : undefined);

function endsOf(sizes: readonly number[] | undefined, size: number): Ends | undefined {
  if (sizes === undefined) return undefined;
  const rest = size - sizes.reduce((sum, each) => sum + Math.max(each, 0), 0);
  let end = 0;
  const ends = sizes.map((each) => (end += each < 0 ? rest : each));
  return end === size ? (output) => ends[output] : undefined;
}

/** A slice of one for each output, without its axis. */
export const unpack: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const count = attributes.integer(node, "num");
  if (count === undefined || isUnknownRank(x)) return undefined;
  const axis = fromStart(attributes.integer(node, "axis") ?? 0, shapeOf(x).length);
  const bounds = (output: number) => (output < count ? ([output, output + 1] as const) : undefined);
  const name = (output: number) => tensorName({ node: node.name, output });
  return slices(lifting, node, x, axis, bounds, (output) => `${name(output)}:part1`).map(
    (part, output) =>
      part && make(lifting, node, "Squeeze", { axes: [axis] }, [part], { name: name(output) }),
  );
};

/** Along a new axis, side by side. */
export const pack: Lifter = (lifting, node) => {
  const inputs = inputsOf(lifting, node);
  if (inputs.length === 0 || inputs.some(isUnknownRank)) return undefined;
  const axis = fromStart(attributes.integer(node, "axis") ?? 0, shapeOf(inputs[0]).length + 1);
  const wide = inputs.map((input, index) => {
    const name = inputs.length === 1 ? node.name : `${node.name}:part${index + 1}`;
    return make(lifting, node, "ExpandDims", { axis }, [input], { name });
  });
  if (!wide.every((each) => each !== undefined)) return undefined;
  return wide.length === 1 ? wide[0] : make(lifting, node, "Concat", { axis }, wide);
};

export const tile: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const multiples = numbersOf(lifting, node, 1);
  if (multiples === undefined || isUnknownRank(x)) return undefined;
  const open = shapeOf(x).findIndex((size) => size < 0);
  const count = open < 0 ? 1 : multiples[open];
  const batch =
    x.kind === "node" && x.batch !== null && count !== undefined ? x.batch * count : null;
  return make(lifting, node, "Tile", { multiples }, [x], { batch });
};

// Sizes that a recurrence mentions beside its variables: zeros that states start with, and steps of TensorArrays.
import { create } from "@bufbuild/protobuf";
import type { Shape } from "../../../graph/model";
import { LSTM_BLOCKS } from "../../../graph/recurrent";
import { findLoops } from "../lift/loops";
import { readCells, type Cell } from "../lift/rnn/cells";
import { behind, readRecurrence, type Recurrence } from "../lift/rnn/loop";
import { isSame, opOf, unmasked } from "../lift/rnn/step";
import { zeroMaker } from "../lift/rnn/zeros";
import { readGraph, type Tensor } from "../lift/source";
import { AttrValueSchema, type GraphDef, type NodeDef } from "../proto/tensorflow_pb";
import { constantOf, type PatchedGraph } from "./graph";
import { dimensions, integers, integersLike, resized, shapeProto, tensorShape } from "./tensors";

/** `source`: the graph before it was patched. `shapeOf`: the shape that the variable behind an op has now. */
export function patchRecurrences(
  graph: PatchedGraph,
  source: GraphDef,
  shapeOf: (variable: string) => Shape | undefined,
): void {
  const read = readGraph(source);
  for (const members of findLoops(read).members.values()) {
    const loop = readRecurrence(read, members);
    const cells = loop && readCells(loop)?.cells;
    if (loop === undefined || cells === undefined || !graph.has(members[0]!.name)) continue;
    const sized = cells.flatMap((cell) => {
      const widths = widthsOf(cell, (tensor) => shapeOf(variableOf(loop, tensor)));
      return widths === undefined ? [] : [{ cell, ...widths }];
    });
    if (sized.length === cells.length) patchLoop(graph, loop, sized);
  }
}

interface Widths {
  /** Of what the cell reads, and of its states. */
  readonly features: number;
  readonly states: readonly number[];
}

type Sized = Widths & { readonly cell: Cell };

/** The op of the variable that a tensor is; of a partitioned one, that of its first part. */
function variableOf({ graph }: Recurrence, tensor: Tensor): string {
  const at = behind(graph, tensor);
  const node = graph.nodes.get(at.node)!;
  const [first] = node.op === "Concat" ? node.inputs.slice(1) : node.inputs;
  return /^Concat(V2)?$/.test(node.op) ? behind(graph, first).node : at.node;
}

function widthsOf(cell: Cell, shapeOf: (tensor: Tensor) => Shape | undefined): Widths | undefined {
  const [rows, columns] = shapeOf(cell.kernel) ?? [];
  if (rows === undefined || columns === undefined) return undefined;
  if (cell.op === "GRU") {
    const units = shapeOf(cell.candidate.kernel)?.[1];
    return units === undefined ? undefined : { features: rows - units, states: [units] };
  }
  const units = columns / LSTM_BLOCKS;
  const out = cell.projection === undefined ? units : shapeOf(cell.projection)?.[1];
  return out === undefined ? undefined : { features: rows - out, states: [out, units] };
}

function patchLoop(graph: PatchedGraph, loop: Recurrence, cells: readonly Sized[]): void {
  for (const { cell, states } of cells)
    cell.states.forEach((state, index) => {
      const width = states[index]!;
      setZeros(graph, loop, enterOf(graph, state.merge), width);
      setEnded(graph, loop, state.next, width);
    });
  for (const { step, array, exit } of loop.written) {
    const width = widthOf(loop, cells, step);
    setEnded(graph, loop, step, width);
    setElement(graph.nodes.get(array), width);
    for (const user of graph.keptUsers(exit))
      if (user.op === "TensorArrayGatherV3") setElement(user, width);
  }
  for (const [name, { array }] of loop.read) {
    const reader = cells.find(({ cell }) => sourceOf(loop, cell.x) === name);
    setElement(graph.nodes.get(array), reader?.features ?? -1);
  }
}

const enterOf = (graph: PatchedGraph, merge: string): NodeDef =>
  graph.inputNode(graph.nodes.get(merge)!, 0)!;

/** What a sample that has ended gets, where those are zeros. */
function setEnded(graph: PatchedGraph, loop: Recurrence, step: Tensor, width: number): void {
  const { otherwise } = unmasked(loop, step);
  const enter = otherwise && graph.nodes.get(otherwise.node);
  if (enter?.op === "Enter") setZeros(graph, loop, enter, width);
}

/** The op that a tensor of a step comes from, behind ops that keep its size. */
function sourceOf(loop: Recurrence, tensor: Tensor): string {
  let node = opOf(loop, unmasked(loop, tensor).value);
  while (/^(Select(V2)?|Mul|RealDiv|Add(V2)?|Relu|Tanh|Sigmoid)$/.test(node?.op ?? "")) {
    const next: Tensor = node!.inputs[node!.op.startsWith("Select") ? 1 : 0]!;
    node = opOf(loop, next);
  }
  return node?.name ?? "";
}

/** How many numbers per sample a step writes; -1 where that cannot be told. */
function widthOf(loop: Recurrence, cells: readonly Sized[], step: Tensor): number {
  const { value } = unmasked(loop, step);
  const own = cells.find(({ cell }) => isSame(loop, cell.output, value));
  return own?.states[0] ?? -1;
}

/** The last size of the steps in a TensorArray. */
function setElement(node: NodeDef | undefined, width: number): void {
  const value = node?.attr["element_shape"]?.value;
  const shape = value?.case === "shape" ? dimensions(value.value) : undefined;
  if (node === undefined || shape === undefined || shape.length < 2 || shape.at(-1) === width)
    return;
  const element = shapeProto([...shape.slice(0, -1), width]);
  node.attr["element_shape"] = create(AttrValueSchema, {
    value: { case: "shape", value: element },
  });
}

/** Zeros of `width` per sample behind an Enter: Fill([batch, width], 0), or a constant. */
function setZeros(graph: PatchedGraph, loop: Recurrence, enter: NodeDef, width: number): void {
  const tensor = { node: enter.name, output: 0 };
  const found = zeroMaker(loop.graph, tensor);
  const maker = found && graph.nodes.get(found.name);
  if (maker === undefined || maker.op === "ZerosLike") return;
  const constant = constantOf(maker);
  if (constant !== undefined) {
    const shape = tensorShape(constant);
    if (shape.at(-1) !== width)
      graph.setConstant(enter, 0, resized(constant, shape.with(-1, width)));
    return;
  }
  const dims = graph.inputNode(maker, 0);
  if (dims === undefined || sizeIn(graph, dims) === width) return;
  const own = graph.keptUsers(maker.name).every((user) => user === enter)
    ? maker
    : copied(graph, maker);
  if (own !== maker) graph.setInputs(enter, [own.name]);
  const ownDims = graph.keptUsers(dims.name).every((user) => user === own)
    ? dims
    : copied(graph, dims);
  if (ownDims !== dims) graph.setInputs(own, own.input.with(0, ownDims.name));
  setSize(graph, own, ownDims, width);
}

function copied(graph: PatchedGraph, node: NodeDef): NodeDef {
  const { name, op, input, attr, device } = node;
  return graph.nodes.get(graph.add({ name, op, inputs: input, attributes: attr, device }))!;
}

/** Where the last size of a shape stands: the constant itself, or an input of the op that joins the sizes. */
function placeOf(dims: NodeDef): number | undefined {
  if (dims.op === "Pack" || dims.op === "Concat") return dims.input.length - 1;
  return dims.op === "ConcatV2" ? dims.input.length - 2 : undefined;
}

function sizeIn(graph: PatchedGraph, dims: NodeDef): number | undefined {
  const place = placeOf(dims);
  const constant = place === undefined ? constantOf(dims) : graph.constant(dims, place);
  return constant && integers(constant)?.at(-1);
}

function setSize(graph: PatchedGraph, fill: NodeDef, dims: NodeDef, width: number): void {
  const place = placeOf(dims);
  const constant = place === undefined ? constantOf(dims) : graph.constant(dims, place);
  const sizes = constant && integers(constant);
  if (constant === undefined || sizes === undefined) return;
  const tensor = integersLike(constant, sizes.with(-1, width));
  if (place === undefined) graph.setConstant(fill, 0, tensor);
  else graph.setConstant(dims, place, tensor);
}

// New shapes of variables: the attribute of their node, and how a partitioned variable is cut anew.
import { create } from "@bufbuild/protobuf";
import { GraftError } from "../../../../protocol/errors";
import type { Shape } from "../../../graph/model";
import {
  AttrValueSchema,
  SaveSliceInfoDefSchema,
  type NodeDef,
  type SaveSliceInfoDef,
} from "../proto/tensorflow_pb";
import type { Reslice } from "./saver";
import { shapeProto } from "./tensors";
import type { GraphVariable } from "./variables";

export interface NewShapes {
  /** By node. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** By node, for the parts of partitioned variables. */
  readonly slices: ReadonlyMap<string, SaveSliceInfoDef>;
  readonly reslice: Reslice;
}

/** Sets the shapes of the variables' nodes; `shapes` are the model's, by name. */
export function setShapes(
  variables: Iterable<GraphVariable>,
  shapes: ReadonlyMap<string, Shape>,
): NewShapes {
  const set = new Map<string, Shape>();
  const slices = new Map<string, SaveSliceInfoDef>();
  const renamed = new Map<string, string>();
  const all = [...variables];
  for (const [name, shape] of shapes) {
    const nodes = all.filter((variable) => variable.model === name);
    for (const { variable, slice } of cut(name, nodes, shape)) {
      const size = slice === undefined ? shape : slice.varShape.map(Number);
      setShape(variable.node, size);
      set.set(variable.node.name, size);
      if (slice === undefined) continue;
      slices.set(variable.node.name, slice);
      renamed.set(`${name} ${sliceText(variable.slice!)}`, sliceText(slice));
    }
  }
  return {
    shapes: set,
    slices,
    reslice: (name, slice) => renamed.get(`${name} ${slice}`) ?? slice,
  };
}

export function setShape(node: NodeDef, shape: Shape): void {
  node.attr["shape"] = create(AttrValueSchema, {
    value: { case: "shape", value: shapeProto(shape) },
  });
}

interface Part {
  readonly variable: GraphVariable;
  readonly slice?: SaveSliceInfoDef;
}

/** As many parts as before, along the same axis, as even as TensorFlow's own partitioners cut. */
function cut(name: string, variables: readonly GraphVariable[], shape: Shape): readonly Part[] {
  if (variables.every((variable) => variable.slice === undefined))
    return variables.map((variable) => ({ variable }));
  const axis = shape.findIndex((_, i) =>
    variables.some(({ slice }) => slice !== undefined && slice.varShape[i] !== slice.fullShape[i]),
  );
  const parts = variables
    .filter((variable) => variable.slice !== undefined)
    .sort(
      (a, b) => Number(a.slice!.varOffset[axis] ?? 0n) - Number(b.slice!.varOffset[axis] ?? 0n),
    );
  const total = shape[axis] ?? 0;
  if (axis >= 0 && total < parts.length)
    throw new GraftError(
      "unsupported-op",
      `${name} is stored in ${parts.length} parts, which cannot be cut from ${total} rows. ` +
        `Keep at least ${parts.length}, or save the network without a partitioner first.`,
    );
  const same = axis >= 0 && Number(parts[0]!.slice!.fullShape[axis]) === total;
  let offset = 0;
  return parts.map((variable, i) => {
    const old = variable.slice!;
    const even = Math.floor(total / parts.length) + (i < total % parts.length ? 1 : 0);
    const size = same ? Number(old.varShape[axis]) : even;
    const start = offset;
    offset += size;
    const slice = create(SaveSliceInfoDefSchema, {
      fullName: old.fullName,
      fullShape: shape.map(BigInt),
      varOffset: shape.map((_, i) => BigInt(i === axis ? start : 0)),
      varShape: shape.map((full, i) => BigInt(i === axis ? size : full)),
    });
    return { variable, slice };
  });
}

/** As a saver writes it: `50 30 0,17:0,30`. */
const sliceText = ({ fullShape, varOffset, varShape }: SaveSliceInfoDef): string =>
  `${fullShape.join(" ")} ${varOffset.map((start, i) => `${start},${varShape[i]}`).join(":")}`;

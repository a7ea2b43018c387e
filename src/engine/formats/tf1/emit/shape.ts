// Ops that move elements without changing them.
import * as attribute from "./attributes";
import {
  constant,
  INT32,
  integer,
  integers,
  notWritable,
  result,
  typeOf,
  type Emission,
  type Emit,
} from "./emission";

/** An op over one tensor, with numbers that TensorFlow takes as a second input. */
const shaped = (to: Emission, op: string, numbers: string, type: string): string =>
  result(to, op, [to.inputs[0]!, numbers], { T: typeOf(to, to.inputs[0]!), [type]: INT32 });

export const reshape: Emit<"Reshape"> = (to, { shape }) => {
  if (shape.filter((size) => size < 0).length > 1)
    throw notWritable(to, `only one size of [${shape.join(", ")}] may be open`);
  return shaped(to, "Reshape", integers(to, "shape", shape), "Tshape");
};

export const transpose: Emit<"Transpose"> = (to, { permutation }) =>
  shaped(to, "Transpose", integers(to, "perm", permutation), "Tperm");

export const expandDims: Emit<"ExpandDims"> = (to, { axis }) =>
  shaped(to, "ExpandDims", integer(to, "dim", axis), "Tdim");

export const pad: Emit<"Pad"> = (to, { paddings }) =>
  shaped(
    to,
    "Pad",
    constant(to, "paddings", "int32", [paddings.length / 2, 2], paddings),
    "Tpaddings",
  );

export const squeeze: Emit<"Squeeze"> = (to, { axes }) =>
  result(to, "Squeeze", to.inputs, {
    T: typeOf(to, to.inputs[0]!),
    squeeze_dims: attribute.integers(axes),
  });

export const tile: Emit<"Tile"> = (to, { multiples }) =>
  shaped(to, "Tile", integers(to, "multiples", multiples), "Tmultiples");

/** A mask says where an end is open. */
export const slice: Emit<"Slice"> = (to, { begin, end, strides }) => {
  const open = (bounds: readonly (number | null)[]) =>
    attribute.integer(
      bounds.reduce<number>((mask, at, axis) => (at === null ? mask | (1 << axis) : mask), 0),
    );
  const bounds = [
    integers(
      to,
      "begin",
      begin.map((at) => at ?? 0),
    ),
    integers(
      to,
      "end",
      end.map((at) => at ?? 0),
    ),
    integers(to, "strides", strides),
  ];
  return result(to, "StridedSlice", [to.inputs[0]!, ...bounds], {
    T: typeOf(to, to.inputs[0]!),
    Index: INT32,
    begin_mask: open(begin),
    end_mask: open(end),
  });
};

export const concat: Emit<"Concat"> = (to, { axis }) =>
  result(to, "ConcatV2", [...to.inputs, integer(to, "axis", axis)], {
    T: typeOf(to, to.inputs[0]!),
    N: attribute.integer(to.inputs.length),
    Tidx: INT32,
  });

export const oneHot: Emit<"OneHot"> = (to, { depth, on, off }) => {
  const numbers = [
    integer(to, "depth", depth),
    constant(to, "on_value", "float32", [], [on]),
    constant(to, "off_value", "float32", [], [off]),
  ];
  return result(to, "OneHot", [...to.inputs, ...numbers], {
    T: attribute.ofType("float32"),
    TI: typeOf(to, to.inputs[0]!),
    axis: attribute.integer(-1),
  });
};

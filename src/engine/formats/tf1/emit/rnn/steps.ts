// Ops over the steps of sequences: turning them round, the last one, and which there are.
import { numberOf } from "../../dtypes";
import { sequenceAxes } from "../../../../graph/recurrent";
import * as attribute from "../attributes";
import { cast, INT32, integer, integers, result, step, typeOf, type Emit } from "../emission";
import { pair, rangeOf, shapeOf, sizeAt } from "./sizes";

export const reverse: Emit<"Reverse"> = (to, { axis, batchAxis }) => {
  const [x, lengths] = to.inputs as [string, string | undefined];
  const T = typeOf(to, x);
  if (lengths === undefined)
    return result(to, "ReverseV2", [x, integers(to, "axis", [axis])], { T, Tidx: INT32 });
  return result(to, "ReverseSequence", [x, cast(to, lengths, numberOf("int32"))], {
    T,
    Tlen: INT32,
    seq_dim: attribute.integer(axis),
    batch_dim: attribute.integer(batchAxis),
  });
};

/** x[:, steps − 1]; with a mask, at the largest place of mask · place. */
export const lastStep: Emit<"LastStep"> = (to, { timeMajor }) => {
  const [x, mask] = to.inputs as [string, string | undefined];
  const { time, batch } = sequenceAxes(timeMajor);
  const shape = shapeOf(to, x);
  const steps = sizeAt(to, "steps", shape, time);
  const one = integer(to, "one", 1);
  if (mask === undefined) {
    const last = step(to, "last", "Sub", [steps, one], { T: INT32 });
    return result(to, "GatherV2", [x, last, integer(to, "axis", time)], {
      Tparams: typeOf(to, x),
      Tindices: INT32,
      Taxis: INT32,
    });
  }
  const there = cast(to, mask, numberOf("float32"));
  const places = step(to, "places", "Add", [rangeOf(to, "range", steps), one], { T: INT32 });
  const numbered = step(to, "numbered", "Cast", [places], {
    SrcT: INT32,
    DstT: attribute.ofType("float32"),
  });
  const masked = step(to, "masked", "Mul", [there, numbered], { T: attribute.ofType("float32") });
  const last = step(to, "last", "ArgMax", [masked, integer(to, "dimension", 1)], {
    T: attribute.ofType("float32"),
    Tidx: INT32,
    output_type: INT32,
  });
  const rows = rangeOf(to, "rows", sizeAt(to, "batch", shape, batch));
  const indices = pair(to, "stack", timeMajor ? [last, rows] : [rows, last], 1);
  return result(to, "GatherNd", [x, indices], { Tparams: typeOf(to, x), Tindices: INT32 });
};

/** As tf.sequence_mask: range(steps) < lengths. */
export const sequenceMask: Emit<"SequenceMask"> = (to, { timeMajor }) => {
  const [lengths, x] = to.inputs as [string, string];
  const steps = sizeAt(to, "steps", shapeOf(to, x), sequenceAxes(timeMajor).time);
  const ends = step(
    to,
    "ExpandDims",
    "ExpandDims",
    [cast(to, lengths, numberOf("int32")), integer(to, "ExpandDims/dim", 1)],
    { T: INT32, Tdim: INT32 },
  );
  const there = step(to, "Less", "Less", [rangeOf(to, "Range", steps), ends], { T: INT32 });
  return result(to, "Cast", [there], {
    SrcT: attribute.ofType("bool"),
    DstT: attribute.ofType("float32"),
  });
};

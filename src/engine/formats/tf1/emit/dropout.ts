// Dropout as tf.nn.dropout wrote it up to TensorFlow 1.12: x / keep · floor(keep + uniform).
import * as attribute from "./attributes";
import {
  constant,
  INT32,
  result,
  step,
  typeOf,
  type Attributes,
  type Emission,
  type Emit,
} from "./emission";
import type { OpAttributes } from "../../../graph/catalogue";

/** A rate that is a number holds while the graph trains; else everything is kept. */
export const dropout: Emit<"Dropout"> = (to, rate) => {
  const [x] = to.inputs as [string];
  const T: Attributes = { T: typeOf(to, x) };
  const keep = keepProbability(to, rate);
  const scaled = step(to, "div", "RealDiv", [x, keep], T);
  const shape = step(to, "Shape", "Shape", [x], { ...T, out_type: INT32 });
  const uniform = step(to, "random_uniform", "RandomUniform", [shape], {
    T: INT32,
    dtype: typeOf(to, x),
    seed: attribute.integer(0),
    seed2: attribute.integer(0),
  });
  const sum = step(to, "add", "Add", [keep, uniform], T);
  const mask = step(to, "Floor", "Floor", [sum], T);
  return result(to, "Mul", [scaled, mask], T);
};

function keepProbability(to: Emission, rate: OpAttributes["Dropout"]): string {
  if ("keepProbabilityFrom" in rate) return to.tensorOf(rate.keepProbabilityFrom);
  const float = { T: attribute.ofType("float32") };
  const one = constant(to, "one", "float32", [], [1]);
  if ("rateFrom" in rate) return step(to, "keep", "Sub", [one, to.tensorOf(rate.rateFrom)], float);
  const kept = constant(to, "keep_prob", "float32", [], [1 - rate.rate]);
  return step(to, "keep", "Select", [to.mode(), kept, one], float);
}

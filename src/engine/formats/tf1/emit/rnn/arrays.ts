// TensorArrays: sequences that a loop reads and writes step by step.
import type { Shape } from "../../../../graph/model";
import type { AttrValue } from "../../proto/tensorflow_pb";
import * as attribute from "../attributes";
import { step, typeOf, type Emission } from "../emission";

/** An array of a number of steps. Its flow is its second output. */
export const newArray = (
  to: Emission,
  name: string,
  dtype: AttrValue,
  steps: string,
  element: Shape,
): string =>
  step(to, `${name}/TensorArray`, "TensorArrayV3", [steps], {
    dtype,
    element_shape: attribute.shape(element),
    dynamic_size: attribute.flag(false),
    clear_after_read: attribute.flag(true),
    identical_element_shapes: attribute.flag(true),
    tensor_array_name: attribute.text(`${to.name}/${name}`),
  });

export interface FilledArray {
  readonly handle: string;
  /** After everything was put in. */
  readonly flow: string;
}

/** An array that holds a sequence, steps first. `places`: 0, 1, … */
export function filledArray(
  to: Emission,
  name: string,
  sequence: string,
  steps: string,
  places: string,
  element: Shape,
): FilledArray {
  const T = typeOf(to, sequence);
  const handle = newArray(to, name, T, steps, element);
  const inputs = [handle, places, sequence, `${handle}:1`];
  const flow = step(to, `${name}/TensorArrayScatterV3`, "TensorArrayScatterV3", inputs, { T });
  return { handle, flow };
}

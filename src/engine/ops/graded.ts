// Ops whose gradient is not the one that TensorFlow.js has for them.
import { tf, type Tensor } from "./tf";

/**
 * `compute` yields the value, and after it the tensors that `gradient` is called with, behind the gradient of the value;
 * `gradient` yields a tensor for each input.
 */
export const graded =
  (
    compute: (...inputs: Tensor[]) => readonly [value: Tensor, ...saved: Tensor[]],
    gradient: (dy: Tensor, ...saved: Tensor[]) => Tensor[],
  ) =>
  (...inputs: Tensor[]): Tensor => {
    const op = tf.customGrad((...all) => {
      // Behind the inputs comes a function, which the types do not tell.
      const save = all[inputs.length] as unknown as tf.GradSaveFunc;
      const [value, ...saved] = compute(...(all.slice(0, inputs.length) as Tensor[]));
      save(saved);
      const gradFunc = (dy: Tensor, kept: Tensor[]) => gradient(dy, ...kept);
      return { value, gradFunc };
    });
    return op(...inputs);
  };

// The one place that loads TensorFlow.js. Backends are chosen in train/backend.ts.
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import * as tf from "@tensorflow/tfjs-core";

// Also silences the advice to install tfjs-node, printed once per process: we report the backend ourselves.
tf.enableProdMode();

export type { Tensor } from "@tensorflow/tfjs-core";
export { tf };

"""TensorFlow 2: the frozen layers as one tf.function over batches of a fixed size."""

import functools

from serve import read_work, serve, timed

import numpy as np
import tensorflow as tf

import networks


@functools.cache
def forward(folder):
    work = read_work(folder)
    constants = {name: tf.constant(v) for name, v in networks.read_values(folder).items()}
    signature = [tf.TensorSpec((work["batch"], *work["input"]), tf.float32)]

    @tf.function(input_signature=signature)
    def function(x):
        return networks.outputs(x, work["layers"][: work["frozen"]], constants)[-1]

    return function


def measure(work):
    folder, batch = work["folder"], work["batch"]
    function = forward(folder)
    X = np.load(f"{folder}/X.npy")
    starts = range(0, len(X), batch)
    run = lambda: [function(tf.constant(X[at : at + batch])).numpy() for at in starts]
    seconds, chunks = timed(run)
    return {"seconds": seconds, "check": float(np.abs(np.concatenate(chunks)).mean())}


if __name__ == "__main__":
    serve(f"TensorFlow {tf.__version__}", measure)

"""What the programs of this folder share: layers as TensorFlow 1 programs wrote them, digits, training, files.

tf.contrib is gone from TensorFlow 2, and tf.layers needs a package of its own; both are written out here with
the same scopes, variables and op names.
"""

import os

import numpy as np
import tensorflow.compat.v1 as tf
from sklearn.datasets import load_digits

tf.disable_v2_behavior()

SAMPLES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SEED = 42


def dense(inputs, units, scope, activation=None, kernel="weights", bias="biases"):
    """<scope>/<kernel>, <scope>/<bias>; ops MatMul, BiasAdd and the activation's."""
    with tf.variable_scope(scope):
        width = inputs.shape.as_list()[-1]
        w = tf.get_variable(kernel, [width, units], initializer=tf.glorot_uniform_initializer())
        b = tf.get_variable(bias, [units], initializer=tf.zeros_initializer())
        outputs = tf.nn.bias_add(tf.matmul(inputs, w, name="MatMul"), b, name="BiasAdd")
        return activation(outputs) if activation else outputs


def sparse_loss(labels, logits, name="loss"):
    xentropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_mean(xentropy, name=name)


def share_of_hits(labels, logits):
    return tf.reduce_mean(tf.cast(tf.nn.in_top_k(logits, labels, 1), tf.float32), name="accuracy")


def train(session, step, placeholders, arrays, epochs, batch, feeds={}):
    """`epochs` times through `arrays` in mini-batches, shuffled each time; `feeds` go with each batch."""
    shuffle = np.random.RandomState(SEED)
    for _ in range(epochs):
        order = shuffle.permutation(len(arrays[0]))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            fed = {placeholder: array[rows] for placeholder, array in zip(placeholders, arrays)}
            session.run(step, feed_dict={**fed, **feeds})


def one_thread():
    """A session that adds up in the same order every time."""
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    return tf.Session(config=config)


def save_network(session, sample, name):
    # Relative, so that the `checkpoint` file is right wherever the folder is copied to.
    saver = tf.train.Saver(save_relative_paths=True)
    saver.save(session, os.path.join(folder(sample), name))


def save_arrays(sample, **arrays):
    """NAME.npy each, in the folder of `sample`."""
    for name, array in arrays.items():
        np.save(os.path.join(folder(sample), f"{name}.npy"), array)


def save_labels(sample, name, labels):
    """NAME.csv, a column `label`: for labels that are words."""
    with open(os.path.join(folder(sample), f"{name}.csv"), "w") as file:
        file.writelines(f"{label}\n" for label in ["label", *labels])


def folder(sample):
    path = os.path.join(SAMPLES, sample)
    os.makedirs(path, exist_ok=True)
    return path


def digits(height=8, width=8):
    """scikit-learn's 1,797 images (0 to 1, [n, height, width], float32), shuffled, and their digits (int64)."""
    bunch = load_digits()
    order = np.random.RandomState(SEED).permutation(len(bunch.target))
    images = (bunch.images[order] / 16).astype(np.float32)
    return resize(images, height, width), bunch.target[order].astype(np.int64)


def resize(images, height, width):
    """Images [n, h, w] in another size, interpolated linearly between the centres of pixels."""
    return np.einsum(
        "yh,nhw,xw->nyx",
        interpolation(images.shape[1], height),
        images,
        interpolation(images.shape[2], width),
    ).astype(np.float32)


def interpolation(before, after):
    """[after, before]: the share of each old pixel in each new one."""
    at = (np.arange(after) + 0.5) * before / after - 0.5
    return np.stack([np.interp(at, np.arange(before), row) for row in np.eye(before)], axis=1)

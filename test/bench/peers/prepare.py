"""Writes what every peer starts from: X.npy, y.npy, values/*.npy and the TensorFlow 1 checkpoint model.ckpt.

usage: prepare.py FOLDER, which holds work.json
"""

import os
import sys

# The cells of TensorFlow 1 are Keras 2's.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

from serve import read_work

import numpy as np
import tensorflow as tf

import networks

tf1 = tf.compat.v1


def clusters(shape, samples, classes, rng):
    """Gaussian clusters; 30 % of the labels are random, so that a loss stays well above zero."""
    centres = 0.6 * rng.standard_normal((classes, *shape))
    y = rng.integers(0, classes, samples)
    X = centres[y] + rng.standard_normal((samples, *shape))
    noisy = rng.random(samples) < 0.3
    y[noisy] = rng.integers(0, classes, noisy.sum())
    return X, y


def digits(shape, samples, classes, rng):
    """scikit-learn's 8×8 digits, each pixel four times in both directions, cut to 28×28."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.kron(found.images[:samples] / 16, np.ones((1, 4, 4)))[:, 2:30, 2:30]
    return images.reshape(samples, *shape), found.target[:samples]


DATA = {"clusters": clusters, "digits": digits}


def save_checkpoint(folder, work, all_values):
    tf1.disable_v2_behavior()
    with tf1.Graph().as_default():
        X = tf1.placeholder(tf.float32, (None, *work["input"]), "X")
        y = tf1.placeholder(tf.int64, (None,), "y")
        variables = {
            name: tf1.get_variable(name, initializer=value) for name, value in all_values.items()
        }
        logits = networks.outputs(X, work["layers"], variables)[-1]
        with tf1.name_scope("loss"):
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            tf.reduce_mean(losses, name="loss")
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            tf1.train.Saver().save(session, f"{folder}/model.ckpt")


def main(folder):
    work = read_work(folder)
    rng = np.random.default_rng(7)
    classes = work["layers"][-1]["units"]
    X, y = DATA[work["data"]](work["input"], work["samples"], classes, rng)
    np.save(f"{folder}/X.npy", X.astype(np.float32))
    np.save(f"{folder}/y.npy", y.astype(np.int32))
    all_values = networks.values(work["layers"], work["input"], rng)
    networks.write_values(folder, all_values)
    save_checkpoint(folder, work, all_values)


if __name__ == "__main__":
    main(sys.argv[1])

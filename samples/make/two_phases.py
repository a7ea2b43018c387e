"""samples/two-phases: a network of four hidden layers, trained on ten digits; and a fresh one with the same three
lower layers that shall tell even digits from odd ones, for which few samples are labelled.
"""

import numpy as np
import tensorflow.compat.v1 as tf
from common import (
    dense,
    digits,
    one_thread,
    save_arrays,
    save_labels,
    save_network,
    share_of_hits,
    sparse_loss,
    train,
)

SAMPLE = "two-phases"
N_OLD, N_NEW = 1200, 200


def build(n_hidden4, n_outputs):
    X = tf.placeholder(tf.float32, shape=(None, 64), name="X")
    y = tf.placeholder(tf.int64, shape=(None), name="y")
    with tf.name_scope("dnn"):
        layer = X
        for number, units in enumerate([300, 50, 50, n_hidden4], start=1):
            layer = dense(layer, units, f"hidden{number}", tf.nn.relu, "kernel", "bias")
        logits = dense(layer, n_outputs, "outputs", None, "kernel", "bias")
    with tf.name_scope("loss"):
        loss = sparse_loss(y, logits)
    with tf.name_scope("train"):
        training_op = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    with tf.name_scope("eval"):
        accuracy = share_of_hits(y, logits)
    return X, y, training_op, accuracy


def original(X_old, y_old):
    with tf.Graph().as_default(), one_thread() as session:
        tf.set_random_seed(42)
        X, y, training_op, accuracy = build(n_hidden4=50, n_outputs=10)
        session.run(tf.global_variables_initializer())
        train(session, training_op, [X, y], [X_old, y_old], epochs=60, batch=20)
        print(f"ten digits: accuracy {accuracy.eval({X: X_old, y: y_old}):.4f}")
        save_network(session, SAMPLE, "my_original_model.ckpt")


def fresh():
    with tf.Graph().as_default(), one_thread() as session:
        tf.set_random_seed(7)
        build(n_hidden4=20, n_outputs=2)
        session.run(tf.global_variables_initializer())
        save_network(session, SAMPLE, "my_untrained_model.ckpt")


def main():
    images, labels = digits()
    samples = images.reshape(len(images), 64)
    fresh()
    original(samples[:N_OLD], labels[:N_OLD])
    parity = np.where(labels % 2 == 0, "even", "odd")
    new, test = slice(N_OLD, N_OLD + N_NEW), slice(N_OLD + N_NEW, None)
    save_arrays(SAMPLE, X_train=samples[new], X_test=samples[test])
    save_labels(SAMPLE, "y_train", parity[new])
    save_labels(SAMPLE, "y_test", parity[test])


if __name__ == "__main__":
    main()

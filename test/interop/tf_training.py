"""Trains a head of dense layers in TensorFlow 1, from given initial values over given batches.

The folder holds features.npy (n × width), labels.npy (n class indices), order.npy (epochs × n; batches are its
consecutive slices, the last one smaller) and the initial values weights_0.npy, biases_0.npy, weights_1.npy, …;
with --checkpoint and --layer they are the weights and biases of those layers instead.
All layers but the last end in a ReLU. The loss is the mean cross-entropy of the batch.
"""

import argparse
import itertools
import os

import numpy as np

from oracle import report, session, tf

OPTIMIZERS = {
    "sgd": lambda args: tf.train.GradientDescentOptimizer(args.learning_rate),
    "momentum": lambda args: tf.train.MomentumOptimizer(args.learning_rate, args.momentum),
    "nesterov": lambda args: tf.train.MomentumOptimizer(
        args.learning_rate, args.momentum, use_nesterov=True
    ),
    "adam": lambda args: tf.train.AdamOptimizer(args.learning_rate),
    "rmsprop": lambda args: tf.train.RMSPropOptimizer(args.learning_rate),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="sgd")
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--last-only", action="store_true", help="report the values of the last step only")
    parser.add_argument("--checkpoint", help="prefix of the checkpoint that holds the initial values")
    parser.add_argument("--layer", action="append", default=[], help="a layer of the head; lowest first")
    parser.add_argument("--compare", help="a checkpoint trained elsewhere: how far its layers are off")
    args = parser.parse_args()

    features, labels, order = (load(args.folder, name) for name in ("features", "labels", "order"))
    X = tf.placeholder(tf.float32, (None, features.shape[1]))
    y = tf.placeholder(tf.int64, (None,))
    initial = from_checkpoint(args.checkpoint, args.layer) if args.checkpoint else from_folder(args.folder)
    logits, variables = head(X, initial)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    minimize = OPTIMIZERS[args.optimizer](args).minimize(loss)

    steps = []
    with session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in order:
            for start in range(0, len(epoch), args.batch):
                rows = epoch[start : start + args.batch]
                # The loss is that of the weights before the step.
                step_loss, _ = sess.run([loss, minimize], {X: features[rows], y: labels[rows]})
                steps.append({"loss": float(step_loss), "variables": values(sess, variables)})
        trained = sess.run(variables)
    if args.last_only:
        for step in steps[:-1]:
            del step["variables"]
    result = {"steps": steps}
    if args.compare:
        result["difference"] = difference(trained, from_checkpoint(args.compare, args.layer))
    report(result)


def load(folder, name):
    return np.load(os.path.join(folder, name + ".npy"))


def from_folder(folder):
    """{name: array} of the initial values in the folder."""
    count = next(i for i in itertools.count() if not os.path.exists(f"{folder}/weights_{i}.npy"))
    names = [f"{kind}_{i}" for i in range(count) for kind in ("weights", "biases")]
    return {name: load(folder, name) for name in names}


def from_checkpoint(prefix, layers):
    reader = tf.train.load_checkpoint(prefix)
    return {
        f"{kind}_{i}": reader.get_tensor(f"{layer}/{kind}")
        for i, layer in enumerate(layers)
        for kind in ("weights", "biases")
    }


def head(inputs, initial):
    """(logits, {name: variable})."""
    variables = {name: tf.Variable(value, dtype=tf.float32) for name, value in initial.items()}
    count = len(initial) // 2
    outputs = inputs
    for i in range(count):
        outputs = tf.nn.bias_add(tf.matmul(outputs, variables[f"weights_{i}"]), variables[f"biases_{i}"])
        if i < count - 1:
            outputs = tf.nn.relu(outputs)
    return outputs, variables


def values(sess, variables):
    """Each variable's numbers in C order."""
    return {name: value.ravel().tolist() for name, value in sess.run(variables).items()}


def difference(ours, theirs):
    """The largest absolute difference of each variable."""
    return {name: float(np.abs(ours[name] - theirs[name]).max()) for name in ours}


if __name__ == "__main__":
    main()

"""Trains a widened head of two dense layers in TensorFlow 1: its old and its new numbers are variables of their own, which
tf.concat joins, and an optimizer of its own moves each kind.

The folder holds features.npy, labels.npy and order.npy, as for tf_training.py. The first layer has --old-units units out
of the checkpoint, what follows them is new, and so are the rows by which the second layer reads it. Of each joined
variable the report tells how far Graft's result is from TensorFlow's, and how far TensorFlow moved it.
"""

import argparse

from oracle import report, session, tf
from tf_training import OPTIMIZERS, difference, from_checkpoint, load


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--old-units", type=int, required=True)
    for kind in ("old", "new"):
        parser.add_argument(f"--{kind}-optimizer", choices=OPTIMIZERS, required=True)
        parser.add_argument(f"--{kind}-learning-rate", type=float, required=True)
        parser.add_argument(f"--{kind}-l2", type=float, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--layer", action="append", required=True, help="of the two layers; the lower first")
    parser.add_argument("--checkpoint", required=True, help="prefix of the initial values")
    parser.add_argument("--compare", required=True, help="prefix of Graft's result")
    args = parser.parse_args()

    features, labels, order = (load(args.folder, name) for name in ("features", "labels", "order"))
    start = from_checkpoint(args.checkpoint, args.layer)
    X = tf.placeholder(tf.float32, [None, features.shape[1]])
    y = tf.placeholder(tf.int32, [None])
    joined, old, new = split(start, args.old_units)
    hidden = tf.nn.relu(tf.matmul(X, joined["weights_0"]) + joined["biases_0"])
    logits = tf.matmul(hidden, joined["weights_1"]) + joined["biases_1"]
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    step = minimize(loss, {"old": old, "new": new}, args)

    with session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in order:
            for at in range(0, len(epoch), args.batch):
                rows = epoch[at : at + args.batch]
                sess.run(step, {X: features[rows], y: labels[rows]})
        trained = sess.run(joined)
    report(
        {
            "difference": difference(trained, from_checkpoint(args.compare, args.layer)),
            "moved": difference(trained, start),
        }
    )


def split(start, units):
    """({name: joined tensor}, old variables, new variables)."""
    old, new, joined = [], [], {}
    for name, axis in {"weights_0": 1, "biases_0": 0, "weights_1": 0}.items():
        index = [slice(None)] * axis
        parts = [tf.Variable(start[name][(*index, rows)]) for rows in (slice(units), slice(units, None))]
        joined[name] = tf.concat(parts, axis=axis)
        old.append(parts[0])
        new.append(parts[1])
    joined["biases_1"] = tf.Variable(start["biases_1"])
    old.append(joined["biases_1"])
    return joined, old, new


def minimize(loss, kinds, args):
    """One step of all: every gradient is there before the first variable moves."""
    option = lambda kind, name: getattr(args, f"{kind}_{name}")
    gradients = {}
    for kind, variables in kinds.items():
        found = tf.gradients(loss, variables)
        gradients[kind] = [g + option(kind, "l2") * v for g, v in zip(found, variables)]
    with tf.control_dependencies([each for found in gradients.values() for each in found]):
        return [
            optimizer(option(kind, "optimizer"), option(kind, "learning_rate")).apply_gradients(
                zip(gradients[kind], kinds[kind])
            )
            for kind in kinds
        ]


def optimizer(name, learning_rate):
    return OPTIMIZERS[name](argparse.Namespace(learning_rate=learning_rate, momentum=0.9))


if __name__ == "__main__":
    main()

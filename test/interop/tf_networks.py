"""Small networks as TensorFlow builds them: dense, convolution with batch norm, residual, joined.

Given a folder, builds every network with random numbers: NAME.ckpt, NAME.other.ckpt with other numbers, NAME.x.npy,
NAME.logits.npy; y.npy and rows.npy are labels for all. Given a file of cases, checks edited checkpoints as check_saved.py
does; where a case names the code of the edited network, that is built, gets the checkpoint's numbers, and tells its logits.
"""

import argparse
import json
import os
import traceback

import numpy as np

from check_saved import arguments, judge
from oracle import report, session, tf

SAMPLES = 12


def variable(name, shape, trainable=True, start=None):
    rng = np.random.RandomState(abs(hash_of(name)) % 2**31)
    spread = 1 / np.sqrt(max(1, int(np.prod(shape[:-1]))))
    values = rng.normal(0, spread, shape) if start is None else rng.uniform(0.5, 1.5, shape)
    return tf.get_variable(
        name, initializer=values.astype(np.float32), trainable=trainable, use_resource=False
    )


def hash_of(name):
    return sum((i + 1) * ord(c) for i, c in enumerate(name))


def dense(x, name, units, activation=None):
    with tf.variable_scope(name):
        kernel = variable("kernel", [int(x.shape[1]), units])
        y = tf.nn.bias_add(tf.matmul(x, kernel), variable("bias", [units]))
        return y if activation is None else activation(y)


def conv(x, name, units, activation=None):
    with tf.variable_scope(name):
        kernel = variable("kernel", [3, 3, int(x.shape[3]), units])
        y = tf.nn.bias_add(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME"), variable("bias", [units]))
        return y if activation is None else activation(y)


def batch_norm(x, name):
    units = int(x.shape[-1])
    with tf.variable_scope(name):
        scale, offset = variable("gamma", [units], start=1), variable("beta", [units])
        mean = variable("moving_mean", [units], trainable=False)
        variance = variable("moving_variance", [units], trainable=False, start=1)
        if len(x.shape) == 2:
            return tf.nn.batch_normalization(x, mean, variance, offset, scale, 0.001)
        return tf.nn.fused_batch_norm(x, scale, offset, mean, variance, 0.001, is_training=False)[0]


def rows(units=6):
    return tf.placeholder(tf.float32, [None, units], name="x")


def images(channels=2):
    return tf.placeholder(tf.float32, [None, 8, 8, channels], name="x")


def dense_network(size):
    x = rows(size.get("x", 6))
    y = dense(x, "one", size["one"], tf.nn.relu)
    y = dense(y, "two", size["two"], tf.tanh)
    return x, dense(y, size.get("name", "out"), size["out"])


def deeper_network(size):
    """dense, with a dense layer and a batch norm behind the first layer."""
    x = rows()
    y = dense(x, "one", size["one"], tf.nn.relu)
    y = batch_norm(dense(y, "deeper", size["deeper"], tf.nn.relu), "norm")
    return x, dense(dense(y, "two", size["two"], tf.tanh), "out", size["out"])


def activated_network(size):
    """dense, with other activation functions, and one more."""
    x = rows()
    y = tf.nn.sigmoid(dense(x, "one", size["one"], tf.nn.elu))
    return x, dense(dense(y, "two", size["two"], tf.nn.leaky_relu), "out", size["out"])


def shorter_network(size):
    """dense, without its second layer."""
    x = rows()
    return x, dense(dense(x, "one", size["one"], tf.nn.relu), "out", size["out"])


def features_network(size):
    """The hidden layers of dense."""
    x = rows()
    return x, dense(dense(x, "one", size["one"], tf.nn.relu), "two", size["two"], tf.tanh)


def first_network(size):
    x = rows()
    return x, dense(x, "one", size["one"], tf.nn.relu)


def conv_network(size):
    x = images(size.get("x", 2))
    y = tf.nn.relu(batch_norm(conv(x, "one", size["one"]), "norm"))
    y = tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    y = conv(y, "two", size["two"], tf.nn.relu)
    y = tf.reshape(y, [-1, 16 * size["two"]])
    return x, dense(dense(y, "three", size["three"], tf.nn.relu), "out", size["out"])


def deeper_conv_network(size):
    """conv, with two convolutions and a batch norm more, and without its last hidden layer."""
    x = images()
    y = tf.nn.relu(batch_norm(conv(x, "one", size["one"]), "norm"))
    y = conv(y, "deeper", size["one"], tf.nn.relu)
    y = tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    y = batch_norm(conv(y, "two", size["two"], tf.nn.relu), "norm2")
    y = conv(y, "wide", size["wide"], tf.nn.relu)
    return x, dense(tf.reshape(y, [-1, 16 * size["wide"]]), "out", size["out"])


def bare_conv_network(size):
    """conv, without its batch norm and its second convolution."""
    x = images()
    y = tf.nn.max_pool(conv(x, "one", size["one"]), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    y = tf.reshape(y, [-1, 16 * size["one"]])
    return x, dense(dense(y, "three", size["three"], tf.nn.relu), "out", size["out"])


def map_network(size):
    x = images()
    return x, conv(x, "one", size["one"], tf.nn.relu)


def pooled_network(size):
    x, y = map_network(size)
    return x, dense(tf.reduce_mean(y, [1, 2]), "logits", size["logits"])


def residual_network(size):
    x = images()
    stem = conv(x, "stem", size["stem"], tf.nn.relu)
    y = conv(stem, "one", size["one"], tf.nn.relu)
    y = tf.nn.relu(tf.add(stem, conv(y, "two", size["stem"])))
    return x, dense(tf.reduce_mean(y, [1, 2]), "out", size["out"])


def joined_network(size):
    x = rows()
    y = tf.concat([dense(x, "one", size["one"], tf.nn.relu), dense(x, "two", size["two"])], 1)
    return x, dense(dense(y, "three", size["three"], tf.tanh), "out", size["out"])


def narrow_network(size):
    """joined, without one of its branches."""
    x = rows()
    y = dense(dense(x, "one", size["one"], tf.nn.relu), "three", size["three"], tf.tanh)
    return x, dense(y, "out", size["out"])


NETWORKS = {
    "dense": (dense_network, {"one": 5, "two": 4, "out": 3}),
    "conv": (conv_network, {"one": 4, "two": 5, "three": 6, "out": 3}),
    "residual": (residual_network, {"stem": 4, "one": 5, "out": 3}),
    "joined": (joined_network, {"one": 4, "two": 3, "three": 5, "out": 3}),
}

# They have no loss.
UNTRAINED = {
    "features": (features_network, {"one": 5, "two": 4}),
    "map": (map_network, {"one": 4}),
}

# What edits make of them.
EDITED = {
    "deeper": deeper_network,
    "activated": activated_network,
    "shorter": shorter_network,
    "first": first_network,
    "deeper_conv": deeper_conv_network,
    "bare_conv": bare_conv_network,
    "pooled": pooled_network,
    "narrow": narrow_network,
}

CODE = {**{name: code for name, (code, _) in {**NETWORKS, **UNTRAINED}.items()}, **EDITED}


def build(directory):
    for name, (code, size) in {**NETWORKS, **UNTRAINED}.items():
        tf.reset_default_graph()
        x, logits = code(size)
        rng = np.random.RandomState(1)
        inputs = rng.normal(size=[SAMPLES] + x.shape.as_list()[1:]).astype(np.float32)
        if name in NETWORKS:
            labels = tf.placeholder(tf.int64, [None], name="y")
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(losses, name="loss")
            tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
        init = tf.global_variables_initializer()
        tf.group(init, name="init")
        path = os.path.join(directory, name)
        np.save(path + ".x.npy", inputs)
        with session() as sess:
            sess.run(init)
            np.save(path + ".logits.npy", sess.run(logits, {x: inputs}))
            saver = tf.train.Saver()
            saver.save(sess, path + ".ckpt")
            sess.run([v.assign(v + 0.5) for v in tf.trainable_variables()])
            saver.save(sess, path + ".other.ckpt")
    indices = np.arange(SAMPLES, dtype=np.int64) % 3
    np.save(os.path.join(directory, "y.npy"), indices)
    np.save(os.path.join(directory, "rows.npy"), np.eye(3, dtype=np.float32)[indices])
    report({"built": sorted(CODE)})


def scratch(prefix, inputs, code, size):
    """The logits of a network that is built by its own code, with the numbers of a checkpoint."""
    tf.reset_default_graph()
    x, logits = CODE[code](size)
    reader = tf.train.load_checkpoint(prefix)
    with session() as sess:
        for v in tf.global_variables():
            v.load(reader.get_tensor(v.op.name), sess)
        return sess.run(logits, {x: np.load(inputs)}).tolist()


def check(case):
    """What TensorFlow finds in one edited checkpoint; what went wrong, where it finds nothing."""
    try:
        tf.reset_default_graph()
        found = judge(arguments(case["arguments"]))
        if "code" in case:
            prefix, inputs = case["arguments"][:2]
            found["scratch"] = scratch(prefix, inputs, case["code"], case["size"])
        return found
    except Exception:
        return {"error": traceback.format_exc()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", help="a folder to build in, or a file of cases to check")
    args = parser.parse_args()
    if os.path.isdir(args.path):
        build(args.path)
        return
    with open(args.path) as file:
        report({name: check(case) for name, case in json.load(file).items()})


if __name__ == "__main__":
    main()

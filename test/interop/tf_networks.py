"""Small networks as TensorFlow builds them: dense, convolution with batch norm, residual, joined.

build   writes every network with random numbers: NAME.ckpt, NAME.x.npy, NAME.y.npy, NAME.logits.npy
scratch builds one with other sizes, by its own code, and gives it the numbers of an edited checkpoint; prints the logits.
"""

import argparse
import json
import os

import numpy as np

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
    units = int(x.shape[3])
    with tf.variable_scope(name):
        own = [variable("gamma", [units], start=1), variable("beta", [units])]
        moving = [
            variable("moving_mean", [units], trainable=False),
            variable("moving_variance", [units], trainable=False, start=1),
        ]
        return tf.nn.fused_batch_norm(x, *own, *moving, epsilon=0.001, is_training=False)[0]


def dense_network(size):
    x = tf.placeholder(tf.float32, [None, 6], name="x")
    y = dense(x, "one", size["one"], tf.nn.relu)
    return x, dense(y, "two", size["two"], tf.tanh)


def conv_network(size):
    x = tf.placeholder(tf.float32, [None, 8, 8, 2], name="x")
    y = tf.nn.relu(batch_norm(conv(x, "one", size["one"]), "norm"))
    y = tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    y = conv(y, "two", size["two"], tf.nn.relu)
    y = tf.reshape(y, [-1, 16 * size["two"]])
    return x, dense(y, "three", size["three"], tf.nn.relu)


def residual_network(size):
    x = tf.placeholder(tf.float32, [None, 8, 8, 2], name="x")
    stem = conv(x, "stem", size["stem"], tf.nn.relu)
    y = conv(stem, "one", size["one"], tf.nn.relu)
    y = tf.nn.relu(tf.add(stem, conv(y, "two", size["stem"])))
    return x, tf.reduce_mean(y, [1, 2])


def joined_network(size):
    x = tf.placeholder(tf.float32, [None, 6], name="x")
    y = tf.concat([dense(x, "one", size["one"], tf.nn.relu), dense(x, "two", size["two"])], 1)
    return x, dense(y, "three", size["three"], tf.tanh)


NETWORKS = {
    "dense": (dense_network, {"one": 5, "two": 4, "out": 3}),
    "conv": (conv_network, {"one": 4, "two": 5, "three": 6, "out": 3}),
    "residual": (residual_network, {"stem": 4, "one": 5, "out": 3}),
    "joined": (joined_network, {"one": 4, "two": 3, "three": 5, "out": 3}),
}


def network(name, size):
    x, y = NETWORKS[name][0](size)
    labels = tf.placeholder(tf.int64, [None], name="y")
    logits = dense(y, "out", size["out"])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    loss = tf.reduce_mean(losses, name="loss")
    return x, labels, logits, loss


def build(directory):
    for name, (_, size) in NETWORKS.items():
        tf.reset_default_graph()
        x, labels, logits, loss = network(name, size)
        tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
        init = tf.global_variables_initializer()
        tf.group(init, name="init")
        rng = np.random.RandomState(1)
        inputs = rng.normal(size=[SAMPLES] + x.shape.as_list()[1:]).astype(np.float32)
        path = os.path.join(directory, name)
        np.save(path + ".x.npy", inputs)
        np.save(path + ".y.npy", np.arange(SAMPLES, dtype=np.int64) % size["out"])
        with session() as sess:
            sess.run(init)
            np.save(path + ".logits.npy", sess.run(logits, {x: inputs}))
            tf.train.Saver().save(sess, path + ".ckpt")
    report({"built": sorted(NETWORKS)})


def scratch(args):
    x, _, logits, _ = network(args.network, json.loads(args.size))
    reader = tf.train.load_checkpoint(args.prefix)
    with session() as sess:
        for v in tf.global_variables():
            v.load(reader.get_tensor(v.op.name), sess)
        report({"logits": sess.run(logits, {x: np.load(args.inputs)}).tolist()})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prefix", help="a folder to build in, or the edited checkpoint")
    parser.add_argument("inputs", nargs="?", help="X.npy")
    parser.add_argument("--network")
    parser.add_argument("--size", help="units by layer, as JSON")
    args = parser.parse_args()
    if args.network is None:
        build(args.prefix)
    else:
        scratch(args)


if __name__ == "__main__":
    main()

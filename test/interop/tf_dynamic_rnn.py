"""Recurrent networks as TensorFlow builds them with dynamic_rnn: LSTM, peepholes and a projection, GRU, stacks of cells, lengths,
both directions, dropout around cells, learned initial states.

Given a folder, builds every network with random numbers, as tf_networks.py does. Given a file of cases, checks edited
checkpoints: as check_saved.py does, and against a network of the edited sizes that is built by its own code and gets the
checkpoint's numbers: its logits, and the gradients of its loss.
"""

import argparse
import json
import os
import traceback

# The cells of TensorFlow 1 live in Keras 2.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np

from check_saved import arguments, judge, loss_of
from oracle import find_tensor, report, session, tf
from tf_networks import dense, hash_of

SAMPLES = 12
STEPS = 5
cells = tf.nn.rnn_cell


def sequences():
    return tf.placeholder(tf.float32, [None, STEPS, 4], name="x")


def lengths_of(x):
    """1 to STEPS, as the numbers of a sample say."""
    there = tf.cast(tf.greater(x[:, 1:, 0], 0.0), tf.float32)
    return 1 + tf.cast(tf.reduce_sum(there, 1), tf.int32)


def rnn(cell, x, **options):
    return tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, **options)


def basic_network(size):
    x = sequences()
    outputs, _ = rnn(cells.BasicLSTMCell(size["one"]), x)
    return x, dense(outputs[:, -1], "out", size["out"])


def peephole_network(size):
    x = sequences()
    cell = cells.LSTMCell(size["one"], use_peepholes=True, num_proj=size["two"], cell_clip=0.9, proj_clip=0.8)
    outputs, _ = rnn(cell, x, sequence_length=lengths_of(x))
    return x, dense(tf.reshape(outputs, [-1, STEPS * size["two"]]), "out", size["out"])


def gru_network(size):
    x = sequences()
    _, h = rnn(cells.GRUCell(size["one"]), x)
    return x, dense(h, "out", size["out"])


def multi_network(size):
    x = sequences()
    stack = cells.MultiRNNCell([cells.BasicLSTMCell(size["one"]), cells.GRUCell(size["two"])])
    _, (_, h) = rnn(stack, x, sequence_length=lengths_of(x))
    return x, dense(h, "out", size["out"])


def stacked_network(size):
    """Two loops, one behind the other, the first with a state that it learns to start with."""
    x = sequences()
    with tf.variable_scope("first"):
        c, h = [tf.get_variable(name, [1, size["one"]]) for name in "ch"]
        many = [tf.shape(x)[0], 1]
        state = cells.LSTMStateTuple(tf.tile(c, many), tf.tile(h, many))
        outputs, _ = rnn(cells.BasicLSTMCell(size["one"]), x, initial_state=state)
    with tf.variable_scope("second"):
        outputs, _ = rnn(cells.GRUCell(size["two"]), outputs)
    return x, dense(outputs[:, -1], "out", size["out"])


def both_network(size):
    """Both ways, time first, with lengths."""
    x = sequences()
    outputs, _ = tf.nn.bidirectional_dynamic_rnn(
        cells.BasicLSTMCell(size["one"]),
        cells.GRUCell(size["two"]),
        tf.transpose(x, [1, 0, 2]),
        sequence_length=lengths_of(x),
        time_major=True,
        dtype=tf.float32,
    )
    return x, dense(tf.reduce_mean(tf.concat(outputs, 2), 0), "out", size["out"])


def wrapped_network(size):
    """Dropout in a stack, and a cell that adds its input."""
    x = sequences()
    keep = tf.placeholder_with_default(1.0, [], name="keep_prob")
    first = cells.DropoutWrapper(cells.BasicLSTMCell(size["one"]), output_keep_prob=keep)
    stack = cells.MultiRNNCell([first, cells.ResidualWrapper(cells.GRUCell(size["one"]))])
    outputs, _ = rnn(stack, x)
    return x, dense(outputs[:, -1], "out", size["out"])


def each_network(size):
    """Of an open number of steps, each of which goes through dense layers: a tensordot of shapes computed at run time."""
    x = tf.placeholder(tf.float32, [None, None, 4], name="x")
    outputs, _ = rnn(cells.BasicLSTMCell(size["one"]), x)
    hidden = tf.layers.dense(outputs, size["two"], tf.nn.relu, name="hidden")
    each = tf.layers.dense(hidden, 6, tf.tanh, name="each")
    return x, dense(each[:, -1], "out", size["out"])


def squashed_network(size):
    """multi, with a tanh between its cells."""
    x = sequences()
    lengths = lengths_of(x)
    with tf.variable_scope("rnn/multi_rnn_cell/cell_0"):
        outputs, _ = run_in_scope(cells.BasicLSTMCell(size["one"]), x, lengths)
    with tf.variable_scope("rnn/multi_rnn_cell/cell_1"):
        _, h = run_in_scope(cells.GRUCell(size["two"]), tf.tanh(outputs), lengths)
    return x, dense(h, "out", size["out"])


def deeper_network(size):
    """basic, with an LSTM and a dense layer for each step behind its cell."""
    x = sequences()
    outputs, _ = rnn(cells.BasicLSTMCell(size["one"]), x)
    cell = cells.LSTMCell(size["two"], use_peepholes=True, name="more")
    outputs, _ = rnn(cell, outputs, scope=tf.get_variable_scope())
    with tf.variable_scope("each"):
        kernel = tf.get_variable("kernel", [size["two"], size["three"]])
        outputs = tf.nn.bias_add(tf.matmul(outputs, kernel), tf.get_variable("bias", [size["three"]]))
    return x, dense(outputs[:, -1], "out", size["out"])


def deeper_multi_network(size):
    """multi, with a GRU behind it."""
    x = sequences()
    stack = cells.MultiRNNCell([cells.BasicLSTMCell(size["one"]), cells.GRUCell(size["two"])])
    lengths = lengths_of(x)
    outputs, _ = rnn(stack, x, sequence_length=lengths)
    cell = cells.GRUCell(size["three"], name="more")
    _, h = rnn(cell, outputs, sequence_length=lengths, scope=tf.get_variable_scope())
    return x, dense(h, "out", size["out"])


def run_in_scope(cell, x, lengths):
    """dynamic_rnn whose variables are those of the scope around it."""
    return rnn(cell, x, sequence_length=lengths, scope=tf.get_variable_scope())


NETWORKS = {
    "basic": (basic_network, {"one": 5, "out": 3}),
    "peephole": (peephole_network, {"one": 5, "two": 3, "out": 3}),
    "gru": (gru_network, {"one": 5, "out": 3}),
    "multi": (multi_network, {"one": 5, "two": 4, "out": 3}),
    "stacked": (stacked_network, {"one": 5, "two": 4, "out": 3}),
    "both": (both_network, {"one": 4, "two": 3, "out": 3}),
    "wrapped": (wrapped_network, {"one": 4, "out": 3}),
    "each": (each_network, {"one": 5, "two": 4, "out": 3}),
}

# What edits make of them.
EDITED = {
    "squashed": squashed_network,
    "deeper": deeper_network,
    "deeper_multi": deeper_multi_network,
}
CODE = {**{name: code for name, (code, _) in NETWORKS.items()}, **EDITED}


def with_loss(code, size):
    """Placeholders, logits, loss."""
    x, logits = code(size)
    labels = tf.placeholder(tf.int64, [None], name="y")
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return x, labels, logits, tf.reduce_mean(losses, name="loss")


def build(directory):
    for name, (code, size) in NETWORKS.items():
        tf.reset_default_graph()
        x, _, logits, loss = with_loss(code, size)
        inputs = np.random.RandomState(1).normal(size=[SAMPLES] + [STEPS if n is None else n for n in x.shape.as_list()[1:]])
        tf.train.RMSPropOptimizer(0.01).minimize(loss)
        init = tf.global_variables_initializer()
        tf.group(init, name="init")
        path = os.path.join(directory, name)
        np.save(path + ".x.npy", inputs.astype(np.float32))
        with session() as sess:
            sess.run(init)
            for v in tf.trainable_variables():
                rng = np.random.RandomState(hash_of(v.op.name))
                v.load(rng.normal(0, 0.6, v.shape.as_list()).astype(np.float32), sess)
            np.save(path + ".logits.npy", sess.run(logits, {x: inputs}))
            tf.train.Saver().save(sess, path + ".ckpt")
    np.save(os.path.join(directory, "y.npy"), np.arange(SAMPLES, dtype=np.int64) % 3)
    report({"built": sorted(CODE)})


def gradients(sess, loss, feed):
    variables = tf.trainable_variables()
    found = tf.gradients(loss, variables)
    return dict(zip([v.op.name for v in variables], sess.run(found, feed)))


def imported(args):
    tf.reset_default_graph()
    saver = tf.train.import_meta_graph(args.prefix + ".meta")
    labels, loss = loss_of(tf.get_default_graph(), args)
    x = find_tensor(tf.get_default_graph(), args.input)
    with session() as sess:
        saver.restore(sess, args.prefix)
        return gradients(sess, loss, {x: np.load(args.inputs), labels: np.load(args.labels)})


def scratch(args, code, size):
    """A network that is built by its own code, with the numbers of a checkpoint: logits, gradients."""
    tf.reset_default_graph()
    x, labels, logits, loss = with_loss(CODE[code], size)
    reader = tf.train.load_checkpoint(args.prefix)
    feed = {x: np.load(args.inputs), labels: np.load(args.labels)}
    with session() as sess:
        for v in tf.global_variables():
            v.load(reader.get_tensor(v.op.name), sess)
        return sess.run(logits, feed).tolist(), gradients(sess, loss, feed)


def check(case):
    """What TensorFlow finds in one edited checkpoint; what went wrong, where it finds nothing."""
    try:
        tf.reset_default_graph()
        args = arguments(case["arguments"])
        found = judge(args)
        found["scratch"], wanted = scratch(args, case["code"], case["size"])
        got = imported(args)
        scale = max(float(np.abs(each).max()) for each in wanted.values())
        found["gradients"] = {
            name: float(np.abs(got[name] - wanted[name]).max()) / scale for name in got
        }
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
